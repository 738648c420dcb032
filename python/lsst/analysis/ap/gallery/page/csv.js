"use strict";
// Comma-separated values, as RFC 4180 has them.

{
  /** Return the rows of a text, each a list of cells. */
  function readCsv(text) {
    const rows = [];
    let row = [];
    let cell = "";
    let quoted = false;
    const body = text.replace(/^\ufeff/, "");
    for (let at = 0; at < body.length; at++) {
      const letter = body[at];
      if (quoted) {
        if (letter !== '"') cell += letter;
        else if (body[at + 1] === '"') cell += body[++at];
        else quoted = false;
      } else if (letter === '"') {
        quoted = true;
      } else if (letter === ",") {
        row.push(cell);
        cell = "";
      } else if (letter === "\n" || letter === "\r") {
        if (letter === "\r" && body[at + 1] === "\n") at++;
        rows.push([...row, cell]);
        row = [];
        cell = "";
      } else {
        cell += letter;
      }
    }
    if (cell || row.length) rows.push([...row, cell]);
    return rows.filter((cells) => cells.length > 1 || cells[0] !== "");
  }

  /** Return rows as text. */
  function writeCsv(rows) {
    const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    return rows.map((row) => row.map((value) => cell(String(value ?? ""))).join(",") + "\n").join("");
  }

  Object.assign(Gallery, { readCsv, writeCsv });
}
