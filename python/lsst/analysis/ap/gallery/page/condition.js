"use strict";
// What the operators of a condition mean, the same as for databases and tables.
//
// Each part of a tree becomes {kind, at}: at(row) gives its value, or null where it is not known, and
// null goes through every operator as in SQL.

{
  const { ConditionError } = Gallery;

  const KINDS = {
    truth: "a truth value",
    integer: "a whole number",
    real: "a number",
    text: "text",
    other: "of a kind that can only be compared with None",
  };

  const known = (f) => (a, b) => (a === null || b === null ? null : f(a, b));
  const ARITHMETIC = {
    "+": known((a, b) => a + b),
    "-": known((a, b) => a - b),
    "*": known((a, b) => a * b),
    "/": known((a, b) => (b === 0 ? null : a / b)),
  };
  // A number and a bigint compare by value, without loss, in JavaScript.
  const COMPARISONS = {
    "==": known((a, b) => a == b),
    "!=": known((a, b) => a != b),
    "<": known((a, b) => a < b),
    "<=": known((a, b) => a <= b),
    ">": known((a, b) => a > b),
    ">=": known((a, b) => a >= b),
  };
  const FUNCTIONS = {
    abs: Math.abs,
    sqrt: (x) => (x >= 0 ? Math.sqrt(x) : null),
    log10: (x) => (x > 0 ? Math.log10(x) : null),
    sin: Math.sin,
    cos: Math.cos,
    radians: (x) => x * (Math.PI / 180),
  };

  /** How to call a part in a message. */
  function name(tree) {
    if (tree.type === "column") return `Column '${tree.name}'`;
    return tree.type === "literal" ? JSON.stringify(String(tree.value)) : "A part of the condition";
  }

  class Compiler {
    constructor(table) {
      this.table = table;
    }

    /** Return a part as a condition: true, false or null for each row. */
    condition(tree) {
      const { kind, at } = this.part(tree);
      if (kind === "truth") return at;
      if (kind !== "integer" && kind !== "real") {
        throw new ConditionError(`${name(tree)} is ${KINDS[kind]}, not a condition.`);
      }
      return (row) => {
        const value = at(row);
        return value === null ? null : Number(value) !== 0;
      };
    }

    part(tree) {
      switch (tree.type) {
        case "column":
          return this.#column(tree.name);
        case "literal":
          return { kind: tree.kind, at: () => tree.value };
        case "arithmetic": {
          const [a, b] = [this.#real(tree.left, tree.symbol), this.#real(tree.right, tree.symbol)];
          const apply = ARITHMETIC[tree.symbol];
          return { kind: "real", at: (row) => apply(a(row), b(row)) };
        }
        case "call": {
          const argument = this.#real(tree.argument, tree.name);
          const apply = FUNCTIONS[tree.name];
          return {
            kind: "real",
            at: (row) => {
              const x = argument(row);
              return x === null ? null : apply(x);
            },
          };
        }
        case "compare":
          return { kind: "truth", at: this.#compare(tree) };
        case "isIn":
          return { kind: "truth", at: this.#isIn(tree) };
        case "isNull": {
          const { at } = this.part(tree.argument);
          return { kind: "truth", at: (row) => at(row) === null };
        }
        case "not": {
          const at = this.condition(tree.argument);
          return {
            kind: "truth",
            at: (row) => {
              const x = at(row);
              return x === null ? null : !x;
            },
          };
        }
        default:
          return { kind: "truth", at: this.#joined(tree) };
      }
    }

    #column(wanted) {
      const column = this.table.meant(wanted);
      if (column === undefined) {
        throw new ConditionError(`The catalogue has no column '${wanted}' to select by. Check its spelling.`);
      }
      column.at(0); // which makes the reader
      return { kind: column.kind, at: column.reader ?? column.at };
    }

    #real(tree, what) {
      const { kind, at } = this.part(tree);
      if (kind === "text" || kind === "other") {
        throw new ConditionError(`${name(tree)} is ${KINDS[kind]}: it cannot be used with ${what}.`);
      }
      if (kind === "real") return at;
      return (row) => {
        const value = at(row);
        return value === null ? null : Number(value);
      };
    }

    #compare({ symbol, left, right }) {
      const a = this.part(left);
      const b = this.part(right);
      const kinds = new Set([a.kind, b.kind]);
      if (kinds.has("other") || (kinds.has("text") && kinds.size > 1)) {
        throw new ConditionError(
          `${name(left)} is ${KINDS[a.kind]} and ${name(right)} is ${KINDS[b.kind]}: ` +
            `${symbol} cannot compare them.`,
        );
      }
      if (kinds.has("text") && symbol !== "==" && symbol !== "!=") {
        throw new ConditionError(`Text can be compared with == and != only, not with ${symbol}.`);
      }
      const apply = COMPARISONS[symbol];
      if (kinds.size > 1 && kinds.has("real")) {
        const [x, y] = [this.#real(left, symbol), this.#real(right, symbol)];
        return (row) => apply(x(row), y(row));
      }
      return (row) => apply(a.at(row), b.at(row));
    }

    #isIn({ argument, choices }) {
      const { kind, at } = this.part(argument);
      const isText = kind === "text";
      if (kind === "other" || choices.some((choice) => (choice.kind === "text") !== isText)) {
        throw new ConditionError(
          `${name(argument)} is ${KINDS[kind]}: it cannot be one of ` +
            `${choices
              .slice(0, 5)
              .map((choice) => String(choice.value))
              .join(", ")}.`,
        );
      }
      // Identifiers need all their 64 bits.
      const whole = kind === "integer";
      const values = choices
        .map((choice) => choice.value)
        .filter((value) => !whole || typeof value === "bigint" || Number.isInteger(value));
      const chosen = new Set(isText ? values : values.map(whole ? BigInt : Number));
      const key = isText ? (value) => value : whole ? BigInt : Number;
      if (!chosen.size) return () => false; // in SQL not even null is among none
      return (row) => {
        const value = at(row);
        return value === null ? null : chosen.has(key(value));
      };
    }

    /** Join with and, or: what is not known matters only where the others do not decide. */
    #joined({ type, parts }) {
      const conditions = parts.map((part) => this.condition(part));
      const decided = type === "or";
      return (row) => {
        let result = !decided;
        for (const condition of conditions) {
          const value = condition(row);
          if (value === null) result = null;
          else if (Boolean(value) === decided) return decided;
        }
        return result;
      };
    }
  }

  /** Return a function that says whether a row is wanted; a ConditionError says why there is none. */
  function compileCondition(text, table) {
    const at = new Compiler(table).condition(Gallery.parseCondition(text));
    return (row) => Boolean(at(row));
  }

  Object.assign(Gallery, { compileCondition });
}
