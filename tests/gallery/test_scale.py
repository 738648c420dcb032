"""A hundred thousand pictures from the disk."""

import pytest
from tests.gallery.directories import picture, rows

from lsst.analysis.ap.gallery import Items, PictureSet
from lsst.analysis.ap.gallery._page import write_page
from lsst.analysis.ap.gallery._png_texts import read_picture_facts

ROWS = 100_000

# Ours is measured against a bare page by benchmarks/gallery.py; here the limits are those that a person
# notices, and the best of some tries counts, since other tests run at the same time.
TIMED = """(changes) => {
  const times = [];
  for (const change of changes) {
    const start = performance.now();
    Gallery.app.state.set(change);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}"""


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    (folder / "picture.png").write_bytes(picture())
    facts = read_picture_facts(folder / "picture.png")
    pictures = PictureSet("many", [folder / "picture.png"] * ROWS, [facts] * ROWS)
    return write_page(Items("many", rows(ROWS), (pictures,)), folder / "out")


def test_a_hundred_thousand_pictures_open_filter_and_sort_at_once(open_page, index):
    page = open_page(index)
    page.wait_for_selector(".tile img")
    assert page.evaluate("performance.now()") < 5000
    assert page.evaluate("Gallery.app.state.rows.length") == ROWS
    conditions = [
        {"where": text} for text in ("snr > 5 and band == 'g'", "snr > 6 and not isDipole", "snr > 7")
    ]
    assert page.evaluate(TIMED, conditions * 2) < 100
    page.evaluate("Gallery.app.state.clear()")
    assert page.evaluate(TIMED, [{"sort": name} for name in ("snr", "diaSourceId", "band", "random")]) < 1000
    page.evaluate("Gallery.app.state.set({ sort: '', group: '' })")
    page.locator(".tiles").focus()
    page.keyboard.press("End")
    last = page.wait_for_selector(f"[aria-posinset='{ROWS}']")
    box, grid = last.bounding_box(), page.locator(".grid").bounding_box()
    assert grid["y"] <= box["y"] < box["y"] + box["height"] <= grid["y"] + grid["height"] + 1
    session = page.context.new_cdp_session(page)
    used = session.send("Runtime.getHeapUsage")
    assert used["usedSize"] + used.get("backingStorageSize", 0) < 300e6


def test_more_lines_than_a_browser_can_scroll_are_reached(open_page, index):
    """Large pictures make the list taller than what browsers draw right."""
    page = open_page(index, "size=900")
    assert page.evaluate("Gallery.app.grid.lines.total") > page.evaluate("Gallery.app.grid.lines.shown") > 1e6
    for key, place in (("End", ROWS), ("Home", 1), ("PageDown", None)):
        page.keyboard.press(key)
        page.wait_for_timeout(50)
        current = page.locator("[aria-selected=true]")
        if place:
            assert current.get_attribute("aria-posinset") == str(place)
        box, grid = current.bounding_box(), page.locator(".grid").bounding_box()
        assert grid["y"] - 1 <= box["y"] < grid["y"] + grid["height"]
    page.evaluate("document.querySelector('.grid').scrollTop = 4e6")
    page.wait_for_timeout(100)
    shown = [int(each.get_attribute("aria-posinset")) for each in page.locator(".tile").all()]
    assert 0.4 * ROWS < shown[0] < 0.6 * ROWS
    assert shown == list(range(shown[0], shown[-1] + 1))
