"use strict";
// Starts the page, and ties it to its address and to other tabs.

{
  const { App, browserStorage, readFragment, writeFragment } = Gallery;

  document.title = Gallery.data.title;
  const host = { address: (path) => path, ...browserStorage() };
  const app = new App(document.body, Gallery.data, host);
  document.getElementById("waiting").remove();
  readFragment(location.hash, app.state);

  let written = location.hash.slice(1);
  const write = () => {
    written = writeFragment(app.state);
    history.replaceState(null, "", `#${written}`);
  };
  let waiting;
  app.state.on("choice", () => {
    clearTimeout(waiting);
    waiting = setTimeout(write, 150); // browsers slow down pages that change their address too often
  });
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) !== written) readFragment(location.hash, app.state);
  });
  addEventListener("storage", (event) => app.labels.heard(event.key, event.newValue));
  app.grid.inner.focus({ preventScroll: true });
  Gallery.app = app;
}
