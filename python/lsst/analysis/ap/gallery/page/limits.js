"use strict";
// Two pictures between the same limits, where each was made with its own.
//
// A page that was opened from a disk may show pixels but not read them. So a filter of SVG is put over a
// panel, which turns each colour into that of the same value between other limits. Both pictures know the
// values between the narrower limits, and no more: those are the common ones.

{
  const { vector, PANELS } = Gallery;

  const STRETCHES = {
    linear: { to: (x) => x, from: (y) => y },
    sqrt: { to: Math.sqrt, from: (y) => y * y },
    // The a of astropy.visualization.LogStretch is 1000.
    log: { to: (x) => Math.log(1000 * x + 1) / Math.log(1001), from: (y) => (1001 ** y - 1) / 1000 },
  };

  function asinh(a) {
    const scale = Math.asinh(1 / a);
    return { to: (x) => Math.asinh(x / a) / scale, from: (y) => Math.sinh(y * scale) * a };
  }

  /** The level of a colour map that a level becomes between other limits. */
  function relevel(level, stretch, own, common) {
    // matplotlib gives the level n to what lies between n / 256 and (n + 1) / 256.
    const value = own[0] + stretch.from((level + 0.5) / 256) * (own[1] - own[0]);
    const part = (value - common[0]) / (common[1] - common[0]);
    return Math.min(255, Math.floor(256 * stretch.to(Math.max(0, Math.min(1, part)))));
  }

  /** The level of a colour map that each of the 256 intensities of one of its colours stands for. */
  function levelsOf(channel) {
    const table = new Array(256);
    let level = 0;
    for (let intensity = 0; intensity < 256; intensity++) {
      while (level < 255 && Math.abs(channel[level + 1] - intensity) <= Math.abs(channel[level] - intensity))
        level++;
      // Of levels that share an intensity the middle one counts.
      const first = channel.indexOf(channel[level]);
      table[intensity] = (first + level) >> 1;
    }
    return table;
  }

  /** Which of red, green and blue tells most levels apart. */
  function clearest(map) {
    const counts = map.map((channel) => new Set(channel).size);
    return counts.indexOf(Math.max(...counts));
  }

  const COARSEST = 32; // how many times narrower the common limits may be; then 8 levels of colour are left

  /** Keep what is no level of the map, as the bar and the hatching: it is redder or bluer than any level. */
  function overlays(map) {
    const excess = map[0].map((red, level) => (red - map[2][level]) / 255);
    return [
      [1, Math.max(...excess)],
      [-1, -Math.min(...excess)],
    ].map(([sign, most]) =>
      vector("feColorMatrix", {
        in: "SourceGraphic",
        type: "matrix",
        result: `overlay${sign}`,
        values: `1 0 0 0 0  0 1 0 0 0  0 0 1 0 0  ${20 * sign} 0 ${-20 * sign} 0 ${-20 * (most + 0.05)}`,
      }),
    );
  }

  /** The filter that turns each level of a map into another. */
  function filterOf(id, map, levels) {
    const source = clearest(map);
    const pick = [0, 1, 2].map((channel) => (channel === source ? 1 : 0)).join(" ");
    const found = levelsOf(map[source]);
    const functions = ["R", "G", "B"].map((letter, i) => {
      const values = found.map((level) => (map[i][levels[level]] / 255).toFixed(4));
      return vector(`feFunc${letter}`, { type: "table", tableValues: values.join(" ") });
    });
    return vector(
      "filter",
      { id, "color-interpolation-filters": "sRGB", x: 0, y: 0, width: 1, height: 1 },
      vector("feColorMatrix", { type: "matrix", values: `${pick} 0 0 ${pick} 0 0 ${pick} 0 0 0 0 0 1 0` }),
      vector("feComponentTransfer", { result: "levels" }, ...functions),
      ...overlays(map),
      vector(
        "feMerge",
        {},
        ...["levels", "overlay1", "overlay-1"].map((each) => vector("feMergeNode", { in: each })),
      ),
    );
  }

  let number = 0;

  class CommonLimits {
    constructor(data) {
      this.data = data;
      this.filters = new Map();
      this.defs = vector("defs");
      this.root = vector("svg", { width: 0, height: 0, "aria-hidden": "true", class: "unseen" }, this.defs);
      this.name = `zcg-limits-${++number}`;
    }

    /** The limits of a panel of a row in one set; null where they are not known. */
    #own(set, row, panel) {
      const suffix = set === 0 ? "_before" : "";
      const ends = ["min", "max"].map(
        (end) => this.data.table.find(`${panel}_${end}${suffix}`)?.number(row) ?? NaN,
      );
      return this.data.pictures[set].has(row) && ends.every(Number.isFinite) ? ends : null;
    }

    /** Limits within those of both pictures of a row; null where they would be too narrow for one of them. */
    common(row, panel) {
      const both = [0, 1].map((set) => this.#own(set, row, panel));
      if (both.includes(null)) return null;
      const limits = [Math.max(both[0][0], both[1][0]), Math.min(both[0][1], both[1][1])];
      const widest = Math.max(...both.map(([low, high]) => high - low));
      return (limits[1] - limits[0]) * COARSEST >= widest ? limits : null;
    }

    /**
     * Put the common limits on the parts of a picture, which are its three panels or one of them.
     *
     * @returns Whether all of them have common limits now.
     */
    apply(node, set, row, show) {
      const shown = show === "panels" ? PANELS : [show];
      let all = true;
      [...node.querySelectorAll(".part")].forEach((part, place) => {
        const id = this.#filter(set, row, shown[place]);
        part.style.filter = id === null ? "" : `url(#${id})`;
        all &&= id !== null;
      });
      return all;
    }

    #filter(set, row, panel) {
      const common = PANELS.includes(panel) ? this.common(row, panel) : null;
      const colors = this.data.pictures[set].colors[panel];
      const kind = this.data.pictures[set].frame(row)?.stretches?.[panel];
      const stretch = kind === "asinh" ? asinh(colors?.a) : STRETCHES[kind];
      if (common === null || !colors || !stretch) return null;
      const id = `${this.name}-${set}-${row}-${panel}`;
      if (!this.filters.has(id)) {
        if (this.filters.size > 3000) this.#forget();
        const own = this.#own(set, row, panel);
        const levels = Array.from({ length: 256 }, (_, level) => relevel(level, stretch, own, common));
        this.filters.set(id, filterOf(id, colors.map, levels));
        this.defs.append(this.filters.get(id));
      }
      return id;
    }

    #forget() {
      this.filters.clear();
      this.defs.replaceChildren();
    }
  }

  Object.assign(Gallery, {
    CommonLimits,
    relevel,
    stretchOf: (kind, a) => (kind === "asinh" ? asinh(a) : STRETCHES[kind]),
  });
}
