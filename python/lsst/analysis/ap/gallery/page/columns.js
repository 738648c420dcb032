"use strict";
// The catalogue: columns as typed arrays, decoded when they are first needed.

{
  /** Turn base64 into bytes. */
  function bytesOf(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  const ARRAYS = { Int32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, codes: Int32Array };

  /** A column whose values do not change. Null is `null` in what `at` and `text` return. */
  class Column {
    #parts;
    #values = null;
    #valid = null;

    /**
     * @param {Object} description - name, kind (truth, integer, real, text, other), storage, unit, about.
     * @param {number} rows - How many rows there are.
     */
    constructor(description, rows) {
      Object.assign(this, description);
      this.rows = rows;
    }

    /** Take the values, in base64; `texts` are those that codes stand for. */
    receive(values, valid, texts) {
      this.#parts = { values, valid };
      this.texts = texts;
    }

    #decode() {
      const bytes = bytesOf(this.#parts.values);
      const View = ARRAYS[this.storage];
      this.#values = View ? new View(bytes.buffer) : bytes;
      this.#valid = this.#parts.valid ? bytesOf(this.#parts.valid) : null;
      this.#parts = null;
    }

    /** The typed array of the values: numbers, or codes of texts. */
    get values() {
      if (this.#values === null) this.#decode();
      return this.#values;
    }

    get isNumber() {
      return this.kind === "integer" || this.kind === "real";
    }

    /** A value as conditions take it: a number or bigint, 0 or 1 for a truth, text, or null. */
    at(row) {
      this.reader ??= this.#makeReader();
      return this.reader(row);
    }

    /** A function that returns the value of a row, one for each way of storing: conditions ask often. */
    #makeReader() {
      const { values, texts } = this;
      const valid = this.#valid;
      const bit = (bits, row) => (bits[row >> 3] >> (row & 7)) & 1;
      if (this.storage === "codes") return (row) => (values[row] < 0 ? null : texts[values[row]]);
      if (this.storage === "bits") {
        return valid === null
          ? (row) => bit(values, row)
          : (row) => (bit(valid, row) ? bit(values, row) : null);
      }
      if (valid !== null) return (row) => (bit(valid, row) ? values[row] : null);
      if (this.kind === "integer") return (row) => values[row];
      return (row) => (Number.isNaN(values[row]) ? null : values[row]);
    }

    /** A number for each row, the same for the same value (also for null), and the text of each number. */
    get codes() {
      if (this.coded === undefined) {
        const places = new Map();
        const texts = [];
        const codes = new Int32Array(this.rows);
        for (let row = 0; row < this.rows; row++) {
          const value = this.at(row);
          let code = places.get(value);
          if (code === undefined) {
            code = texts.length;
            places.set(value, code);
            texts.push(this.text(row));
          }
          codes[row] = code;
        }
        this.coded = { codes, texts };
      }
      return this.coded;
    }

    /** A value as a number; NaN where there is none. Identifiers lose digits here. */
    number(row) {
      const value = this.at(row);
      return value === null ? NaN : Number(value);
    }

    /** All values as numbers. */
    get numbers() {
      if (this.kept === undefined) {
        const plain = !this.storage.startsWith("Big") && this.storage.endsWith("Array") && this.#isFull;
        this.kept = plain
          ? this.values
          : Float64Array.from({ length: this.rows }, (_, row) => this.number(row));
      }
      return this.kept;
    }

    get #isFull() {
      return this.values !== null && this.#valid === null;
    }

    /** The whole value as text, digit by digit; null where there is none. */
    text(row) {
      const value = this.at(row);
      if (value === null) return null;
      if (this.kind === "truth") return value ? "true" : "false";
      if (this.storage === "Float32Array") return shortest(value);
      return String(value);
    }
  }

  /** The shortest text of a number in single precision that reads back as the same. */
  function shortest(value) {
    for (let digits = 6; digits < 9; digits++) {
      const text = value.toPrecision(digits);
      if (Math.fround(Number(text)) === value) return String(Number(text));
    }
    return String(Number(value.toPrecision(9)));
  }

  /** A column that the page fills itself, such as the labels; `at` gives text or null. */
  class LiveColumn {
    constructor(name, about, at) {
      Object.assign(this, { name, about, at, kind: "text", unit: "", storage: "live" });
    }

    text(row) {
      return this.at(row);
    }

    number() {
      return NaN;
    }

    get codes() {
      const places = new Map([[null, 0]]);
      const codes = Int32Array.from({ length: this.rows }, (_, row) => {
        const text = this.at(row);
        if (!places.has(text)) places.set(text, places.size);
        return places.get(text);
      });
      return { codes, texts: [...places.keys()] };
    }
  }

  /** All columns of the catalogue. */
  class Table {
    #byName = new Map();

    constructor(descriptions, rows, synonyms) {
      this.rows = rows;
      this.columns = descriptions.map((description) => new Column(description, rows));
      for (const column of this.columns) this.#byName.set(column.name, column);
      this.synonyms = new Map(synonyms);
    }

    /** The column of a name; undefined where there is none. */
    find(name) {
      return this.#byName.get(name);
    }

    /** The column that a condition means, which may call it by an older name. */
    meant(name) {
      return this.#byName.get(this.synonyms.get(name) ?? name);
    }

    /** Add a column; one of the catalogue that has its name stays. */
    add(column) {
      if (this.#byName.has(column.name)) return;
      column.rows = this.rows;
      this.columns.push(column);
      this.#byName.set(column.name, column);
    }
  }

  Object.assign(Gallery, { Column, LiveColumn, Table });
}
