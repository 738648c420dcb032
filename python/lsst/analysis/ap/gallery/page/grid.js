"use strict";
// The pictures, as a list of which only the part in sight exists.

{
  const { element, Lines, oncePerFrame, aspectOf, brief, count } = Gallery;

  const GAP = 10;
  const CAPTION = 26;
  const HEADING = 34;
  const MARGIN = 400; // pixels above and below what is in sight that are drawn ahead

  let lists = 0;

  class Grid {
    #tiles = new Map(); // row -> element
    #headings = new Map(); // line number -> element

    constructor(app) {
      this.app = app;
      this.state = app.state;
      this.name = `zcg-list-${++lists}`;
      this.inner = element("div", {
        class: "tiles",
        role: "listbox",
        "aria-label": "Pictures",
        tabindex: "0",
        on: { click: (event) => this.#clicked(event), dblclick: () => this.state.set({ open: true }) },
      });
      this.empty = element(
        "p",
        { class: "empty", hidden: true },
        "No picture passes these filters. ",
        Gallery.button("Clear all filters", () => this.state.clear()),
      );
      this.root = element("div", { class: "grid" }, this.empty, this.inner);
      this.draw = oncePerFrame(() => this.#draw());
      this.root.addEventListener("scroll", this.draw);
      this.inner.addEventListener("focus", () => this.show());
      new ResizeObserver(() => this.arrange()).observe(this.root);
      this.state.on("rows", () => this.arrange({ fresh: true }));
      this.state.on("look", () => this.arrange({ fresh: true }));
      this.state.on("current", () => this.show());
      app.labels.on("change", (ids) => this.#relabel(ids));
      app.settings.on("change", () => this.arrange({ fresh: true }));
    }

    get #sets() {
      return this.app.data.pictures;
    }

    /** Work out where everything stands. */
    arrange({ fresh = false } = {}) {
      const width = this.root.clientWidth - 2 * GAP;
      if (width <= 0) return;
      const { size, show, groups, rows } = this.state;
      const columns = Math.max(1, Math.floor((width + GAP) / (size + GAP)));
      this.tileWidth = Math.floor((width - GAP * (columns - 1)) / columns);
      if (columns === 1 && width > 1.6 * size) this.tileWidth = size;
      const frame = this.#sets.map((set) => set.frames.find(Boolean)).find(Boolean) ?? {
        width: 3,
        height: 1,
        panels: {},
      };
      this.pictureHeight = Math.round(this.tileWidth * aspectOf(frame, show));
      const height = this.pictureHeight * this.#sets.length + CAPTION + GAP;
      this.lines = new Lines(groups, columns, height, HEADING);
      this.inner.style.height = `${this.lines.shown}px`;
      this.inner.hidden = rows.length === 0;
      this.empty.hidden = rows.length > 0;
      if (fresh) this.#clear();
      for (const row of this.#tiles.keys()) this.#remove(this.#tiles, row);
      this.show();
      this.#draw();
    }

    #clear() {
      this.#tiles.clear();
      this.#headings.clear();
      this.inner.replaceChildren();
    }

    #remove(map, key) {
      map.get(key).remove();
      map.delete(key);
    }

    /** How far the list would be scrolled if it had its whole height. */
    get #top() {
      const { total, shown } = this.lines;
      const view = this.root.clientHeight;
      const top = Math.max(0, this.root.scrollTop - GAP);
      return total === shown || shown <= view ? top : (top / (shown - view)) * (total - view);
    }

    set #top(top) {
      const { total, shown } = this.lines;
      const view = this.root.clientHeight;
      this.root.scrollTop = total === shown || shown <= view ? top : (top / (total - view)) * (shown - view);
    }

    /** Scroll so that the current picture is in sight. */
    show() {
      const { current } = this.state;
      if (!this.lines || current === null) return;
      const line = this.lines.lines[this.lines.lineOf(this.state.placeOf(current))];
      const view = this.root.clientHeight;
      if (line.top < this.#top + GAP) this.#top = line.top;
      else if (line.top + line.height > this.#top + view) this.#top = line.top + line.height - view + GAP;
      this.draw();
    }

    /** Draw what is in sight, and take away what is not. */
    #draw() {
      if (!this.lines || !this.state.rows.length) return;
      const top = this.#top;
      // Placed relative to the scroll position, which moves less than the lines where there are many.
      const shift = Math.max(0, this.root.scrollTop - GAP) - top;
      const wantedRows = new Set();
      const wantedHeadings = new Set();
      for (let n = this.lines.at(top - MARGIN); n < this.lines.lines.length; n++) {
        const line = this.lines.lines[n];
        if (line.top > top + this.root.clientHeight + MARGIN) break;
        if (line.group) {
          wantedHeadings.add(n);
          this.#place(this.#heading(n, line), 0, line.top + shift);
          continue;
        }
        for (let i = 0; i < line.count; i++) {
          const row = this.state.rows[line.place + i];
          wantedRows.add(row);
          this.#place(this.#tile(row, line.place + i), i * (this.tileWidth + GAP), line.top + shift);
        }
      }
      for (const row of this.#tiles.keys()) if (!wantedRows.has(row)) this.#remove(this.#tiles, row);
      for (const n of this.#headings.keys()) if (!wantedHeadings.has(n)) this.#remove(this.#headings, n);
      this.#mark();
    }

    #place(node, left, top) {
      node.style.transform = `translate(${left}px, ${top}px)`;
      if (!node.isConnected) this.inner.append(node);
    }

    #heading(n, { group }) {
      if (!this.#headings.has(n)) {
        const text = `${this.state.group} ${group.value ?? "none"}`;
        const node = element(
          "div",
          { class: "heading", role: "presentation" },
          element("b", {}, text),
          ` ${count(group.rows.length)} ${group.rows.length === 1 ? "picture" : "pictures"}`,
        );
        this.#headings.set(n, node);
      }
      return this.#headings.get(n);
    }

    #tile(row, place) {
      if (!this.#tiles.has(row)) {
        const text = this.app.describe(row);
        const pictures = this.#sets.map((set, place) => this.app.picture(place, row, this.state.show, ""));
        const node = element(
          "div",
          {
            class: "tile",
            role: "option",
            id: `${this.name}-${row}`,
            "data-row": row,
            "aria-posinset": place + 1,
            "aria-setsize": this.state.rows.length,
          },
          ...pictures,
          element("div", { class: "caption" }),
        );
        node.style.width = `${this.tileWidth}px`;
        for (const picture of pictures) picture.style.height = `${this.pictureHeight}px`;
        node.title = text;
        this.#tiles.set(row, node);
        this.#caption(row);
      }
      return this.#tiles.get(row);
    }

    /** Write what stands below a picture. */
    #caption(row) {
      const node = this.#tiles.get(row);
      const facts = this.app.captionColumns.map((column) => {
        const value = column.isNumber ? column.number(row) : NaN;
        const text = Number.isNaN(value) ? column.text(row) : brief(value);
        return text === null
          ? ""
          : element("span", { class: "fact" }, element("i", {}, this.app.shortName(column)), ` ${text}`);
      });
      const badges = this.app.badges(row);
      node.lastChild.replaceChildren(...badges, ...facts);
      node.dataset.label = this.app.labelPlace(row);
      node.setAttribute("aria-label", this.app.describe(row));
    }

    #relabel(ids) {
      for (const id of ids.length > this.#tiles.size
        ? [...this.#tiles.keys()]
        : ids.map((each) => this.app.data.rowOf(each))) {
        if (this.#tiles.has(id)) this.#caption(id);
      }
    }

    /** Mark the current picture. */
    #mark() {
      const { current } = this.state;
      for (const [row, node] of this.#tiles) node.setAttribute("aria-selected", String(row === current));
      if (this.#tiles.has(current))
        this.inner.setAttribute("aria-activedescendant", `${this.name}-${current}`);
      else this.inner.removeAttribute("aria-activedescendant");
    }

    #clicked(event) {
      const tile = event.target.closest(".tile");
      if (tile) this.state.select(Number(tile.dataset.row));
    }

    /** Go by a key; return whether it was one of the list's. */
    key(event) {
      const { state } = this;
      if (state.current === null) return false;
      const place = state.placeOf(state.current);
      const page = Math.max(1, Math.floor(this.root.clientHeight / (this.pictureHeight + CAPTION)));
      const vertical = (by) => {
        let target = place;
        for (let i = 0; i < Math.abs(by); i++) target = this.lines.vertical(target, Math.sign(by));
        state.select(state.rows[target]);
      };
      const acts = {
        ArrowLeft: () => state.step(-1),
        ArrowRight: () => state.step(1),
        ArrowUp: () => vertical(-1),
        ArrowDown: () => vertical(1),
        PageUp: () => vertical(-page),
        PageDown: () => vertical(page),
        Home: () => state.step(-Infinity),
        End: () => state.step(Infinity),
        Enter: () => state.set({ open: true }),
      };
      if (!Object.hasOwn(acts, event.key)) return false;
      acts[event.key]();
      return true;
    }
  }

  Gallery.Grid = Grid;
}
