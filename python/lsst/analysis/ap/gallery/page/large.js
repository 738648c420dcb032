"use strict";
// One picture, large, with everything that is known of it.

{
  const { element, button, PANELS, brief, count } = Gallery;

  const BEAT = 600; // milliseconds of each panel when blinking by itself

  class Large {
    constructor(app) {
      this.app = app;
      this.all = app.data.pictures.length > 1 ? "panels" : "whole";
      this.part = this.all;
      this.set = 0;
      this.picture = element("div", { class: "stage" });
      this.title = element("h2", { class: "large-title" });
      this.partName = element("output", { class: "part-name", "aria-live": "polite" });
      this.words = element("ul", { class: "flag-words", "aria-label": "Flags" });
      this.labels = element("div", { class: "large-labels" });
      this.limits = element("p", { class: "quiet limits" });
      this.search = element("input", {
        type: "search",
        "aria-label": "Find a column",
        placeholder: "find a column",
        on: { input: () => this.#row() },
      });
      this.body = element("tbody");
      this.head = element("thead");
      const table = element("table", { class: "row-table" }, this.head, this.body);
      this.root = element(
        "dialog",
        { class: "large", "aria-label": "One picture" },
        element(
          "div",
          { class: "large-bar" },
          button("‹", () => app.state.step(-1), {
            "aria-label": "previous picture",
            "aria-keyshortcuts": "ArrowLeft",
          }),
          button("›", () => app.state.step(1), {
            "aria-label": "next picture",
            "aria-keyshortcuts": "ArrowRight",
          }),
          this.title,
          button("Blink", () => this.blink(), { "aria-keyshortcuts": "Space" }),
          (this.auto = button("Blink by itself", () => this.#beat(), {
            "aria-pressed": "false",
            "aria-keyshortcuts": "a",
          })),
          app.data.pictures.length > 1 ? button("Swap", () => this.swap(), { "aria-keyshortcuts": "x" }) : "",
          button("Close", () => app.state.set({ open: false }), { "aria-keyshortcuts": "Escape" }),
        ),
        element(
          "div",
          { class: app.data.pictures.length > 1 ? "large-body two" : "large-body" },
          (this.left = element(
            "div",
            { class: "large-left", tabindex: "0", role: "region", "aria-label": "Picture" },
            this.picture,
            this.partName,
            this.limits,
            this.labels,
            this.words,
          )),
          element(
            "div",
            { class: "large-row", tabindex: "0", role: "region", "aria-label": "Catalogue row" },
            this.search,
            table,
          ),
        ),
      );
      this.root.addEventListener("close", () => app.state.set({ open: false }));
      app.state.on("open", () => this.#opened());
      app.state.on("current", () => this.refresh());
      app.state.on("rows", () => this.refresh());
      app.state.on("look", () => this.refresh());
      app.labels.on("change", () => this.#label());
    }

    get isOpen() {
      return this.root.open;
    }

    #opened() {
      const { open, current } = this.app.state;
      if (open && current !== null && !this.root.open) {
        this.part = this.all;
        this.root.showModal();
        this.left.focus();
        this.refresh();
      } else if (!open && this.root.open) {
        this.#stop();
        this.root.close();
        this.app.grid.inner.focus({ preventScroll: true });
      }
    }

    /** Show the next panel in the place of the last. */
    blink() {
      const frame = this.#pictures().frame(this.app.state.current);
      const panels = PANELS.filter((name) => frame?.panels[name]);
      if (!panels.length) {
        this.app.say("This picture does not say where its panels are.");
        return;
      }
      this.part = panels[(panels.indexOf(this.part) + 1) % panels.length];
      this.#draw();
    }

    /** Show the whole picture again. */
    whole() {
      this.#stop();
      this.part = this.all;
      this.alone = false;
      this.#draw();
    }

    /** Show the other of two pictures in the same place. */
    swap() {
      this.set = (this.set + 1) % this.app.data.pictures.length;
      this.alone = true;
      this.#draw();
    }

    #beat() {
      if (this.beating) {
        this.#stop();
        return;
      }
      this.beating = setInterval(() => this.blink(), BEAT);
      this.auto.setAttribute("aria-pressed", "true");
      this.blink();
    }

    #stop() {
      clearInterval(this.beating);
      this.beating = null;
      this.auto.setAttribute("aria-pressed", "false");
    }

    toggleBeat() {
      this.#beat();
    }

    #pictures() {
      return this.app.data.pictures[this.set];
    }

    #draw() {
      const { state, data } = this.app;
      const row = state.current;
      if (row === null) return;
      const text = this.app.describe(row);
      const sets = this.alone ? [this.set] : data.pictures.map((_, set) => set);
      this.picture.replaceChildren(
        ...sets.map((set) =>
          element("figure", {}, this.app.picture(set, row, this.part, `${this.part} of ${text}`)),
        ),
      );
      this.picture.dataset.part = this.part;
      this.picture.dataset.number = sets.length;
      const which = this.alone ? `${this.#pictures().name} ` : "";
      this.partName.textContent = which + (this.part === this.all ? "" : this.part);
    }

    refresh() {
      const { state, data } = this.app;
      if (!this.root.open || state.current === null) return;
      this.alone = false;
      const row = state.current;
      const place = `${count(state.placeOf(row) + 1)} of ${count(state.rows.length)}`;
      this.title.textContent = `${data.id(row)} · ${place}`;
      this.#draw();
      this.words.replaceChildren(
        ...data
          .wordsOf(row)
          .map(({ word, about }) => element("li", {}, element("b", {}, word), about ? ` ${about}` : "")),
      );
      this.limits.textContent = this.#limits(row);
      this.#label();
      this.#row();
      this.#fetchNeighbours();
    }

    #label() {
      if (!this.root.open || this.app.state.current === null) return;
      const badges = this.app.badges(this.app.state.current);
      const buttons = this.app.settings.words.map(({ word, key }) =>
        button(word, () => this.app.labelling.label(word), { "aria-keyshortcuts": key }),
      );
      this.labels.replaceChildren(...buttons, ...badges);
    }

    /** Between which values the panels are shown. */
    #limits(row) {
      const { table } = this.app.data;
      const units = this.#pictures().frame(row)?.units ?? {};
      const range = (panel) => {
        if (this.app.state.limits === "common" && this.app.data.pictures.length > 1) {
          const common = this.app.limits.common(row, panel);
          if (common) return common;
        }
        return ["min", "max"].map((end) => table.find(`${panel}_${end}`)?.number(row) ?? NaN);
      };
      const said = PANELS.map((panel) => [panel, ...range(panel)])
        .filter(([, low]) => !Number.isNaN(low))
        .map(([panel, low, high]) => `${panel} ${brief(low)} to ${brief(high)} ${units[panel] ?? ""}`.trim());
      return said.length ? `Shown from dark to bright: ${said.join(", ")}.` : "";
    }

    /** Fill the table of the row; a column of the run before stands beside that of the run after. */
    #row() {
      if (!this.root.open) return;
      const row = this.app.state.current;
      const { table, pictures } = this.app.data;
      const wanted = this.search.value.trim().toLowerCase();
      const two = pictures.length > 1;
      this.head.replaceChildren(
        element(
          "tr",
          {},
          ...(two ? ["column", pictures[0].name, pictures[1].name] : ["column", "value"]).map((name) =>
            element("th", { scope: "col" }, name),
          ),
        ),
      );
      const lines = [];
      for (const column of table.columns) {
        if (two && column.name.endsWith("_before") && table.find(column.name.slice(0, -7))) continue;
        if (wanted && !column.name.toLowerCase().includes(wanted)) continue;
        const before = two ? table.find(`${column.name}_before`) : undefined;
        const cells = !before ? [column] : pictures[1].has(row) ? [before, column] : [before, undefined];
        const texts = cells.map((each) => each?.text(row) ?? "");
        const differs = before && texts[0] !== texts[1];
        lines.push(
          element(
            "tr",
            { class: differs ? "differs" : "", title: column.about ?? "" },
            element("th", { scope: "row" }, column.name),
            ...texts.map((text) =>
              element(
                "td",
                { colspan: two && texts.length === 1 ? 2 : null },
                text,
                text && column.unit ? element("small", {}, ` ${column.unit}`) : "",
              ),
            ),
          ),
        );
      }
      this.body.replaceChildren(...lines);
    }

    /** Have the neighbours' files at hand, so that arrow keys show them at once. */
    #fetchNeighbours() {
      const { state, data, host } = this.app;
      const place = state.placeOf(state.current);
      this.ahead = [-1, 1, 2]
        .map((by) => state.rows[place + by])
        .filter((row) => row !== undefined)
        .flatMap((row) =>
          data.pictures
            .filter((set) => set.has(row))
            .map((set) => {
              const image = new Image();
              image.src = host.address(set.paths[row]);
              return image;
            }),
        );
    }
  }

  Gallery.Large = Large;
}
