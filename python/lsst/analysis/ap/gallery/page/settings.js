"use strict";
// What stays the same from visit to visit: name, words and keys of labels, colours.

{
  const KEY = "lsst.analysis.ap/settings";

  class Settings extends Gallery.Emitter {
    constructor(storage, start) {
      super();
      this.storage = storage;
      Object.assign(this, { who: "me", other: "", advance: true, theme: "auto", words: [] }, start);
      try {
        const kept = JSON.parse(storage.getItem(KEY) ?? "{}");
        for (const name of ["who", "other", "theme"]) if (typeof kept[name] === "string") this[name] = kept[name];
        if (typeof kept.advance === "boolean") this.advance = kept.advance;
        if (Settings.problem(kept.words) === null) this.words = kept.words;
      } catch {
        // Somebody else's words: the defaults will do.
      }
    }

    /** Why some words and keys will not do; null where they will. */
    static problem(words) {
      if (!Array.isArray(words) || !words.length) return "Give at least one word.";
      for (const { word, key } of words) {
        if (typeof word !== "string" || !word.trim()) return "Each key needs a word.";
        if (typeof key !== "string" || !/^[a-z0-9]$/.test(key)) return `The key of ${word} is one letter or digit.`;
        if (Settings.taken.has(key)) return `The key ${key} does something else already.`;
      }
      if (new Set(words.map(({ key }) => key)).size < words.length) return "Each word needs a key of its own.";
      if (new Set(words.map(({ word }) => word)).size < words.length) return "Each key needs a word of its own.";
      return null;
    }

    set(changes) {
      Object.assign(this, changes);
      const { who, other, advance, theme, words } = this;
      try {
        this.storage.setItem(KEY, JSON.stringify({ who, other, advance, theme, words }));
      } catch {
        // They hold until the page is closed.
      }
      this.emit("change");
    }
  }

  /** Keys that the page uses itself. */
  Settings.taken = new Set(["n", "z", "p", "a", "x", "f", "i", "l"]);

  Gallery.Settings = Settings;
}
