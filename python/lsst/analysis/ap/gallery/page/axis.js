"use strict";
// Axes of plots: where each row lies along one, from 0 to 1, and the facet of a part of it.

{
  const { Scale, scattered } = Gallery;

  /** An axis of numbers. */
  class NumberAxis {
    constructor(column) {
      this.column = column;
      this.scale = new Scale(column.numbers);
      const numbers = column.numbers;
      this.places = Float64Array.from({ length: column.rows }, (_, row) => this.scale.place(numbers[row]));
    }

    get ticks() {
      return this.scale.ticks(3);
    }

    get words() {
      const [low, high] = this.scale.ticks(2).map(([, text]) => text);
      return `${this.column.name} from ${low} to ${high}`;
    }

    /** The facet of what lies between two places. */
    facet(from, to) {
      const [low, high] = [from, to].map((place) => Number(this.scale.number(place).toPrecision(8)));
      return { type: "range", column: this.column.name, low, high };
    }
  }

  /** An axis of a few texts, whose rows are spread a little so that they do not hide each other. */
  class TextAxis {
    constructor(column) {
      this.column = column;
      const { codes, texts } = column.codes;
      this.values = texts.filter((text) => text !== null).sort();
      const step = 1 / (this.values.length || 1);
      this.centre = (place) => (place + 0.5) * step;
      const centres = texts.map((text) => (text === null ? NaN : this.centre(this.values.indexOf(text))));
      const spread = (row) => (scattered("", String(row)) / 2 ** 32 - 0.5) * 0.7 * step;
      this.places = Float64Array.from(codes, (code, row) => centres[code] + spread(row));
    }

    get ticks() {
      return this.values.map((value, place) => [this.centre(place), value]);
    }

    get words() {
      return `${this.column.name} ${this.values.join(", ")}`;
    }

    facet(from, to) {
      const values = this.values.filter((_, place) => this.centre(place) >= from && this.centre(place) <= to);
      return { type: "among", column: this.column.name, values };
    }
  }

  Gallery.axisOf = (column) => (column.isNumber ? new NumberAxis(column) : new TextAxis(column));
}
