"use strict";
// The state as the fragment of the address, so that a link shows what was seen.

{
  const PLAIN = ["where", "sort", "group", "seed", "show", "size", "limits"];
  const FACET = "f:";

  function facetText(facet) {
    if (facet.type === "flags") return [...facet.set, ...facet.unset.map((word) => `!${word}`)].join(",");
    if (facet.type === "range") return `${facet.low ?? ""}~${facet.high ?? ""}`;
    return facet.values.map((value) => (value === null ? "-" : `=${encodeURIComponent(value)}`)).join(",");
  }

  function facetOf(key, text, data) {
    const parts = text.split(",").filter(Boolean);
    if (key === "flags") {
      const unset = parts.filter((word) => word.startsWith("!")).map((word) => word.slice(1));
      return { type: "flags", set: parts.filter((word) => !word.startsWith("!")), unset };
    }
    const column = key.startsWith(FACET) ? data.table.find(key.slice(FACET.length)) : undefined;
    if (column === undefined) return null;
    if (text.includes("~")) {
      const [low, high] = text.split("~").map((word) => (word === "" ? undefined : Number(word)));
      return Number.isNaN(low) || Number.isNaN(high)
        ? null
        : { type: "range", column: column.name, low, high };
    }
    try {
      const values = parts.map((part) => (part === "-" ? null : decodeURIComponent(part.slice(1))));
      return { type: "among", column: column.name, values };
    } catch {
      return null; // somebody cut the link
    }
  }

  /** Return the state as text. */
  function writeFragment(state) {
    const { start } = Gallery.State;
    const words = new URLSearchParams();
    for (const name of PLAIN) {
      const value = name === "sort" && state.descending ? `-${state.sort}` : String(state[name]);
      if (value !== String(start[name])) words.set(name, value);
    }
    for (const [key, facet] of state.facets) words.set(key, facetText(facet));
    if (state.plots) words.set("plots", "1");
    if (state.current !== null) words.set("at", state.data.id(state.current));
    if (state.open) words.set("open", "1");
    return words.toString();
  }

  /** Bring a state to what a text says; what it does not know is left out. */
  function readFragment(text, state) {
    const words = new URLSearchParams(text.replace(/^#/, ""));
    state.clear();
    for (const [key, value] of words) {
      const facet = key === "flags" || key.startsWith(FACET) ? facetOf(key, value, state.data) : null;
      if (facet) state.setFacet(key, facet);
    }
    const { start } = Gallery.State;
    const changes = Object.fromEntries(PLAIN.map((name) => [name, words.get(name) ?? start[name]]));
    changes.descending = changes.sort.startsWith("-");
    if (changes.descending) changes.sort = changes.sort.slice(1);
    changes.size = Math.max(80, Math.min(900, Number(changes.size) || start.size));
    changes.plots = words.get("plots") === "1";
    state.set(changes);
    const at = words.get("at");
    if (at !== null) state.select(state.data.rowOf(at));
    state.set({ open: words.get("open") === "1" && state.current !== null });
  }

  Object.assign(Gallery, { writeFragment, readFragment, FACET });
}
