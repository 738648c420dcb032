"use strict";
// The bar at the bottom: label, take back, go on, see how far one is, and bring labels in and out.

{
  const { element, button, labelled, count, readCsv, writeCsv } = Gallery;

  // What a catalogue needs beside diaSourceId, so that a file of labels can be one.
  const CATALOGUE = ["instrument", "visit", "detector", "ra", "dec", "band"];

  class Labelling {
    constructor(app) {
      this.app = app;
      this.words = element("div", {
        class: "words",
        role: "group",
        "aria-label": "Label the current picture",
      });
      this.progress = element("progress", { "aria-label": "Pictures labelled", max: 1 });
      this.number = element("output", { class: "count" });
      this.who = element("input", {
        type: "text",
        size: 8,
        maxlength: 60,
        autocomplete: "off",
        value: app.settings.who,
        on: { change: () => app.settings.set({ who: this.who.value.trim() || "me" }) },
      });
      this.file = element("input", {
        type: "file",
        accept: ".csv,text/csv",
        multiple: true,
        hidden: true,
        "aria-label": "Files of labels",
        on: { change: () => this.#import() },
      });
      this.root = element(
        "footer",
        { class: "labelling", "aria-label": "Labels" },
        this.words,
        button("Undo", () => this.undo(), { "aria-keyshortcuts": "z" }),
        button("Next unlabelled", () => this.next(), { "aria-keyshortcuts": "n" }),
        this.progress,
        this.number,
        labelled("You are", this.who),
        button("Export", () => this.export()),
        button("Import", () => this.file.click()),
        this.file,
        button("Agreement", () => app.dialogs.agreement(), { "aria-haspopup": "dialog" }),
        button("Settings", () => app.dialogs.settings(), { "aria-haspopup": "dialog" }),
      );
      app.settings.on("change", () => this.#buttons());
      const refresh = Gallery.oncePerFrame(() => this.refresh());
      for (const event of ["rows", "current"]) app.state.on(event, refresh);
      app.labels.on("change", refresh);
      app.labels.on("trouble", (text) => app.say(text));
      this.#buttons();
    }

    #buttons() {
      this.words.replaceChildren(
        ...this.app.settings.words.map(({ word, key }, place) =>
          button(word, () => this.label(word), {
            "data-place": place,
            "aria-keyshortcuts": key,
            "aria-pressed": "false",
          }),
        ),
      );
      this.words
        .querySelectorAll("button")
        .forEach((each, place) => each.append(element("kbd", {}, this.app.settings.words[place].key)));
      this.who.value = this.app.settings.who;
      this.refresh();
    }

    /** Label the current picture and, where that is wanted, go on. */
    label(word) {
      const { state, data, labels, settings } = this.app;
      if (state.current === null) return;
      const id = data.id(state.current);
      labels.label(settings.who, id, word);
      this.app.say(`${word}. ${count(labels.countOf(settings.who))} labelled.`, { quiet: true });
      if (settings.advance) state.step(1);
    }

    undo() {
      const id = this.app.labels.undo();
      if (id === null) {
        this.app.say("There is nothing to take back.");
        return;
      }
      this.app.state.select(this.app.data.rowOf(id));
      this.app.say("Taken back.", { quiet: true });
    }

    next() {
      const { state, data, labels, settings } = this.app;
      const found = state.seek((row) => labels.get(settings.who, data.id(row)) === null);
      if (!found) this.app.say("Every picture that is shown has a label.");
    }

    refresh() {
      const { state, data, labels, settings } = this.app;
      let done = 0;
      if (labels.countOf(settings.who)) {
        for (const row of state.rows) if (labels.get(settings.who, data.id(row)) !== null) done++;
      }
      this.progress.max = Math.max(1, state.rows.length);
      this.progress.value = done;
      this.number.textContent = `${count(done)} of ${count(state.rows.length)} labelled`;
      const mine = state.current === null ? null : labels.get(settings.who, data.id(state.current));
      for (const each of this.words.children) {
        const { word } = settings.words[Number(each.dataset.place)];
        each.setAttribute("aria-pressed", String(mine === word));
        each.disabled = state.current === null;
      }
    }

    /** The text of labels.csv. */
    table() {
      const { labels, data } = this.app;
      const columns = CATALOGUE.map((name) => data.table.find(name)).filter(Boolean);
      const header = ["diaSourceId", "label", "who", "when", ...columns.map(({ name }) => name)];
      const rows = labels.rows().map((cells) => {
        const row = data.rowOf(cells[0]);
        return [...cells, ...columns.map((column) => (row === undefined ? "" : column.text(row)))];
      });
      return writeCsv([header, ...rows]);
    }

    export() {
      const address = URL.createObjectURL(new Blob([this.table()], { type: "text/csv" }));
      element("a", { href: address, download: "labels.csv" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    }

    async #import() {
      const said = [];
      for (const file of this.file.files) {
        try {
          const taken = this.app.labels.import(readCsv(await file.text()), file.name.replace(/\.csv$/i, ""));
          said.push(`${file.name}: ${count(taken)} labels taken.`);
        } catch (error) {
          said.push(`${file.name} is not taken: ${error.message}.`);
        }
      }
      this.file.value = "";
      this.app.say(said.join(" "));
    }
  }

  Gallery.Labelling = Labelling;
}
