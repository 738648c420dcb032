"use strict";
// How many pictures each visit, detector or band has: bars that filter when they are pressed.

{
  const { element, vector, count, FACET } = Gallery;

  const [WIDTH, HEIGHT, BASE] = [240, 150, 18];
  const MOST = 200; // bars; more than that are narrower than a pixel

  class Bars {
    constructor(app, kind) {
      Object.assign(this, { app, kind });
      this.column = app.data.table.find(kind.x);
      const values = new Map();
      for (let row = 0; row < app.data.rows; row++) {
        const value = this.column.text(row);
        if (value !== null) values.set(value, (values.get(value) ?? 0) + 1);
      }
      const order = this.column.isNumber
        ? ([a], [b]) => Number(a) - Number(b)
        : ([a], [b]) => (a < b ? -1 : 1);
      this.values = [...values].sort(order).slice(0, MOST);
      this.most = Math.max(1, ...this.values.map(([, number]) => number));
      this.drawing = vector("svg", {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
      });
      this.root = element(
        "figure",
        { class: "plot" },
        element("figcaption", {}, kind.title),
        this.drawing,
        element(
          "span",
          { class: "quiet" },
          `${count(this.values.length)} values, at most ${count(this.most)} pictures each`,
        ),
      );
    }

    draw() {
      const { state } = this.app;
      const now = new Map();
      for (const row of state.rows) {
        const value = this.column.text(row);
        now.set(value, (now.get(value) ?? 0) + 1);
      }
      const step = WIDTH / Math.max(1, this.values.length);
      const height = (number) => ((HEIGHT - BASE) * number) / this.most;
      const current = state.current === null ? null : this.column.text(state.current);
      const bar = (kind, place, number) =>
        vector("rect", {
          class: kind,
          x: place * step + step * 0.1,
          width: step * 0.8,
          y: HEIGHT - BASE - height(number),
          height: height(number),
        });
      this.drawing.replaceChildren(
        ...this.values.flatMap(([value, all], place) => {
          const some = now.get(value) ?? 0;
          const made = vector(
            "g",
            { class: value === current ? "bars current" : "bars" },
            vector("title", {}, `${this.column.name} ${value}: ${count(some)} of ${count(all)}`),
            bar("bar all", place, all),
            bar("bar some", place, some),
            vector("rect", { class: "touch", x: place * step, width: step, y: 0, height: HEIGHT }),
          );
          made.addEventListener("click", () => this.#toggle(value));
          return [made];
        }),
      );
      this.drawing.setAttribute(
        "aria-label",
        `${this.kind.title}: ${count(this.values.length)} values, at most ` +
          `${count(this.most)} pictures each. The filter of ${this.column.name} selects the same.`,
      );
    }

    #toggle(value) {
      const key = FACET + this.column.name;
      const { state } = this.app;
      const only = state.facets.get(key)?.values;
      const same = only?.length === 1 && only[0] === value;
      this.app.facets.show(this.column.name);
      state.setFacet(key, same ? null : { type: "among", column: this.column.name, values: [value] });
    }
  }

  Gallery.Bars = Bars;
}
