"use strict";
// Conditions in the words of --where, parsed into trees. Nothing is ever executed.
//
// The language is that of lsst.analysis.ap.sources: a part of Python's expressions. A test compares both.

{
  const { ConditionError, wordsOf, wholeNumber } = Gallery;

  const LONGEST = 10000; // characters
  const DEEPEST = 100; // nodes of a tree above each other
  const FUNCTIONS = ["abs", "sqrt", "log10", "sin", "cos", "radians"];
  const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
  const HELP =
    "It is made of column names, numbers, quoted text, + - * /, comparisons, in (...), is None, " +
    `and, or, not, and ${FUNCTIONS.join(", ")}.`;

  /** Reads words into Python's own tree, with sequences and None wherever Python allows them. */
  class Reader {
    #at = 0;
    #depth = 0;

    constructor(text) {
      this.text = text;
      this.words = wordsOf(text);
    }

    whole() {
      const tree = this.#or();
      if (this.#at < this.words.length) this.#refuse();
      return tree;
    }

    #refuse() {
      const word = this.words[this.#at];
      throw new ConditionError(
        word ? `“${word.text}” does not belong there` : "something is missing at its end",
      );
    }

    #is(...values) {
      const word = this.words[this.#at];
      return (
        word !== undefined && (word.type === "symbol" || word.type === "word") && values.includes(word.value)
      );
    }

    #take(...values) {
      return this.#is(...values) ? this.words[this.#at++] : null;
    }

    #expect(value) {
      if (!this.#take(value)) this.#refuse();
    }

    /** Read something that may hold others, with a limit to how deep. */
    #inner(read) {
      if (++this.#depth > 1500) throw new ConditionError("it is nested too deep");
      const tree = read();
      this.#depth--;
      return tree;
    }

    #series(type, word, read) {
      const parts = [read()];
      while (this.#take(word)) parts.push(read());
      return parts.length === 1 ? parts[0] : { type, parts };
    }

    #or() {
      return this.#series("or", "or", () => this.#series("and", "and", () => this.#not()));
    }

    #not() {
      if (!this.#take("not")) return this.#comparison();
      return { type: "not", argument: this.#inner(() => this.#not()) };
    }

    #comparison() {
      const operands = [this.#sum()];
      const symbols = [];
      for (;;) {
        let symbol = this.#take(...COMPARISONS, "in", "is", "not")?.value;
        if (symbol === undefined) break;
        if (symbol === "not") {
          this.#expect("in");
          symbol = "not in";
        } else if (symbol === "is" && this.#take("not")) {
          symbol = "is not";
        }
        symbols.push(symbol);
        operands.push(this.#sum());
      }
      return symbols.length ? { type: "compare", symbols, operands } : operands[0];
    }

    #sum() {
      return this.#binary(["+", "-"], () => this.#binary(["*", "/"], () => this.#sign()));
    }

    #binary(symbols, read) {
      let left = read();
      for (let word; (word = this.#take(...symbols));) {
        left = { type: "arithmetic", symbol: word.value, left, right: read() };
      }
      return left;
    }

    #sign() {
      const word = this.#take("+", "-");
      if (!word) return this.#called();
      return { type: "sign", symbol: word.value, argument: this.#inner(() => this.#sign()) };
    }

    #called() {
      let tree = this.#atom();
      while (this.#take("(")) {
        const items = this.#items(")");
        tree = { type: "call", name: tree.type === "column" ? tree.name : null, items };
      }
      return tree;
    }

    /** Read what stands between commas, up to a bracket. */
    #items(end) {
      const items = [];
      while (!this.#take(end)) {
        items.push(this.#inner(() => this.#or()));
        if (!this.#is(end)) this.#expect(",");
      }
      return items;
    }

    #atom() {
      const word = this.words[this.#at];
      if (word === undefined) this.#refuse();
      if (word.type === "name") {
        this.#at++;
        return { type: "column", name: word.value };
      }
      if (word.type === "literal") return this.#literal();
      if (this.#take("True", "False")) {
        return { type: "literal", kind: "truth", value: word.value === "True" ? 1 : 0 };
      }
      if (this.#take("None")) return { type: "none" };
      if (this.#take("[")) return { type: "sequence", items: this.#items("]") };
      if (this.#take("{")) {
        const items = this.#items("}");
        if (!items.length) throw new ConditionError("{} is no choice of values");
        return { type: "sequence", items };
      }
      if (!this.#take("(")) this.#refuse();
      const start = this.#at;
      const items = this.#items(")");
      const isTuple = items.length !== 1 || (this.words[this.#at - 2].value === "," && this.#at - 2 > start);
      return isTuple ? { type: "sequence", items } : items[0];
    }

    #literal() {
      const { kind, value } = this.words[this.#at++];
      if (kind !== "text") return { type: "literal", kind, value };
      let text = value; // texts side by side are one
      while (this.words[this.#at]?.kind === "text") text += this.words[this.#at++].value;
      return { type: "literal", kind, value: text };
    }
  }

  /** Turn Python's tree into one of conditions, refusing all else. */
  function convert(tree, depth) {
    if (depth > DEEPEST) throw new ConditionError(`it is nested more than ${DEEPEST} deep`);
    const inner = (part) => convert(part, depth + 1);
    switch (tree.type) {
      case "column":
        return tree;
      case "literal":
        return checked(tree);
      case "and":
      case "or":
        return { type: tree.type, parts: tree.parts.map(inner) };
      case "not":
        return { type: "not", argument: inner(tree.argument) };
      case "sign":
        return signed(tree.symbol, inner(tree.argument));
      case "arithmetic":
        return { ...tree, left: inner(tree.left), right: inner(tree.right) };
      case "call":
        if (!FUNCTIONS.includes(tree.name) || tree.items.length !== 1) break;
        return { type: "call", name: tree.name, argument: inner(tree.items[0]) };
      case "compare": {
        const parts = tree.symbols.map((symbol, i) =>
          compared(symbol, tree.operands[i], tree.operands[i + 1], inner),
        );
        return parts.length === 1 ? parts[0] : { type: "and", parts };
      }
    }
    throw new ConditionError(`it cannot have ${tree.name ? `${tree.name}(...)` : `a ${tree.type} there`}`);
  }

  function checked(literal) {
    if (literal.kind === "integer" && (literal.value >= 2n ** 63n || literal.value < -(2n ** 63n))) {
      throw new ConditionError(`the number ${literal.value} does not fit into 64 bits`);
    }
    return literal;
  }

  function signed(symbol, argument) {
    if (symbol === "+") return argument;
    if (argument.type !== "literal" || argument.kind === "text") {
      return {
        type: "arithmetic",
        symbol: "-",
        left: { type: "literal", kind: "integer", value: 0 },
        right: argument,
      };
    }
    if (argument.kind === "real") return { ...argument, value: -argument.value };
    return checked({ type: "literal", kind: "integer", value: wholeNumber(-BigInt(argument.value)) });
  }

  function compared(symbol, left, right, inner) {
    if (symbol.startsWith("is") && right.type === "none") {
      const found = { type: "isNull", argument: inner(left) };
      return symbol === "is" ? found : { type: "not", argument: found };
    }
    if (symbol.endsWith("in") && right.type === "sequence") {
      const choices = right.items.map(inner);
      if (!choices.every((choice) => choice.type === "literal")) {
        throw new ConditionError("what stands behind in (...) are numbers and quoted texts");
      }
      const found = { type: "isIn", argument: inner(left), choices };
      return symbol === "in" ? found : { type: "not", argument: found };
    }
    if (!COMPARISONS.includes(symbol))
      throw new ConditionError(`${symbol} stands before ${needed(symbol)} only`);
    return { type: "compare", symbol, left: inner(left), right: inner(right) };
  }

  function needed(symbol) {
    return symbol.startsWith("is") ? "None" : "(...)";
  }

  /** Return the tree of a condition; a ConditionError says in one line why it is none. */
  function parseCondition(text) {
    if (text.length > LONGEST) throw new ConditionError(`The condition has more than ${LONGEST} characters.`);
    try {
      return convert(new Reader(text.trim()).whole(), 0);
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      throw new ConditionError(`This is no condition: ${error.message}. ${HELP}`);
    }
  }

  Object.assign(Gallery, { parseCondition });
}
