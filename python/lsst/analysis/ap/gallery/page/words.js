"use strict";
// The words of a condition: what Python's tokenizer makes of the language of --where.

{
  class ConditionError extends Error {}

  const SPACE = /(?:[ \t\f]|\\\n)+/y;
  const NAME = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
  const DIGITS = String.raw`\d(?:_?\d)*`;
  const EXPONENT = String.raw`(?:[eE][+-]?${DIGITS})?`;
  const NUMBER = new RegExp(
    [
      "0[xX](?:_?[0-9a-fA-F])+",
      "0[oO](?:_?[0-7])+",
      "0[bB](?:_?[01])+",
      `(?:${DIGITS})?\\.${DIGITS}${EXPONENT}`,
      `${DIGITS}\\.?${EXPONENT}`,
    ].join("|"),
    "y",
  );
  const STRING =
    /([rRuU]?)("""(?:[^\\]|\\[^])*?"""|'''(?:[^\\]|\\[^])*?'''|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')/y;
  const SYMBOL = /[=!<>]=|[-+*/<>()[\]{},]/y;
  const KEYWORDS = new Set(["and", "or", "not", "in", "is", "None", "True", "False"]);
  // Names that Python keeps for itself and no condition has.
  const RESERVED = new Set(
    (
      "as assert async await break class continue def del elif else except finally for from global if " +
      "import lambda nonlocal pass raise return try while with yield"
    ).split(" "),
  );
  const DEEPEST = 200; // Python's own limit of open parentheses

  const ESCAPES = {
    "\\": "\\",
    "'": "'",
    '"': '"',
    "\n": "",
    a: "\x07",
    b: "\b",
    f: "\f",
    n: "\n",
    r: "\r",
    t: "\t",
    v: "\v",
  };

  function unescape(text) {
    const pattern = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;
    return text.replace(pattern, (all, octal, byte, short, long, other) => {
      if (octal) return String.fromCodePoint(parseInt(octal, 8));
      const hex = byte ?? short ?? long;
      if (hex) {
        const code = parseInt(hex, 16);
        if (code > 0x10ffff) throw new ConditionError(`there is no character ${all}`);
        return String.fromCodePoint(code);
      }
      if ("xuUN".includes(other)) throw new ConditionError(`${all} in quoted text is not complete`);
      return other in ESCAPES ? ESCAPES[other] : all;
    });
  }

  function stringOf(prefix, quoted) {
    const width = /^("""|''')/.test(quoted) ? 3 : 1;
    const inner = quoted.slice(width, -width).replace(/\r\n?/g, "\n");
    return prefix.toLowerCase() === "r" ? inner : unescape(inner);
  }

  function numberOf(text) {
    const digits = text.replaceAll("_", "");
    if (/^0[xXoObB]/.test(digits) || /^\d+$/.test(digits)) {
      if (/^0+[1-9]/.test(digits)) throw new ConditionError("whole numbers do not begin with 0");
      return { type: "literal", kind: "integer", value: wholeNumber(BigInt(digits)) };
    }
    return { type: "literal", kind: "real", value: Number(digits) };
  }

  /** A whole number as a number where that is exact, as a bigint otherwise. */
  function wholeNumber(value) {
    return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value;
  }

  /**
   * Return the words of a condition: {type: "name" | "word" | "symbol" | "literal", text, value, start, end}.
   */
  function wordsOf(text) {
    const words = [];
    let at = 0;
    let open = 0;
    const match = (pattern) => {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (found) at = pattern.lastIndex;
      return found;
    };
    const push = (start, word) => words.push({ ...word, text: text.slice(start, at), start, end: at });
    while (at < text.length) {
      const start = at;
      let found;
      if (match(SPACE)) continue;
      if (text[at] === "\n" || text[at] === "\r") {
        if (open === 0) throw new ConditionError("it has several lines");
        at++;
      } else if (text[at] === "#") {
        while (at < text.length && text[at] !== "\n") at++;
      } else if ((found = match(STRING))) {
        push(start, { type: "literal", kind: "text", value: stringOf(found[1], found[2]) });
      } else if ((found = match(NAME))) {
        const name = found[0].normalize("NFKC");
        if (RESERVED.has(name)) throw new ConditionError(`it cannot have ${name}`);
        if (text[at] === "'" || text[at] === '"')
          throw new ConditionError(`it cannot have ${name}${text[at]}`);
        push(start, KEYWORDS.has(name) ? { type: "word", value: name } : { type: "name", value: name });
      } else if ((found = match(NUMBER))) {
        push(start, numberOf(found[0]));
        if (/[\p{ID_Continue}]/u.test(text[at] ?? " ") && !/^(and|or|in|is|not)\b/.test(text.slice(at))) {
          throw new ConditionError(`${found[0]}${text[at]} is no number`);
        }
      } else if ((found = match(SYMBOL))) {
        open += "([{".includes(found[0]) ? 1 : ")]}".includes(found[0]) ? -1 : 0;
        if (open > DEEPEST) throw new ConditionError("too many parentheses are open");
        push(start, { type: "symbol", value: found[0] });
      } else {
        throw new ConditionError(`it cannot have ${text[at]}`);
      }
    }
    return words;
  }

  Object.assign(Gallery, { ConditionError, wordsOf, wholeNumber });
}
