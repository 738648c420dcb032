"use strict";
// The one name that the files of the page share, and the few things that all of them need.
//
// The page opens from a disk, where browsers load no modules: each file is a classic script, keeps its
// own names inside a block, and puts what others may use into Gallery.

const Gallery = {};

{
  /**
   * Make an element. Strings among the children become text, never markup; so does everything that
   * comes from a catalogue.
   *
   * @param {string} tag - Its name.
   * @param {Object} properties - Attributes; `on` holds functions by event, `true` means no value.
   * @param {...(Node|string)} children - What it holds.
   */
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "on") {
        for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
      } else if (value === true) {
        made.setAttribute(name, "");
      } else if (value !== false && value !== null && value !== undefined) {
        made.setAttribute(name, value);
      }
    }
    made.append(...children);
    return made;
  }

  /** Make an element of SVG. */
  function vector(tag, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /** A button with a name that is read out and, where it has one, a key. */
  function button(text, act, properties = {}) {
    return element("button", { type: "button", on: { click: act }, ...properties }, text);
  }

  /** A field with its name in front. */
  function labelled(text, field, properties = {}) {
    return element("label", properties, element("span", {}, text), field);
  }

  /** A choice among [value, text] pairs. */
  function choice(pairs, chosen, act, properties = {}) {
    const options = pairs.map(([value, text]) =>
      element("option", { value, selected: value === chosen }, text),
    );
    return element(
      "select",
      { on: { change: (event) => act(event.target.value) }, ...properties },
      ...options,
    );
  }

  /** Do something at the next frame, once, however often it is asked for. */
  function oncePerFrame(act) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        act();
      });
    };
  }

  /** What others can listen to. */
  class Emitter {
    #listeners = new Map();

    on(event, act) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), act]);
    }

    emit(event, ...details) {
      for (const act of this.#listeners.get(event) ?? []) act(...details);
    }
  }

  const whole = new Intl.NumberFormat("en-GB");

  /** A count with separators: 12,345. */
  function count(number) {
    return whole.format(number);
  }

  /** A number in the few digits that a caption or an axis has room for, or in more where these are needed. */
  function brief(number, digits = 3) {
    if (!Number.isFinite(number)) return String(number);
    if (digits > 3) return String(Number(number.toPrecision(digits)));
    const size = Math.abs(number);
    if (size !== 0 && (size >= 1e6 || size < 1e-3)) return number.toExponential(1).replace("e+", "e");
    if (size >= 100) return String(Math.round(number));
    return String(Number(number.toPrecision(3)));
  }

  Object.assign(Gallery, { element, vector, button, labelled, choice, oncePerFrame, Emitter, count, brief });
}
