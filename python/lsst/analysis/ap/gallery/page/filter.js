"use strict";
// Which rows are wanted: any number of conditions, each known by a name, and how many fail for each row.

{
  class Filter {
    #masks = new Map(); // name -> one byte a row, 1 where the condition fails
    #failing;

    constructor(rows) {
      this.rows = rows;
      this.#failing = new Uint8Array(rows);
    }

    /** Set or, with null, remove a condition. */
    set(name, test) {
      const earlier = this.#masks.get(name);
      if (earlier) {
        for (let row = 0; row < this.rows; row++) this.#failing[row] -= earlier[row];
        this.#masks.delete(name);
      }
      if (test === null) return;
      const mask = new Uint8Array(this.rows);
      for (let row = 0; row < this.rows; row++) mask[row] = test(row) ? 0 : 1;
      for (let row = 0; row < this.rows; row++) this.#failing[row] += mask[row];
      this.#masks.set(name, mask);
    }

    get names() {
      return [...this.#masks.keys()];
    }

    passes(row) {
      return this.#failing[row] === 0;
    }

    /** A function that says whether a row passes all conditions but one: what a histogram counts. */
    passesWithout(name) {
      const mask = this.#masks.get(name);
      const failing = this.#failing;
      return mask ? (row) => failing[row] === mask[row] : (row) => failing[row] === 0;
    }

    /** The rows that pass, in the order of the catalogue. */
    passing() {
      const found = new Uint32Array(this.rows);
      let number = 0;
      for (let row = 0; row < this.rows; row++) if (this.#failing[row] === 0) found[number++] = row;
      return found.slice(0, number);
    }
  }

  Gallery.Filter = Filter;
}
