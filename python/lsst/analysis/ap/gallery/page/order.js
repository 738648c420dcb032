"use strict";
// The order of the pictures: by a column, at random but always the same, in groups.

{
  /** A rank for each row, so that rows are sorted by comparing numbers; NaN where there is no value. */
  function ranks(column, rows) {
    if (column.storage === "live") return textRanks((row) => column.at(row), rows);
    if (column.storage === "codes") {
      const places = column.texts
        .map((text, code) => [text, code])
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      const rankOf = new Float64Array(places.length);
      places.forEach(([, code], rank) => {
        rankOf[code] = rank;
      });
      const codes = column.values;
      return (row) => (codes[row] < 0 ? NaN : rankOf[codes[row]]);
    }
    const numbers = column.numbers;
    return (row) => numbers[row];
  }

  function textRanks(at, rows) {
    const texts = new Set();
    for (const row of rows) texts.add(at(row));
    texts.delete(null);
    const rankOf = new Map([...texts].sort().map((text, rank) => [text, rank]));
    return (row) => rankOf.get(at(row)) ?? NaN;
  }

  /**
   * A number that only depends on a seed and an identifier, so that a random order stays the same when
   * rows are added, filtered or sorted before: FNV-1a over the text, then the finalizer of MurmurHash3.
   */
  function scattered(seed, text) {
    let hash = 0x811c9dc5;
    for (const letter of `${seed}:${text}`) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  /**
   * Sort rows.
   *
   * @param {Uint32Array} rows - Rows in the order of the catalogue, which decides between equal ones.
   * @param {Object} table - The catalogue.
   * @param {string} key - Name of a column, "" for the order of the catalogue, "random" for a random one.
   * @param {boolean} descending - Whether the greatest comes first; rows without a value come last anyway.
   * @param {string} seed - Which random order.
   * @param {function} idOf - The identifier of a row.
   */
  function sorted(rows, table, { key, descending, seed }, idOf) {
    if (key === "" || (key !== "random" && !table.find(key))) return rows;
    let rank;
    if (key === "random") {
      const places = new Float64Array(table.rows);
      for (const row of rows) places[row] = scattered(seed, idOf(row));
      rank = (row) => places[row];
    } else {
      const column = table.find(key);
      if (column.storage.startsWith("Big")) return sortedExactly(rows, column, descending);
      rank = ranks(column, rows);
    }
    const keys = Float64Array.from(rows, rank);
    const places = Uint32Array.from(rows, (_, place) => place);
    const sign = descending ? -1 : 1;
    places.sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      if (x === y) return a - b;
      if (x !== x || y !== y) return x !== x && y !== y ? a - b : x !== x ? 1 : -1;
      return x < y ? -sign : sign;
    });
    return places.map((place) => rows[place]);
  }

  /** Sort by identifiers, which differ in digits that a number does not have. */
  function sortedExactly(rows, column, descending) {
    const sign = descending ? -1 : 1;
    return Uint32Array.from(rows).sort((a, b) => {
      const [x, y] = [column.at(a), column.at(b)];
      if (x === y) return a - b;
      if (x === null || y === null) return x === null ? 1 : -1;
      return x < y ? -sign : sign;
    });
  }

  /** Put sorted rows into groups of one value; groups come in the order of their first row. */
  function grouped(rows, column) {
    const groups = new Map();
    for (const row of rows) {
      const value = column.text(row);
      const group = groups.get(value);
      if (group) group.push(row);
      else groups.set(value, [row]);
    }
    return [...groups].map(([value, members]) => ({ value, rows: members }));
  }

  Object.assign(Gallery, { sorted, grouped, scattered });
}
