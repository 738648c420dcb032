"use strict";
// Scales of axes: numbers to places from 0 to 1 and back.

{
  const { brief } = Gallery;

  const TRANSFORMS = {
    linear: { to: (x) => x, from: (x) => x },
    log: { to: Math.log10, from: (x) => 10 ** x },
  };

  /** A scale that is linear around zero and logarithmic far from it, for fluxes of both signs. */
  function asinh(unit) {
    return { to: (x) => Math.asinh(x / unit), from: (x) => Math.sinh(x) * unit };
  }

  /** Choose a transform by how values are spread: the quartiles against the extremes. */
  function transformFor(values) {
    const [low, high] = [values[0], values[values.length - 1]];
    const at = (part) => values[Math.min(values.length - 1, Math.floor(part * values.length))];
    const middle = at(0.75) - at(0.25);
    if (middle <= 0 || high - low < 20 * middle) return TRANSFORMS.linear;
    return low > 0 ? TRANSFORMS.log : asinh(Math.max(Math.abs(at(0.5)), middle) / 2);
  }

  class Scale {
    /** @param {Float64Array|number[]} numbers - What it must show; NaN and infinities are left out. */
    constructor(numbers) {
      const values = Float64Array.from(numbers).filter(Number.isFinite).sort();
      this.count = values.length;
      this.low = values.length ? values[0] : 0;
      this.high = values.length ? values[values.length - 1] : 1;
      this.transform = values.length ? transformFor(values) : TRANSFORMS.linear;
      const [a, b] = [this.transform.to(this.low), this.transform.to(this.high)];
      this.start = a;
      this.length = b - a || 1;
    }

    /** Where a number lies: 0 at the low end, 1 at the high end; NaN where there is none. */
    place(number) {
      return (this.transform.to(number) - this.start) / this.length;
    }

    /** The number at a place. */
    number(place) {
      return this.transform.from(this.start + place * this.length);
    }

    /** How many digits tell the number at a place from that a part of the axis further on. */
    #digits(place, part) {
      const [size, step] = [this.number(place), this.number(place + part) - this.number(place)].map(Math.abs);
      if (size === 0 || step === 0) return 3;
      return Math.min(15, Math.max(3, Math.ceil(Math.floor(Math.log10(size)) + 1 - Math.log10(step))));
    }

    /** The number at a place, with no more digits than places differ by that can be pointed at. */
    rounded(place) {
      return Number(this.number(place).toPrecision(this.#digits(place, 0.003)));
    }

    /** Some places with the text that stands there. */
    ticks(number) {
      const places = Array.from({ length: number }, (_, i) => i / (number - 1 || 1));
      return places.map((place) => [place, brief(this.number(place), this.#digits(place, 0.1))]);
    }
  }

  Gallery.Scale = Scale;
}
