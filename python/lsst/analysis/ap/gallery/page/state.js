"use strict";
// What is shown: the choices of the user, the rows that follow from them, and the picture that is current.

{
  const { Emitter, Filter, compileCondition, sorted, grouped } = Gallery;

  const START = {
    where: "",
    sort: "",
    descending: false,
    group: "",
    seed: "1",
    show: "panels",
    size: 260,
    limits: "common",
    plots: false,
    open: false,
  };

  /** Return a function that says whether a row passes a facet. */
  function facetTest(facet, data) {
    if (facet.type === "flags") {
      const find = (words) =>
        data.flagWords.filter(({ word }) => words.includes(word)).map((word) => data.hasWord(word));
      const [yes, no] = [find(facet.set), find(facet.unset)];
      return (row) => yes.every((has) => has[row]) && !no.some((has) => has[row]);
    }
    const column = data.table.find(facet.column);
    if (facet.type === "range") {
      const { low = -Infinity, high = Infinity } = facet;
      if (column.storage === "live") return () => true;
      const numbers = column.numbers;
      return (row) => numbers[row] >= low && numbers[row] <= high;
    }
    const wanted = new Set(facet.values);
    return (row) => wanted.has(column.text(row));
  }

  /**
   * The state of one gallery. Listeners hear "rows" when other rows or another order are shown, "look" when
   * the same rows look different, "current" when another picture is current, "choice" after any of them.
   */
  class State extends Emitter {
    constructor(data) {
      super();
      Object.assign(this, START, { data, facets: new Map(), current: null, error: "" });
      this.filter = new Filter(data.rows);
      this.arrange();
    }

    static get start() {
      return START;
    }

    /** Change some choices. */
    set(changes) {
      const differs = (...names) => names.some((name) => name in changes && changes[name] !== this[name]);
      const arranges = differs("where", "sort", "descending", "group", "seed");
      const looks = differs("show", "size", "plots", "limits");
      const opens = differs("open");
      const where = differs("where");
      // Another order is read from its beginning.
      if (differs("sort", "descending", "group", "seed")) this.current = null;
      Object.assign(this, changes);
      if (where) this.#applyWhere();
      if (arranges) this.arrange();
      if (looks) this.emit("look");
      if (opens) this.emit("open");
      this.emit("choice");
    }

    #applyWhere() {
      this.error = "";
      let test = null;
      try {
        if (this.where.trim()) test = compileCondition(this.where, this.data.table);
      } catch (error) {
        if (!(error instanceof Gallery.ConditionError)) throw error;
        this.error = error.message; // what was shown before stays
        return;
      }
      this.filter.set("where", test);
    }

    /** Set or, with null, remove a facet: {type: "range" | "among" | "flags", column, ...}. */
    setFacet(key, facet) {
      if (facet === null) this.facets.delete(key);
      else this.facets.set(key, facet);
      this.filter.set(`facet ${key}`, facet === null ? null : facetTest(facet, this.data));
      this.arrange();
      this.emit("choice");
    }

    /** Remove every condition. */
    clear() {
      for (const name of this.filter.names) this.filter.set(name, null);
      this.facets.clear();
      Object.assign(this, { where: "", error: "" });
      this.arrange();
      this.emit("choice");
    }

    /** How many rows pass all facets but one. */
    passesWithout(key) {
      return this.filter.passesWithout(`facet ${key}`);
    }

    /** Work out which rows are shown, and in which order. */
    arrange() {
      const passing = this.filter.passing();
      const choice = { key: this.sort, descending: this.descending, seed: this.seed };
      let rows = sorted(passing, this.data.table, choice, (row) => this.data.id(row));
      const column = this.group && this.data.table.find(this.group);
      this.groups = column ? grouped(rows, column) : [{ value: null, rows }];
      if (column) rows = Uint32Array.from(this.groups.flatMap((group) => group.rows));
      this.rows = rows;
      this.places = null;
      if (this.current === null || this.placeOf(this.current) < 0)
        this.current = rows.length ? rows[0] : null;
      this.emit("rows");
    }

    /** Where a row stands in what is shown; -1 where it does not. */
    placeOf(row) {
      if (this.places === null) {
        this.places = new Int32Array(this.data.rows).fill(-1);
        this.rows.forEach((each, place) => {
          this.places[each] = place;
        });
      }
      return this.places[row];
    }

    /** Make a row current, if it is shown. */
    select(row) {
      if (row === null || row === undefined || this.placeOf(row) < 0) return;
      this.current = row;
      this.emit("current");
      this.emit("choice");
    }

    /** Go some places on. */
    step(by) {
      if (this.current === null) return;
      const place = Math.max(0, Math.min(this.rows.length - 1, this.placeOf(this.current) + by));
      this.select(this.rows[place]);
    }

    /** Go to the next row, after the current one and round, that passes a test; say whether there is one. */
    seek(test) {
      const [start, number] = [this.current === null ? -1 : this.placeOf(this.current), this.rows.length];
      for (let i = 1; i <= number; i++) {
        const row = this.rows[(start + i) % number];
        if (test(row)) {
          this.select(row);
          return true;
        }
      }
      return false;
    }
  }

  Gallery.State = State;
}
