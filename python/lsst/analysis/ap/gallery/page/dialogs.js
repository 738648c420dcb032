"use strict";
// The smaller windows: keys, settings, and how far two people agree.

{
  const { element, button, labelled, choice, count, agreement, Settings } = Gallery;

  const KEYS = [
    ["← → ↑ ↓", "go from picture to picture; also Home, End, Page up, Page down"],
    ["Enter", "open the picture large; Escape closes it"],
    ["Space", "in the large view: blink template, science, difference; 0 shows the whole picture"],
    ["a", "in the large view: blink by itself"],
    ["x", "in the large view of two runs: show the other run in the same place"],
    ["l", "two runs: the same limits for both pictures, or each with its own"],
    ["n", "next picture without a label"],
    ["z", "take the last label back"],
    ["p", "show or hide the plots"],
    ["f or /", "go to the condition"],
    ["i", "go back to the pictures"],
    ["?", "this help"],
  ];

  class Dialogs {
    constructor(app) {
      this.app = app;
      this.root = element("dialog", { class: "window" });
    }

    get isOpen() {
      return this.root.open;
    }

    #open(title, ...content) {
      this.root.setAttribute("aria-label", title);
      this.root.replaceChildren(
        element(
          "div",
          { class: "window-bar" },
          element("h2", {}, title),
          button("Close", () => this.root.close()),
        ),
        ...content,
      );
      if (!this.root.open) this.root.showModal();
    }

    help() {
      const labels = this.app.settings.words.map(({ word, key }) => [
        key,
        `label the current picture “${word}”`,
      ]);
      this.#open(
        "Keys",
        element(
          "dl",
          { class: "keys" },
          ...[...labels, ...KEYS].flatMap(([key, text]) => [
            element("dt", {}, element("kbd", {}, key)),
            element("dd", {}, text),
          ]),
        ),
        element(
          "p",
          {},
          "A condition is written as for the option --where: column names, numbers, quoted text, " +
            "comparisons, in (…), is None, and, or, not, + - * /, abs, sqrt, log10, sin, cos, radians. " +
            "The columns myLabel and " +
            "otherLabel hold the labels.",
        ),
      );
    }

    settings() {
      const { settings } = this.app;
      const lines = element("div", { class: "word-lines" });
      const problem = element("p", { class: "error", role: "alert" });
      const line = ({ word, key }) => {
        const made = element(
          "div",
          { class: "word-line" },
          labelled("Word", element("input", { type: "text", value: word, maxlength: 40 })),
          labelled("Key", element("input", { type: "text", value: key, maxlength: 1, size: 2 })),
          button("Remove", () => made.remove()),
        );
        return made;
      };
      lines.append(...settings.words.map(line));
      const advance = element("input", { type: "checkbox", checked: settings.advance });
      const seed = element("input", { type: "text", value: this.app.state.seed, size: 6 });
      const save = () => {
        const words = [...lines.children].map((each) => {
          const [word, key] = [...each.querySelectorAll("input")].map((field) => field.value.trim());
          return { word, key: key.toLowerCase() };
        });
        problem.textContent = Settings.problem(words) ?? "";
        if (problem.textContent) return;
        settings.set({ words, advance: advance.checked });
        this.app.state.set({ seed: seed.value.trim() || "1" });
        this.root.close();
      };
      this.#open(
        "Settings",
        element("h3", {}, "Labels"),
        lines,
        button("Another word", () => lines.append(line({ word: "", key: "" }))),
        problem,
        labelled("Go on to the next picture after a label", advance, { class: "tick" }),
        labelled("Seed of the random order", seed),
        button("Save", save, { class: "primary" }),
      );
    }

    /** The numbers of a comparison. */
    numbers() {
      const [header, ...lines] = this.app.data.summary;
      const cells = (tag, line, properties = {}) => line.map((text) => element(tag, properties, text));
      this.#open(
        "Numbers",
        element(
          "table",
          { class: "matrix" },
          element("thead", {}, element("tr", {}, ...cells("th", header, { scope: "col" }))),
          element(
            "tbody",
            {},
            ...lines.map(([name, ...numbers]) =>
              element("tr", {}, element("th", { scope: "row" }, name), ...cells("td", numbers)),
            ),
          ),
        ),
        element(
          "p",
          {},
          "Before is the first directory, after the second. Sources are matched by position within visit " +
            "and detector, one to one. Lost are those that only the first has, gained those that only the " +
            "second has. The column change says how many times its threshold the greatest change of a " +
            "source is; the pictures are " +
            "sorted by it.",
        ),
      );
    }

    agreement() {
      const { labels, settings } = this.app;
      const people = labels.people;
      if (people.length < 2) {
        this.#open(
          "Agreement",
          element(
            "p",
            {},
            people.length
              ? `Only ${people[0]} has labels here. Import the labels.csv of another person to compare.`
              : "Nobody has labelled yet.",
          ),
        );
        return;
      }
      const one = people.includes(settings.who) ? settings.who : people[0];
      const other =
        people.includes(settings.other) && settings.other !== one
          ? settings.other
          : people.find((who) => who !== one);
      const result = element("div");
      const pair = { one, other };
      const show = () => result.replaceChildren(...this.#compared(pair.one, pair.other));
      const pick = (end) =>
        choice(
          people.map((who) => [who, who]),
          pair[end],
          (who) => {
            pair[end] = who;
            show();
          },
          { "aria-label": end === "one" ? "First person" : "Second person" },
        );
      show();
      this.#open("Agreement", element("p", { class: "pair" }, pick("one"), " and ", pick("other")), result);
    }

    #compared(one, other) {
      const { labels, data, state, settings } = this.app;
      const pairs = [];
      for (let row = 0; row < data.rows; row++) {
        const both = [one, other].map((who) => labels.get(who, data.id(row)));
        if (both[0] !== null && both[1] !== null) pairs.push(both);
      }
      if (!pairs.length) return [element("p", {}, `${one} and ${other} have labelled no picture in common.`)];
      const { words, table, number, agreed, kappa } = agreement(pairs);
      const said = Number.isNaN(kappa) ? "not defined, since both gave one label only" : kappa.toFixed(3);
      return [
        element(
          "p",
          { class: "kappa" },
          `Both labelled ${count(number)} pictures and agree on ${(100 * agreed).toFixed(1)} %. `,
          element("b", {}, `Cohen's kappa: ${said}`),
        ),
        element(
          "table",
          { class: "matrix" },
          element(
            "thead",
            {},
            element(
              "tr",
              {},
              element("th", { scope: "col" }, `${one} ↓  ${other} →`),
              ...words.map((word) => element("th", { scope: "col" }, word)),
            ),
          ),
          element(
            "tbody",
            {},
            ...words.map((word, i) =>
              element(
                "tr",
                {},
                element("th", { scope: "row" }, word),
                ...table[i].map((value, j) => element("td", { class: i === j ? "same" : "" }, count(value))),
              ),
            ),
          ),
        ),
        button("Show where they differ", () => {
          settings.set({ who: one, other });
          state.set({ where: "myLabel != otherLabel" });
          this.root.close();
        }),
      ];
    }
  }

  Gallery.Dialogs = Dialogs;
}
