"use strict";
// What stays the same from visit to visit: name, words and keys of labels, colours.

{
  const KEY = "lsst.analysis.ap/settings";

  class Settings extends Gallery.Emitter {
    /**
     * @param {Storage} storage
     * @param {string} scope - Tells this gallery from others: each has words of its own.
     * @param {Array} given - The words that the page was made with. Who makes it with others wants those.
     */
    constructor(storage, scope, given) {
      super();
      Object.assign(this, { storage, given, wordsKey: `lsst.analysis.ap/words/${scope}` });
      Object.assign(this, { who: "me", other: "", advance: true, theme: "auto", words: given });
      const kept = this.#read(KEY);
      for (const name of ["who", "other", "theme"])
        if (typeof kept[name] === "string") this[name] = kept[name];
      if (typeof kept.advance === "boolean") this.advance = kept.advance;
      const { words, instead } = this.#read(this.wordsKey);
      if (JSON.stringify(instead) === JSON.stringify(given) && Settings.problem(words) === null)
        this.words = words;
    }

    #read(key) {
      try {
        return JSON.parse(this.storage.getItem(key) ?? "{}") ?? {};
      } catch {
        return {}; // somebody else's words: the defaults will do
      }
    }

    /** Why some words and keys will not do; null where they will. */
    static problem(words) {
      if (!Array.isArray(words) || !words.length) return "Give at least one word.";
      for (const { word, key } of words) {
        if (typeof word !== "string" || !word.trim()) return "Each key needs a word.";
        if (typeof key !== "string" || !/^[a-z0-9]$/.test(key))
          return `The key of ${word} is one letter or digit.`;
        if (Settings.taken.has(key)) return `The key ${key} does something else already.`;
      }
      if (new Set(words.map(({ key }) => key)).size < words.length)
        return "Each word needs a key of its own.";
      if (new Set(words.map(({ word }) => word)).size < words.length)
        return "Each key needs a word of its own.";
      return null;
    }

    set(changes) {
      Object.assign(this, changes);
      const { who, other, advance, theme, words, given } = this;
      try {
        this.storage.setItem(KEY, JSON.stringify({ who, other, advance, theme }));
        if (words !== given) this.storage.setItem(this.wordsKey, JSON.stringify({ words, instead: given }));
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
