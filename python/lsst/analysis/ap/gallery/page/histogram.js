"use strict";
// A facet of numbers: how they are spread, and a brush that filters by them.

{
  const { element, vector, Scale, count } = Gallery;

  const BINS = 36;
  const [WIDTH, HEIGHT] = [216, 44];

  class Histogram {
    constructor(app, column, key) {
      Object.assign(this, { app, column, key });
      this.scale = new Scale(column.numbers);
      this.binOf = this.#bins();
      this.bars = [0, 1].map((layer) =>
        Array.from({ length: BINS }, (_, bin) =>
          vector("rect", {
            class: layer ? "bar some" : "bar all",
            x: (bin * WIDTH) / BINS,
            width: WIDTH / BINS - 1,
            y: HEIGHT,
            height: 0,
          }),
        ),
      );
      this.brush = vector("rect", { class: "brush", y: 0, height: HEIGHT, x: 0, width: 0 });
      const drawing = vector(
        "svg",
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", class: "histogram" },
        ...this.bars.flat(),
        this.brush,
      );
      drawing.addEventListener("pointerdown", (event) => this.#drag(event, drawing));
      drawing.addEventListener("dblclick", () => this.#choose());
      const ends = this.scale.ticks(2);
      this.fields = ["least", "greatest"].map((end) =>
        element("input", {
          type: "number",
          step: "any",
          "aria-label": `${end} ${column.name}`,
          placeholder: ends[end === "least" ? 0 : 1][1],
          on: { change: () => this.#typed() },
        }),
      );
      this.missing = element("span", { class: "quiet" });
      this.root = element(
        "div",
        {},
        drawing,
        element(
          "div",
          { class: "range" },
          this.fields[0],
          element("span", { "aria-hidden": "true" }, "–"),
          this.fields[1],
        ),
        this.missing,
      );
      this.total = this.#count(() => true);
      const absent = column.rows - this.scale.count;
      this.missing.textContent = absent ? `${count(absent)} without a value` : "";
    }

    /** The bin of every row; 255 for none. */
    #bins() {
      const numbers = this.column.numbers;
      return Uint8Array.from({ length: this.column.rows }, (_, row) => {
        const place = this.scale.place(numbers[row]);
        return place >= 0 && place <= 1 ? Math.min(BINS - 1, Math.floor(place * BINS)) : 255;
      });
    }

    #count(wanted) {
      const counts = new Uint32Array(256);
      for (let row = 0; row < this.binOf.length; row++) if (wanted(row)) counts[this.binOf[row]]++;
      return counts.subarray(0, BINS);
    }

    /** Show what passes all other filters, on top of everything. */
    refresh() {
      const some = this.#count(this.app.state.passesWithout(this.key));
      const most = Math.max(1, ...this.total);
      // Square roots, so that a bin of one picture among thousands is still seen.
      const height = (number) => (number ? Math.max(1.5, HEIGHT * Math.sqrt(number / most)) : 0);
      [this.total, some].forEach((counts, layer) =>
        counts.forEach((number, bin) => {
          const size = height(number);
          this.bars[layer][bin].setAttribute("height", size);
          this.bars[layer][bin].setAttribute("y", HEIGHT - size);
        }),
      );
      const facet = this.app.state.facets.get(this.key);
      this.#showBrush(facet?.low, facet?.high);
      [facet?.low, facet?.high].forEach((value, i) => {
        if (document.activeElement !== this.fields[i]) this.fields[i].value = value ?? "";
      });
    }

    #showBrush(low, high) {
      const open = low === undefined && high === undefined;
      const clip = (place) => Math.max(0, Math.min(1, place));
      const from = low === undefined ? 0 : clip(this.scale.place(low));
      const to = high === undefined ? 1 : clip(this.scale.place(high));
      this.brush.setAttribute("x", from * WIDTH);
      this.brush.setAttribute("width", open ? 0 : Math.max(1, (to - from) * WIDTH));
    }

    #choose(low, high) {
      const none = low === undefined && high === undefined;
      this.app.state.setFacet(this.key, none ? null : { type: "range", column: this.column.name, low, high });
    }

    #typed() {
      const [low, high] = this.fields.map((field) => (field.value === "" ? undefined : Number(field.value)));
      this.#choose(low, high);
    }

    #drag(event, drawing) {
      const box = drawing.getBoundingClientRect();
      const bin = (e) => Math.max(0, Math.min(BINS, Math.round(((e.clientX - box.left) / box.width) * BINS)));
      const start = bin(event);
      const range = (e) => {
        const [from, to] = [Math.min(start, bin(e)), Math.max(start, bin(e))];
        // The outer ends stay open, so that rounding never loses the extreme values.
        const low = from === 0 ? undefined : this.scale.rounded(from / BINS);
        const high = to === BINS ? undefined : this.scale.rounded(to / BINS);
        return from === to ? null : [low, high];
      };
      const move = (e) => this.#showBrush(...(range(e) ?? []));
      const end = (e) => {
        drawing.removeEventListener("pointermove", move);
        if (e.type === "pointerup") this.#choose(...(range(e) ?? []));
      };
      drawing.setPointerCapture(event.pointerId);
      drawing.addEventListener("pointermove", move);
      drawing.addEventListener("pointerup", end, { once: true });
      drawing.addEventListener("pointercancel", end, { once: true });
    }
  }

  Gallery.Histogram = Histogram;
}
