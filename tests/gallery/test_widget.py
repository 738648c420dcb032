"""The page within a notebook: the same scripts, with a kernel in place of the browser's storage."""

import base64
import sys

import pytest
from tests.gallery.waiting import wait_for

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.gallery import gallery_widget, read_items

anywidget = pytest.importorskip("anywidget", reason="anywidget is not installed")

MODEL = """
async ([esm, css, state]) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  const bytes = Uint8Array.from(atob(state.pictures), (letter) => letter.charCodeAt(0));
  state.pictures = new DataView(bytes.buffer);  // what Jupyter makes of bytes
  const listeners = new Set();
  const model = {
    get: (name) => state[name],
    on: (_, act) => listeners.add(act),
    off: (_, act) => listeners.delete(act),
    send: async (message) => {
      for (const answer of await tellKernel(message)) for (const act of [...listeners]) act(answer);
    },
  };
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  await widget.render({ model, el });
  window.app = el.querySelector(".zcg-frame").galleryApp;
}
"""


@pytest.fixture
def show(browser, directory):
    """A function that displays a widget in a page without a server."""
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    problems = []

    def display(widget):
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        answers = []
        widget.send = lambda content, buffers=None: answers.append(content)

        def tell_kernel(message):
            answers.clear()
            widget._hear(widget, message, [])
            return list(answers)

        page.expose_function("tellKernel", tell_kernel)
        state = {name: getattr(widget, name) for name in ("header", "columns", "sets", "places", "height")}
        state["pictures"] = base64.b64encode(widget.pictures).decode()
        page.evaluate(MODEL, [widget._esm, widget._css, state])
        return page

    yield display
    context.close()
    assert problems == []


def test_labels_given_in_a_notebook_come_back_as_a_table(show, directory, catalogue):
    widget = gallery_widget(read_items(directory))
    assert len(widget.labels) == 0
    page = show(widget)
    page.locator(".tiles").focus()
    order = page.evaluate("Array.from(app.state.rows, (row) => app.data.id(row))")
    for key in "rbbu":
        page.keyboard.press(key)
    page.keyboard.press("z")
    page.wait_for_timeout(100)
    labels = widget.labels
    assert labels["diaSourceId"].tolist() == [int(i) for i in order[:3]]
    assert labels["label"].tolist() == ["real", "bogus", "bogus"]
    assert set(labels["who"]) == {"me"}
    # Displayed again, it knows them.
    again = show(widget)
    assert again.evaluate("app.labels.countOf('me')") == 3


def test_pictures_come_with_the_widget(show, directory):
    page = show(gallery_widget(read_items(directory), height="500px"))
    wait_for(page, "[...document.querySelectorAll('.tile img')].every((image) => image.complete)")
    assert set(page.evaluate("[...document.querySelectorAll('.tile img')].map((i) => i.naturalWidth)")) == {
        670
    }
    assert page.locator(".zcg").bounding_box()["height"] == 500


def test_the_task_shows_what_it_made(task, one_detector, tmp_path):
    result = task.run(one_detector, tmp_path / "pictures")
    by_result, by_path = task.gallery(result), task.gallery(tmp_path / "pictures")
    assert by_result.header == by_path.header
    assert by_result.header["rows"] == len(one_detector)
    assert len(by_result.columns) >= len(one_detector.columns)  # every column of the catalogue


def test_without_anywidget_it_says_what_to_install(directory, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "lsst.analysis.ap.gallery._widget_class", raising=False)
    with pytest.raises(CutoutsError, match="anywidget"):
        gallery_widget(read_items(directory))


def test_too_many_pictures_are_refused(directory, monkeypatch):
    monkeypatch.setattr("lsst.analysis.ap.gallery._widget._MOST", 50)
    with pytest.raises(CutoutsError, match="60 pictures; a notebook shows up to 50"):
        gallery_widget(read_items(directory))
