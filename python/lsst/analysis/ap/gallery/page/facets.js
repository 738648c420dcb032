"use strict";
// The column of facets: those that people look at first, and any other that is asked for.

{
  const { element, Histogram, Values, Flags, FACET } = Gallery;

  const FIRST = [
    "status",
    "change",
    "reliability",
    "snr",
    "psfFlux",
    "scienceFlux",
    "band",
    "flags",
    "myLabel",
    "otherLabel",
    "visit",
    "detector",
  ];
  const FEW = 60; // so many values are shown as boxes rather than as a histogram

  class Facets {
    #shown = new Map(); // key -> {facet, section}

    constructor(app) {
      this.app = app;
      this.list = element("div", { class: "facet-list" });
      this.more = element("select", {
        "aria-label": "Filter by another column",
        on: { change: (e) => this.#chosen(e) },
      });
      this.clear = Gallery.button("Clear all filters", () => app.state.clear(), { class: "quiet" });
      this.root = element(
        "aside",
        { class: "facets", "aria-label": "Filters" },
        this.clear,
        this.list,
        this.more,
      );
      for (const name of FIRST) this.#add(name);
      this.#offer();
      app.state.on(
        "rows",
        Gallery.oncePerFrame(() => this.refresh()),
      );
      app.labels.on(
        "change",
        Gallery.oncePerFrame(() => this.#refreshLabels()),
      );
      this.refresh();
    }

    #add(name, { open = FIRST.indexOf(name) < 9 } = {}) {
      const key = name === "flags" ? "flags" : FACET + name;
      const made = name === "flags" ? this.#flags(key) : this.#ofColumn(this.app.data.table.find(name), key);
      if (made === null || this.#shown.has(key)) return;
      const column = this.app.data.table.find(name);
      const about = name === "flags" ? "" : [column.unit, column.about].filter(Boolean).join(" · ");
      const state = element("span", { class: "used" });
      const section = element(
        "details",
        { class: "facet", open },
        element("summary", { title: about }, element("span", {}, name), state),
        made.root,
      );
      section.addEventListener("toggle", () => {
        if (section.open) made.refresh();
      });
      this.#shown.set(key, { made, section, state });
      this.list.append(section);
    }

    #flags(key) {
      return this.app.data.flagWords.length ? new Flags(this.app, key) : null;
    }

    #ofColumn(column, key) {
      if (column === undefined) return null;
      if (column.isNumber && !this.#hasFew(column)) {
        return column.numbers.some(Number.isFinite) ? new Histogram(this.app, column, key) : null;
      }
      return new Values(this.app, column, key);
    }

    /** Whether a column of whole numbers stands for names rather than for amounts. */
    #hasFew(column) {
      if (column.kind !== "integer") return false;
      if (["visit", "detector"].includes(column.name)) return true;
      const seen = new Set();
      for (let row = 0; row < column.rows && seen.size <= FEW; row++) seen.add(column.at(row));
      return seen.size <= FEW / 4;
    }

    #offer() {
      const absent = this.app.data.table.columns.filter(({ name }) => !this.#shown.has(FACET + name));
      this.more.replaceChildren(
        element("option", { value: "" }, "Filter by another column…"),
        ...absent.map((column, i) => element("option", { value: i }, column.name)),
      );
      this.absent = absent;
    }

    #chosen(event) {
      if (event.target.value === "") return;
      const column = this.absent[Number(event.target.value)];
      this.show(column.name);
      const shown = this.#shown.get(FACET + column.name);
      if (shown) shown.section.querySelector("summary").focus();
      else this.app.say(`Column ${column.name} has no values.`);
    }

    /** Show the facet of a column. */
    show(name) {
      this.#add(name, { open: true });
      this.#offer();
      this.refresh();
    }

    /** Bring the counts up to date. */
    refresh() {
      const { facets } = this.app.state;
      for (const { column } of facets.values()) {
        if (column !== undefined && !this.#shown.has(FACET + column)) this.#add(column, { open: true });
      }
      for (const [key, { made, section, state }] of this.#shown) {
        state.textContent = facets.has(key) ? "in use" : "";
        if (section.open) made.refresh();
      }
      this.clear.disabled = !facets.size && !this.app.state.where.trim();
    }

    #refreshLabels() {
      for (const name of ["myLabel", "otherLabel"]) {
        const shown = this.#shown.get(FACET + name);
        if (shown?.section.open) shown.made.refresh();
      }
    }
  }

  Gallery.Facets = Facets;
}
