"use strict";
// The bar at the top: what is shown, in which order, how large.

{
  const { element, button, labelled, choice, count, SHOWS, oncePerFrame } = Gallery;

  const PAUSE = 250; // milliseconds after the last letter until a condition is tried

  class Bar {
    constructor(app) {
      this.app = app;
      const { state } = app;
      this.count = element("output", { class: "count", "aria-live": "polite" });
      this.where = element("input", {
        type: "search",
        class: "where",
        spellcheck: "false",
        autocomplete: "off",
        "aria-label": "Condition",
        placeholder: "snr > 5 and band in ('g', 'r') and not isDipole",
        on: { input: () => this.#typed() },
      });
      this.where.addEventListener("keydown", (event) => {
        if (event.key === "Enter") this.#apply();
      });
      this.error = element("p", { class: "error", role: "alert" });
      this.root = element(
        "header",
        { class: "bar" },
        element(
          "div",
          { class: "bar-line" },
          button("Filters", () => app.toggleFacets(), { class: "filters-button", "aria-expanded": "false" }),
          element("h1", {}, app.data.title),
          this.count,
          labelled("Where", this.where, { class: "where-field" }),
        ),
        this.error,
        this.#choices(),
      );
      state.on(
        "rows",
        oncePerFrame(() => this.refresh()),
      );
      state.on("look", () => this.refresh());
      state.on(
        "choice",
        oncePerFrame(() => this.refresh()),
      );
      this.refresh();
    }

    #choices() {
      const { state, settings } = this.app;
      const names = this.app.data.table.columns.map(({ name }) => [name, name]);
      this.sort = choice(
        [["", this.app.data.order], ["random", "random order"], ...names],
        state.sort,
        (sort) => state.set({ sort }),
      );
      this.turn = button("", () => state.set({ descending: !state.descending }), { class: "turn" });
      const groups = ["diaObjectId", "visit", "ssObjectId", "status"].filter((name) =>
        this.app.data.table.find(name),
      );
      this.group = choice([["", "none"], ...groups.map((name) => [name, name])], state.group, (group) =>
        state.set({ group }),
      );
      this.show = choice(SHOWS, state.show, (show) => state.set({ show }));
      this.size = element("input", {
        type: "range",
        min: 80,
        max: 900,
        step: 10,
        on: { input: (event) => state.set({ size: Number(event.target.value) }) },
      });
      this.plots = button("Plots", () => state.set({ plots: !state.plots }), { "aria-pressed": "false" });
      this.theme = choice(
        [
          ["auto", "as the system"],
          ["light", "light"],
          ["dark", "dark"],
        ],
        settings.theme,
        (theme) => settings.set({ theme }),
      );
      return element(
        "div",
        { class: "bar-line choices" },
        element("span", { class: "pair" }, labelled("Sort", this.sort), this.turn),
        labelled("Group", this.group),
        labelled("Show", this.show),
        labelled("Size", this.size),
        ...this.#comparison(),
        this.plots,
        labelled("Colours", this.theme),
        button("Keys", () => this.app.dialogs.help(), { "aria-haspopup": "dialog" }),
      );
    }

    /** What only a comparison of two directories has. */
    #comparison() {
      const { state, data } = this.app;
      if (data.pictures.length < 2) return [];
      this.limits = element("input", {
        type: "checkbox",
        on: { change: (event) => state.set({ limits: event.target.checked ? "common" : "own" }) },
      });
      return [
        labelled("Same limits", this.limits),
        button("Numbers", () => this.app.dialogs.numbers(), { "aria-haspopup": "dialog" }),
      ];
    }

    #typed() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.#apply(), PAUSE);
    }

    #apply() {
      clearTimeout(this.waiting);
      this.app.state.set({ where: this.where.value });
    }

    refresh() {
      const { state, data } = this.app;
      const text = `${count(state.rows.length)} of ${count(data.rows)}`;
      if (this.count.textContent !== text) this.count.textContent = text;
      if (document.activeElement !== this.where) this.where.value = state.where;
      if (this.error.textContent !== state.error) this.error.textContent = state.error;
      this.where.setAttribute("aria-invalid", String(state.error !== ""));
      this.sort.value = state.sort;
      this.group.value = state.group;
      this.show.value = state.show;
      this.size.value = state.size;
      this.turn.textContent = state.descending ? "↓" : "↑";
      this.turn.setAttribute("aria-label", state.descending ? "greatest first" : "least first");
      this.turn.disabled = state.sort === "" || state.sort === "random";
      if (this.limits) this.limits.checked = state.limits === "common";
      this.plots.setAttribute("aria-pressed", String(state.plots));
    }
  }

  Gallery.Bar = Bar;
}
