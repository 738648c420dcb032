"use strict";
// Facets of few values: boxes to tick, with how many pictures each has.

{
  const { element, count } = Gallery;

  const MANY = 10;

  /** A facet of the values of a column. */
  class Values {
    constructor(app, column, key) {
      Object.assign(this, { app, column, key, all: false });
      this.list = element("div", { class: "values" });
      this.more = Gallery.button(
        "",
        () => {
          this.all = !this.all;
          this.refresh();
        },
        { class: "quiet" },
      );
      this.root = element("div", {}, this.list, this.more);
    }

    #counts() {
      const passes = this.app.state.passesWithout(this.key);
      const { column } = this;
      const { codes, texts } = column.codes;
      const numbers = new Uint32Array(texts.length);
      for (let row = 0; row < codes.length; row++) if (passes(row)) numbers[codes[row]]++;
      const counts = texts.map((text, code) => [text, numbers[code]]);
      const number = column.isNumber ? ([a], [b]) => Number(a) - Number(b) : ([a], [b]) => (a < b ? -1 : 1);
      return counts.sort((a, b) => (a[0] === null) - (b[0] === null) || number(a, b));
    }

    refresh() {
      const counts = this.#counts();
      const chosen = new Set(this.app.state.facets.get(this.key)?.values ?? []);
      const shown = this.all
        ? counts.slice(0, 500)
        : counts.filter(([value], i) => i < MANY || chosen.has(value));
      const focused = this.list.contains(document.activeElement)
        ? document.activeElement.dataset.value
        : undefined;
      this.list.replaceChildren(
        ...shown.map(([value, number]) => {
          const text = value ?? "none";
          const box = element("input", {
            type: "checkbox",
            checked: chosen.has(value),
            "data-value": text,
            on: { change: (event) => this.#toggle(value, event.target.checked) },
          });
          return element(
            "label",
            { class: number ? "value" : "value zero" },
            box,
            element("span", {}, text),
            element("span", { class: "number" }, count(number)),
          );
        }),
      );
      if (focused !== undefined) {
        [...this.list.querySelectorAll("input")].find((box) => box.dataset.value === focused)?.focus();
      }
      this.more.hidden = counts.length <= MANY;
      this.more.textContent = this.all ? "Fewer" : `${count(counts.length - MANY)} more`;
    }

    #toggle(value, on) {
      const chosen = new Set(this.app.state.facets.get(this.key)?.values ?? []);
      if (on) chosen.add(value);
      else chosen.delete(value);
      this.app.state.setFacet(
        this.key,
        chosen.size ? { type: "among", column: this.column.name, values: [...chosen] } : null,
      );
    }
  }

  /** The facet of flags: each word may be wanted, unwanted, or neither. */
  class Flags {
    constructor(app, key) {
      Object.assign(this, { app, key });
      this.numbers = new Map();
      this.boxes = new Map();
      this.words = app.data.flagWords.filter((word) => app.data.hasWord(word).includes(1));
      this.root = element("div", { class: "values" }, ...this.words.map((word) => this.#line(word)));
      if (!this.words.length) this.root.append(element("span", { class: "quiet" }, "no flag is set"));
    }

    #line({ word, about }) {
      const number = element("span", { class: "number" });
      this.numbers.set(word, number);
      const choose = element(
        "select",
        { "aria-label": `flag ${word}`, on: { change: () => this.#chosen() } },
        ...[
          ["", "any"],
          ["yes", "set"],
          ["no", "not set"],
        ].map(([value, text]) => element("option", { value }, text)),
      );
      this.boxes.set(word, choose);
      return element("div", { class: "value", title: about }, element("span", {}, word), choose, number);
    }

    refresh() {
      const passes = this.app.state.passesWithout(this.key);
      const facet = this.app.state.facets.get(this.key);
      for (const each of this.words) {
        const { word } = each;
        const has = this.app.data.hasWord(each);
        let number = 0;
        for (let row = 0; row < has.length; row++) if (has[row] && passes(row)) number++;
        this.numbers.get(word).textContent = count(number);
        this.boxes.get(word).value = facet?.set.includes(word)
          ? "yes"
          : facet?.unset.includes(word)
            ? "no"
            : "";
      }
    }

    #chosen() {
      const words = (value) => [...this.boxes].filter(([, box]) => box.value === value).map(([word]) => word);
      const [set, unset] = [words("yes"), words("no")];
      this.app.state.setFacet(this.key, set.length || unset.length ? { type: "flags", set, unset } : null);
    }
  }

  Object.assign(Gallery, { Values, Flags });
}
