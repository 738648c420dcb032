"use strict";
// Which line of pictures stands at which height, so that only those in sight are drawn.

{
  const TALLEST = 8e6; // pixels; browsers draw nothing right in taller elements

  class Lines {
    /**
     * @param {Array} groups - {value, rows}, with a heading each unless the only value is null.
     * @param {number} columns - Pictures in a line.
     * @param {number} height - Height of a line of pictures, in pixels.
     * @param {number} heading - Height of a heading.
     */
    constructor(groups, columns, height, heading) {
      this.lines = [];
      this.firstPlace = [];
      let top = 0;
      let place = 0;
      const add = (line, size) => {
        this.lines.push({ ...line, top, height: size });
        top += size;
      };
      for (const group of groups) {
        if (group.value !== null || groups.length > 1) add({ group, place }, heading);
        for (let at = 0; at < group.rows.length; at += columns) {
          const count = Math.min(columns, group.rows.length - at);
          this.firstPlace.push([place, this.lines.length]);
          add({ place, count }, height);
          place += count;
        }
      }
      this.total = top;
      this.columns = columns;
      // How much further the lines move than the scroll bar, where there are very many.
      this.shown = Math.min(top, TALLEST);
    }

    /** Number of the last line that begins at or above a height. */
    at(height) {
      let [low, high] = [0, this.lines.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.lines[middle].top <= height) low = middle;
        else high = middle - 1;
      }
      return low;
    }

    /** Number of the line that holds a place. */
    lineOf(place) {
      let [low, high] = [0, this.firstPlace.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.firstPlace[middle][0] <= place) low = middle;
        else high = middle - 1;
      }
      return this.firstPlace[low][1];
    }

    /** The place above (-1) or below (1) a place, in the same column as far as there is one. */
    vertical(place, by) {
      let number = this.lineOf(place);
      const column = place - this.lines[number].place;
      do number += by;
      while (this.lines[number]?.group);
      const line = this.lines[number];
      return line ? line.place + Math.min(column, line.count - 1) : place;
    }
  }

  Gallery.Lines = Lines;
}
