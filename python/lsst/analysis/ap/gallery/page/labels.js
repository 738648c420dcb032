"use strict";
// Labels: who said what of which source, and when. Each is stored the moment it is made.

{
  const { Emitter } = Gallery;

  const TIME = 24; // letters of 2026-11-05T12:00:00.000Z, which stand before a label in the storage

  /** Storage that forgets, where a browser has none or forbids it. */
  class Forgetful {
    #items = new Map();

    get length() {
      return this.#items.size;
    }

    key(index) {
      return [...this.#items.keys()][index] ?? null;
    }

    getItem(key) {
      return this.#items.get(key) ?? null;
    }

    setItem(key, value) {
      this.#items.set(key, value);
    }

    removeItem(key) {
      this.#items.delete(key);
    }
  }

  /** The browser's storage, and whether it keeps what it is given. */
  function browserStorage() {
    try {
      const { localStorage } = globalThis;
      localStorage.setItem("lsst.analysis.ap/trial", "1");
      localStorage.removeItem("lsst.analysis.ap/trial");
      return { storage: localStorage, lasting: true };
    } catch {
      return { storage: new Forgetful(), lasting: false };
    }
  }

  /**
   * The labels of one gallery. One key of the storage holds one label, so that tabs that are open at the
   * same time do not overwrite each other's, and the last one survives whatever ends the page.
   *
   * It tells listeners of "change" the identifiers that changed, and of "trouble" what went wrong.
   */
  class Labels extends Emitter {
    #people = new Map(); // who -> Map of id -> {label, when}
    #undo = [];

    constructor(storage, scope) {
      super();
      this.storage = storage;
      this.prefix = `lsst.analysis.ap/labels/${scope}/`;
      for (let i = 0; i < storage.length; i++) {
        const key = storage.key(i);
        if (key?.startsWith(this.prefix)) this.#load(key, storage.getItem(key));
      }
    }

    /** Take what the storage holds under a key: another tab may have put it there. */
    #load(key, value) {
      const [who, id] = key.slice(this.prefix.length).split("/").map(decodeURIComponent);
      const labels = this.#of(who);
      if (value === null) labels.delete(id);
      else labels.set(id, { when: value.slice(0, TIME), label: value.slice(TIME) });
      return id;
    }

    /** What another tab of the browser changed. */
    heard(key, value) {
      if (key?.startsWith(this.prefix)) this.emit("change", [this.#load(key, value)]);
    }

    #of(who) {
      if (!this.#people.has(who)) this.#people.set(who, new Map());
      return this.#people.get(who);
    }

    #put(who, id, entry) {
      const key = `${this.prefix}${encodeURIComponent(who)}/${encodeURIComponent(id)}`;
      try {
        if (entry === null) this.storage.removeItem(key);
        else this.storage.setItem(key, entry.when + entry.label);
      } catch (error) {
        this.emit("trouble", `The browser does not keep this label (${error.name}): export the labels now.`);
      }
      if (entry === null) this.#of(who).delete(id);
      else this.#of(who).set(id, entry);
    }

    /** The people who have labels. */
    get people() {
      return [...this.#people]
        .filter(([, labels]) => labels.size)
        .map(([who]) => who)
        .sort();
    }

    /** What somebody said of a source; null when nothing. */
    get(who, id) {
      return this.#people.get(who)?.get(id)?.label ?? null;
    }

    /** How many labels somebody has given. */
    countOf(who) {
      return this.#people.get(who)?.size ?? 0;
    }

    /** Label a source. */
    label(who, id, label, when = new Date()) {
      this.#undo.push({ who, id, earlier: this.#people.get(who)?.get(id) ?? null });
      this.#put(who, id, { label, when: when.toISOString() });
      this.emit("change", [id]);
    }

    /** Take back the last label that was made here; return its source, null when there is none. */
    undo() {
      const last = this.#undo.pop();
      if (last === undefined) return null;
      this.#put(last.who, last.id, last.earlier);
      this.emit("change", [last.id]);
      return last.id;
    }

    /** All labels by person and time: [id, label, who, when]. */
    rows() {
      const rows = this.people.flatMap((who) =>
        [...this.#of(who)].map(([id, { label, when }]) => [id, label, who, when]),
      );
      return rows.sort((a, b) => compare(a[2], b[2]) || compare(a[3], b[3]) || compare(a[0], b[0]));
    }

    /**
     * Take labels from a table with columns diaSourceId, label and perhaps who and when. Of two labels that
     * one person gave to one source the later counts.
     *
     * @returns How many labels were taken.
     */
    import(table, whoElse) {
      const [header = [], ...rows] = table;
      const place = (name) => header.findIndex((cell) => cell.trim() === name);
      const [id, label, who, when] = ["diaSourceId", "label", "who", "when"].map(place);
      if (id < 0 || label < 0) {
        throw new Error("the file needs columns diaSourceId and label in its first line");
      }
      const changed = [];
      for (const cells of rows) {
        const [source, word] = [cells[id]?.trim(), cells[label]?.trim()];
        if (!source || !word) continue;
        const name = cells[who]?.trim() || whoElse;
        const entry = { label: word, when: timeOf(cells[when]) };
        const mine = this.#people.get(name)?.get(source);
        if (mine && mine.when > entry.when) continue;
        this.#put(name, source, entry);
        changed.push(source);
      }
      this.emit("change", changed);
      return changed.length;
    }
  }

  function compare(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  /** A time as 2026-11-05T12:00:00.000Z; the beginning of time where a text is none. */
  function timeOf(text) {
    const time = new Date(text?.trim() || 0);
    return (Number.isNaN(time.getTime()) ? new Date(0) : time).toISOString().slice(-TIME);
  }

  Object.assign(Gallery, { Labels, browserStorage, Forgetful });
}
