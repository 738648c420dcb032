"use strict";
// A plot of two columns against each other, drawn by hand on a canvas.

{
  const { element, axisOf, count, FACET } = Gallery;

  const [LEFT, RIGHT, TOP, BOTTOM] = [62, 10, 8, 26];
  const NEAR = 12; // pixels within which a point is meant

  class Scatter {
    /**
     * @param {Object} app
     * @param {Object} kind - title, x, y (column names), mirrored (whether x grows to the left).
     */
    constructor(app, kind) {
      Object.assign(this, { app, kind });
      this.axes = [kind.x, kind.y].map((name) => axisOf(app.data.table.find(name)));
      this.canvas = element("canvas", { role: "img" });
      this.root = element("figure", { class: "plot" }, element("figcaption", {}, kind.title), this.canvas);
      this.canvas.addEventListener("pointerdown", (event) => this.#pressed(event));
    }

    /** Where a value of x or y lies on the canvas. */
    #px(place) {
      const part = this.kind.mirrored ? 1 - place : place;
      return LEFT + part * (this.width - LEFT - RIGHT);
    }

    #py(place) {
      return TOP + (1 - place) * (this.height - TOP - BOTTOM);
    }

    #at(row) {
      const [x, y] = this.axes;
      return [this.#px(x.places[row]), this.#py(y.places[row])];
    }

    draw() {
      const { state, data } = this.app;
      const ratio = globalThis.devicePixelRatio || 1;
      [this.width, this.height] = [this.canvas.clientWidth, this.canvas.clientHeight];
      if (!this.width) return;
      this.canvas.width = this.width * ratio;
      this.canvas.height = this.height * ratio;
      const pen = this.canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const style = getComputedStyle(this.canvas);
      const ink = (name) => style.getPropertyValue(name).trim();
      this.#axes(pen, ink);
      const dot = data.rows > 20000 ? 1.5 : data.rows > 3000 ? 2.5 : 4;
      const points = (color, wanted) => {
        pen.fillStyle = color;
        for (let row = 0; row < data.rows; row++) {
          if (!wanted(row)) continue;
          const [x, y] = this.#at(row);
          if (x === x && y === y) pen.fillRect(x - dot / 2, y - dot / 2, dot, dot);
        }
      };
      points(ink("--zcg-faint"), (row) => !state.filter.passes(row));
      points(ink("--zcg-accent-soft"), (row) => state.filter.passes(row));
      this.#markCurrent(pen, ink("--zcg-mark"));
      this.canvas.setAttribute("aria-label", this.#words());
    }

    #words() {
      const [x, y] = this.axes;
      return (
        `${this.kind.title}: ${count(this.app.state.rows.length)} pictures, ${x.words}, ${y.words}. ` +
        "The filters of these columns select the same."
      );
    }

    #axes(pen, ink) {
      pen.strokeStyle = ink("--zcg-line");
      pen.strokeRect(LEFT + 0.5, TOP + 0.5, this.width - LEFT - RIGHT, this.height - TOP - BOTTOM);
      pen.fillStyle = ink("--zcg-quiet");
      pen.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
      pen.textAlign = "center";
      for (const [place, text] of this.axes[0].ticks) {
        const x = this.#px(place);
        pen.textAlign = x < LEFT + 20 ? "left" : x > this.width - RIGHT - 20 ? "right" : "center";
        pen.fillText(text, x, this.height - BOTTOM + 12);
      }
      pen.textAlign = "right";
      for (const [place, text] of this.axes[1].ticks) {
        pen.fillText(text, LEFT - 4, Math.max(TOP + 8, this.#py(place) + (place === 0 ? 0 : 4)));
      }
      pen.textAlign = "center";
      pen.fillText(this.#named(this.axes[0].column), (LEFT + this.width - RIGHT) / 2, this.height - 2);
      pen.save();
      pen.translate(9, (TOP + this.height - BOTTOM) / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText(this.#named(this.axes[1].column), 0, 0);
      pen.restore();
    }

    #named(column) {
      return column.unit ? `${column.name} (${column.unit})` : column.name;
    }

    #markCurrent(pen, color) {
      const { current } = this.app.state;
      if (current === null) return;
      const [x, y] = this.#at(current);
      pen.strokeStyle = color;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, 7, 0, 2 * Math.PI);
      pen.stroke();
    }

    /** A click makes the nearest point current; a drag filters by what it covers. */
    #pressed(event) {
      const box = this.canvas.getBoundingClientRect();
      const point = (e) => [e.clientX - box.left, e.clientY - box.top];
      const start = point(event);
      this.canvas.setPointerCapture(event.pointerId);
      const move = (e) => {
        this.draw();
        const [x, y] = point(e);
        const pen = this.canvas.getContext("2d");
        pen.strokeStyle = getComputedStyle(this.canvas).getPropertyValue("--zcg-mark").trim();
        pen.lineWidth = 1;
        pen.strokeRect(start[0], start[1], x - start[0], y - start[1]);
      };
      const end = (e) => {
        this.canvas.removeEventListener("pointermove", move);
        const [x, y] = point(e);
        if (e.type === "pointercancel" || Math.hypot(x - start[0], y - start[1]) < 4) this.#nearest(start);
        else this.#select(start, [x, y]);
        this.draw();
      };
      this.canvas.addEventListener("pointermove", move);
      this.canvas.addEventListener("pointerup", end, { once: true });
      this.canvas.addEventListener("pointercancel", end, { once: true });
    }

    #nearest([x, y]) {
      let [best, least] = [null, NEAR];
      for (const row of this.app.state.rows) {
        const [a, b] = this.#at(row);
        const distance = Math.hypot(a - x, b - y);
        if (distance < least) [best, least] = [row, distance];
      }
      this.app.state.select(best);
    }

    #select(start, end) {
      const sizes = [
        [LEFT, this.width - LEFT - RIGHT],
        [TOP, this.height - TOP - BOTTOM],
      ];
      this.axes.forEach((axis, which) => {
        const [before, length] = sizes[which];
        const [from, to] = [start[which], end[which]]
          .map((pixel) => {
            const part = Math.max(0, Math.min(1, (pixel - before) / length));
            return which === 1 || this.kind.mirrored ? 1 - part : part;
          })
          .sort((a, b) => a - b);
        this.app.facets.show(axis.column.name);
        this.app.state.setFacet(FACET + axis.column.name, axis.facet(from, to));
      });
    }
  }

  Gallery.Scatter = Scatter;
}
