"use strict";
// What each key does.

{
  /** Whether keys that are typed go into a field. */
  function isTyping(target) {
    if (target.matches("textarea, select")) return true;
    return target.matches("input") && !["checkbox", "range", "button"].includes(target.type);
  }

  function listen(app, root) {
    const { state, grid, large, labelling, dialogs, settings } = app;

    const everywhere = {
      n: () => labelling.next(),
      z: () => labelling.undo(),
      p: () => state.set({ plots: !state.plots }),
      f: () => app.bar.where.focus(),
      "/": () => app.bar.where.focus(),
      i: () => grid.inner.focus(),
      l: () => state.set({ limits: state.limits === "common" ? "own" : "common" }),
      "?": () => dialogs.help(),
    };
    const inLarge = {
      " ": () => large.blink(),
      0: () => large.whole(),
      a: () => large.toggleBeat(),
      x: () => large.swap(),
      ArrowLeft: () => state.step(-1),
      ArrowRight: () => state.step(1),
      l: everywhere.l,
      n: everywhere.n,
      z: everywhere.z,
    };

    root.addEventListener("keydown", (event) => {
      if (dialogs.isOpen || event.altKey || event.metaKey) return;
      if (event.ctrlKey) {
        if (event.key !== "z" || isTyping(event.target)) return;
      } else if (event.key === "Escape" && isTyping(event.target) && !large.isOpen) {
        grid.inner.focus();
        return;
      }
      if (isTyping(event.target)) return;
      const word = settings.words.find(({ key }) => key === event.key.toLowerCase());
      const acts = large.isOpen ? inLarge : everywhere;
      // On a button, space and Enter press it.
      const pressed = event.target.matches("button, summary, input") && [" ", "Enter"].includes(event.key);
      if (pressed) return;
      if (word && !event.ctrlKey) labelling.label(word.word);
      else if (Object.hasOwn(acts, event.key)) acts[event.key]();
      else if (large.isOpen || event.target.matches("input, summary") || !grid.key(event)) return;
      event.preventDefault();
    });
  }

  Gallery.listenToKeys = listen;
}
