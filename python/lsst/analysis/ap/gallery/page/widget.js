// The same page within a notebook. It comes behind the other scripts in one module; pictures are bytes
// that come with the data, and what the page stores goes to Python, since a notebook's output has no
// storage that lasts.

/** Storage whose items Python keeps. */
class KernelStorage extends Gallery.Forgetful {
  constructor(model, items) {
    super();
    this.model = model;
    for (const [key, value] of items) super.setItem(key, value);
  }

  setItem(key, value) {
    super.setItem(key, value);
    this.model.send({ key, value });
  }

  removeItem(key) {
    super.removeItem(key);
    this.model.send({ key, value: null });
  }
}

/** Ask Python for what was stored earlier: another view of the same widget may have stored it. */
function storedItems(model) {
  return new Promise((resolve) => {
    const hear = (message) => {
      if (!message.items) return;
      model.off("msg:custom", hear);
      resolve(message.items);
    };
    model.on("msg:custom", hear);
    model.send({ ask: "items" });
  });
}

/** Addresses of the pictures, each made when it is first needed. */
function addressesOf(model) {
  const bytes = model.get("pictures");
  const places = new Map(model.get("places").map(([path, start, end]) => [path, [start, end]]));
  const made = new Map();
  const address = (path) => {
    if (!made.has(path)) {
      const [start, end] = places.get(path);
      const part = new Uint8Array(bytes.buffer ?? bytes, (bytes.byteOffset ?? 0) + start, end - start);
      made.set(path, URL.createObjectURL(new Blob([part], { type: "image/png" })));
    }
    return made.get(path);
  };
  return { address, forget: () => made.forEach((each) => URL.revokeObjectURL(each)) };
}

async function render({ model, el }) {
  const items = await storedItems(model);
  const data = new Gallery.Data(model.get("header"));
  model
    .get("columns")
    .forEach(([values, valid, texts], place) => data.table.columns[place].receive(values, valid, texts));
  model
    .get("sets")
    .forEach(([paths, frames, codes], place) => data.pictures[place].receive(paths, frames, codes));
  const { address, forget } = addressesOf(model);
  const frame = Gallery.element("div", { class: "zcg-frame", "data-lm-suppress-shortcuts": "true" });
  frame.style.height = model.get("height");
  el.append(frame);
  const app = new Gallery.App(frame, data, {
    address,
    storage: new KernelStorage(model, items),
    lasting: true,
  });
  // Keys of the notebook, such as b for a new cell, are not meant here.
  frame.addEventListener("keydown", (event) => event.stopPropagation());
  frame.galleryApp = app;
  return () => {
    forget();
    el.replaceChildren();
  };
}

export default { render };
