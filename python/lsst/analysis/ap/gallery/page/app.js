"use strict";
// Puts the parts together.

{
  const {
    element,
    State,
    Settings,
    Labels,
    LiveColumn,
    Bar,
    Facets,
    Grid,
    Plots,
    Large,
    Labelling,
    Dialogs,
  } = Gallery;

  const CAPTION = ["status", "reliability", "snr", "band"];
  const SHORT = { reliability: "RB", snr: "S/N", band: "", status: "" };

  class App {
    /**
     * @param {Element} root - Where it is shown.
     * @param {Object} data - What is shown.
     * @param {Object} host - The surroundings: `address` of a picture, `storage`, whether it is `lasting`.
     */
    constructor(root, data, host) {
      Object.assign(this, { data, host });
      this.settings = new Settings(host.storage, data.scope, data.labels);
      this.labels = new Labels(host.storage, data.scope);
      const columnOf = (name, about, who) =>
        data.table.add(new LiveColumn(name, about, (row) => this.labels.get(who(), data.id(row))));
      columnOf("myLabel", "your label", () => this.settings.who);
      columnOf("otherLabel", "the label of the other person", () => this.other);
      this.captionColumns = CAPTION.map((name) => data.table.find(name)).filter(Boolean);
      this.state = new State(data);
      this.limits = new Gallery.CommonLimits(data);
      this.bar = new Bar(this);
      this.facets = new Facets(this);
      this.plots = new Plots(this);
      this.grid = new Grid(this);
      this.large = new Large(this);
      this.labelling = new Labelling(this);
      this.dialogs = new Dialogs(this);
      this.message = element("p", { class: "message", role: "status", hidden: true });
      this.whisper = element("p", { class: "unseen", role: "status" });
      this.root = element(
        "div",
        { class: "zcg" },
        this.bar.root,
        element(
          "div",
          { class: "middle" },
          this.facets.root,
          element("main", { class: "main" }, this.plots.root, this.grid.root),
        ),
        this.labelling.root,
        this.limits.root,
        this.large.root,
        this.dialogs.root,
        this.message,
        this.whisper,
      );
      root.append(this.root);
      Gallery.listenToKeys(this, this.root);
      this.settings.on("change", () => this.#theme());
      this.#theme();
      if (!host.lasting)
        this.say("This browser keeps nothing here: export your labels before you close the page.");
    }

    #theme() {
      this.root.dataset.theme = this.settings.theme;
    }

    /** The other person whose labels stand beside one's own; "" where there is none. */
    get other() {
      const people = this.labels.people.filter((who) => who !== this.settings.who);
      return people.includes(this.settings.other) ? this.settings.other : (people[0] ?? "");
    }

    /** Show or hide the facets, where there is not room for both. */
    toggleFacets() {
      const shown = this.root.classList.toggle("with-facets");
      this.root.querySelector(".filters-button").setAttribute("aria-expanded", String(shown));
    }

    /** A picture of one of the sets; of two, with its name on it and, if wanted, between common limits. */
    picture(set, row, show, text) {
      const node = Gallery.pictureOf(this.data.pictures[set], row, show, text, this.host);
      if (this.data.pictures.length > 1) {
        const wanted = this.state.limits === "common" && this.data.pictures.every((each) => each.has(row));
        const own = wanted && !this.limits.apply(node, set, row, show);
        node.append(
          element("span", { class: "tag" }, this.data.pictures[set].name + (own ? " · own limits" : "")),
        );
      }
      return node;
    }

    /** What a caption calls a column. */
    shortName(column) {
      return SHORT[column.name] ?? column.name;
    }

    /** A picture in words, for those who do not see it. */
    describe(row) {
      const facts = this.captionColumns.map((column) => {
        const text =
          column.isNumber && !Number.isNaN(column.number(row))
            ? Gallery.brief(column.number(row))
            : column.text(row);
        return text === null
          ? ""
          : `${SHORT[column.name] === "RB" ? "reliability" : this.shortName(column) || column.name} ${text}`;
      });
      const mine = this.labels.get(this.settings.who, this.data.id(row));
      return [`DiaSource ${this.data.id(row)}`, ...facts, mine === null ? "" : `labelled ${mine}`]
        .filter(Boolean)
        .join(", ");
    }

    /** Which of the label words a picture has, for its colour; empty where it has none. */
    labelPlace(row) {
      const mine = this.labels.get(this.settings.who, this.data.id(row));
      if (mine === null) return "";
      const place = this.settings.words.findIndex(({ word }) => word === mine);
      return String(place < 0 ? 9 : place);
    }

    /** The labels of a picture as elements. */
    badges(row) {
      const id = this.data.id(row);
      const mine = this.labels.get(this.settings.who, id);
      const other = this.other ? this.labels.get(this.other, id) : null;
      const made = [];
      if (mine !== null)
        made.push(element("span", { class: "badge", "data-label": this.labelPlace(row) }, mine));
      if (other !== null) {
        const differs = mine !== null && mine !== other;
        made.push(
          element(
            "span",
            { class: differs ? "badge other differs" : "badge other" },
            `${this.other}: ${other}`,
          ),
        );
      }
      return made;
    }

    /** Tell something: on the page, or, quietly, to those who have it read out. */
    say(text, { quiet = false } = {}) {
      this.whisper.textContent = quiet ? text : "";
      if (quiet || !text) return;
      this.message.textContent = text;
      this.message.hidden = false;
      clearTimeout(this.hiding);
      this.hiding = setTimeout(() => {
        this.message.hidden = true;
      }, 8000);
    }
  }

  Gallery.App = App;
}
