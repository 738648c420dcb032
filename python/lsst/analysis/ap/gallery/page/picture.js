"use strict";
// A picture, or the part of it that is wanted.

{
  const { element } = Gallery;

  const PANELS = ["template", "science", "difference"];
  const SHOWS = [
    ["panels", "Three panels"],
    ["whole", "Whole picture"],
    ["template", "Template"],
    ["science", "Science"],
    ["difference", "Difference"],
  ];

  /** The parts of a picture that are shown side by side: left, top, width and height of each. */
  function partsOf(frame, show) {
    const panels = PANELS.map((name) => frame.panels[name]).filter(Boolean);
    if (frame.panels[show]) return [frame.panels[show]];
    return show === "whole" || !panels.length ? [[0, 0, frame.width, frame.height]] : panels;
  }

  /** Height of what is shown over its width. */
  function aspectOf(frame, show) {
    const parts = partsOf(frame, show);
    return (
      Math.max(...parts.map(([, , , height]) => height)) / parts.reduce((sum, [, , width]) => sum + width, 0)
    );
  }

  /** Make an element that shows a picture or parts of it, as wide as its surroundings. */
  function pictureOf(pictures, row, show, text, host) {
    if (!pictures.has(row)) return element("span", { class: "no-picture" }, `no picture in ${pictures.name}`);
    const frame = pictures.frame(row);
    const address = host.address(pictures.paths[row]);
    const root = element("span", { class: "picture" });
    partsOf(frame, show).forEach(([left, top, width, height], place) => {
      // Each part is the whole image in a window of its own; the browser decodes the file once.
      const image = element("img", { src: address, alt: place ? "" : text, draggable: "false" });
      image.style.width = `${(100 * frame.width) / width}%`;
      image.style.left = `${(-100 * left) / width}%`;
      image.style.top = `${(-100 * top) / height}%`;
      image.addEventListener("error", () =>
        root.replaceChildren(element("span", { class: "no-picture" }, "the file is gone")),
      );
      const part = element("span", { class: "part" }, image);
      part.style.aspectRatio = `${width} / ${height}`;
      part.style.flexGrow = width;
      root.append(part);
    });
    return root;
  }

  Object.assign(Gallery, { PANELS, SHOWS, aspectOf, pictureOf });
}
