"use strict";
// The plots that people look at first, above the pictures.

{
  const { element, Scatter, Bars, oncePerFrame } = Gallery;

  const KINDS = [
    { title: "Reliability against S/N", x: "snr", y: "reliability", plot: Scatter },
    { title: "On the sky", x: "ra", y: "dec", mirrored: true, plot: Scatter },
    { title: "On the detector", x: "x", y: "y", plot: Scatter },
    { title: "Change of flux and S/N", x: "snr", y: "flux_change", plot: Scatter },
    { title: "PSF flux by band", x: "band", y: "psfFlux", plot: Scatter },
    { title: "Science flux against PSF flux", x: "psfFlux", y: "scienceFlux", plot: Scatter },
    { title: "Per visit", x: "visit", plot: Bars },
    { title: "Per detector", x: "detector", plot: Bars },
    { title: "Per band", x: "band", plot: Bars },
  ];

  class Plots {
    constructor(app) {
      this.app = app;
      this.root = element("section", { class: "plots", "aria-label": "Plots", hidden: true, tabindex: "0" });
      const draw = oncePerFrame(() => this.#draw());
      for (const event of ["rows", "look", "current"]) app.state.on(event, draw);
      app.settings.on("change", draw);
      new ResizeObserver(draw).observe(this.root);
      draw();
    }

    #draw() {
      this.root.hidden = !this.app.state.plots;
      if (this.root.hidden) return;
      this.plots ??= this.#make();
      for (const plot of this.plots) plot.draw();
    }

    /** Make the plots whose columns have values. */
    #make() {
      const has = (name) => {
        const column = name === undefined ? null : this.app.data.table.find(name);
        return (
          column === null ||
          (column !== undefined && (!column.isNumber || column.numbers.some(Number.isFinite)))
        );
      };
      const plots = KINDS.filter(({ x, y }) => has(x) && has(y)).map((kind) => new kind.plot(this.app, kind));
      this.root.replaceChildren(...plots.map((plot) => plot.root));
      return plots;
    }
  }

  Gallery.Plots = Plots;
}
