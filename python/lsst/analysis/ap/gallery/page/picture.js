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

  /** Left, top, width and height of a part of a picture. */
  function partOf(frame, show) {
    const panels = PANELS.map((name) => frame.panels[name]).filter(Boolean);
    if (frame.panels[show]) return frame.panels[show];
    if (show === "whole" || !panels.length) return [0, 0, frame.width, frame.height];
    const left = Math.min(...panels.map(([x]) => x));
    const top = Math.min(...panels.map(([, y]) => y));
    const right = Math.max(...panels.map(([x, , width]) => x + width));
    const bottom = Math.max(...panels.map(([, y, , height]) => y + height));
    return [left, top, right - left, bottom - top];
  }

  /** Height of a part over its width. */
  function aspectOf(frame, show) {
    const [, , width, height] = partOf(frame, show);
    return height / width;
  }

  /** Make an element that shows a part of a picture, as wide as its surroundings. */
  function pictureOf(pictures, row, show, text, host) {
    if (!pictures.has(row)) return element("span", { class: "no-picture" }, `no picture in ${pictures.name}`);
    const frame = pictures.frame(row);
    const [left, top, width, height] = partOf(frame, show);
    const image = element("img", { src: host.address(pictures.paths[row]), alt: text, draggable: "false" });
    image.style.width = `${(100 * frame.width) / width}%`;
    image.style.left = `${(-100 * left) / width}%`;
    image.style.top = `${(-100 * top) / height}%`;
    const box = element("span", { class: "picture" }, image);
    box.style.aspectRatio = `${width} / ${height}`;
    image.addEventListener("error", () =>
      box.replaceChildren(element("span", { class: "no-picture" }, "the file is gone")));
    return box;
  }

  Object.assign(Gallery, { PANELS, SHOWS, aspectOf, pictureOf });
}
