"use strict";
// What the scripts of data beside this page bring: a table, pictures, and words for flags.

{
  /** Where a picture is and where its panels lie. */
  class Pictures {
    constructor({ name, colors }) {
      Object.assign(this, { name, colors });
    }

    /** Take paths (null where there is no picture), distinct frames, and the frame of each row. */
    receive(paths, frames, codes) {
      Object.assign(this, { paths, frames, codes });
    }

    has(row) {
      return this.paths[row] !== null;
    }

    /** {width, height, panels: {template: [left, top, width, height], ...}} of a row's picture. */
    frame(row) {
      return this.frames[this.codes === null ? 0 : this.codes[row]] ?? null;
    }
  }

  /** Everything that one gallery shows. */
  class Data {
    constructor(header) {
      Object.assign(this, header);
      this.table = new Gallery.Table(header.columns, header.rows, header.synonyms);
      this.pictures = header.pictures.map((each) => new Pictures(each));
      this.flagWords = header.flagWords
        .map((word) => ({
          ...word,
          columns: word.columns.map((name) => this.table.find(name)).filter(Boolean),
        }))
        .filter((word, i, all) => word.columns.length && all.findIndex((w) => w.word === word.word) === i);
      this.ids = this.table.find("diaSourceId");
    }

    /** The identifier of a row, as text with all its digits. */
    id(row) {
      return this.ids.text(row);
    }

    /** The row of an identifier; undefined where there is none. */
    rowOf(id) {
      if (!this.places) {
        this.places = new Map();
        for (let row = this.rows - 1; row >= 0; row--) this.places.set(this.id(row), row);
      }
      return this.places.get(id);
    }

    /** One byte a row: 1 where a flag word applies. */
    hasWord(word) {
      word.has ??= Uint8Array.from({ length: this.rows }, (_, row) =>
        word.columns.some((column) => column.at(row)) ? 1 : 0,
      );
      return word.has;
    }

    /** The flag words of a row. */
    wordsOf(row) {
      return this.flagWords.filter((word) => word.columns.some((column) => column.at(row)));
    }
  }

  // The scripts of data call these, in this order.
  Object.assign(Gallery, {
    begin(header) {
      Gallery.data = new Data(header);
    },
    column(place, values, valid, texts = []) {
      Gallery.data.table.columns[place].receive(values, valid, texts);
    },
    receivePictures(place, paths, frames, codes) {
      Gallery.data.pictures[place].receive(paths, frames, codes);
    },
    Data,
  });
}
