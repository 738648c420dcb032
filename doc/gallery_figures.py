"""Take the pictures of the gallery that the documentation shows.

``make figures`` runs it. They come from the demo's sky, by the same steps as
a user's, and need a Chromium.
"""

__all__ = ("FOLDER", "VIEWS", "draw_gallery")

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask
from lsst.analysis.ap.demo import make_demo
from lsst.analysis.ap.gallery import make_gallery
from lsst.analysis.ap.sources import Selection, SqlApdb

FOLDER = Path(__file__).parent / "figures" / "gallery"


class View(NamedTuple):
    """What a picture of the page shows."""

    fragment: str = ""
    """Fragment of the address."""

    keys: tuple[str, ...] = ()
    """Keys that are pressed."""

    button: str | None = None
    """A button that is pressed after them."""

    page: str = "sky"
    """Which page."""

    width: int = 1280
    height: int = 800
    scheme: str = "light"


VIEWS: dict[str, View] = {
    "grid": View("sort=-reliability", ("r", "r", "b", "r", "u")),
    "plots": View("plots=1&where=snr > 8&sort=-snr", scheme="dark"),
    "groups": View("group=diaObjectId&sort=-snr&show=whole&size=380"),
    "large": View("sort=-snr&open=1", ("ArrowRight", "ArrowRight")),
    "blink": View("sort=-snr&open=1", ("ArrowRight", "ArrowRight", " ", " ", " "), scheme="dark"),
    "agreement": View("sort=-reliability", tuple("rrbrubrrbr"), "Agreement"),
    "comparison": View(page="comparison"),
    "numbers": View(page="comparison", button="Numbers"),
    "narrow": View("sort=-reliability", ("r", "b"), width=360, height=720),
    "keys": View(keys=("?",)),
}


def draw_gallery() -> None:
    """Write every picture of the gallery, if there is a browser."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print("The figures of the gallery stay as they are: they need Chromium and playwright.")
        return
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.jpg"):
        path.unlink()
    with tempfile.TemporaryDirectory() as root, sync_playwright() as running:
        pages = make_pages(Path(root))
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, view in VIEWS.items():
            take(browser, pages[view.page], view, FOLDER / f"{name}.jpg")
        browser.close()


def make_pages(root: Path) -> dict[str, Path]:
    """Make the pictures of two runs over one sky, and the pages that show them."""
    from lsst.daf.butler import Butler

    demo = make_demo(root / "demo", visits=2, other_run=True)
    assert demo.other is not None
    for name, run, annotated in (("sky", demo, True), ("before", demo, False), ("after", demo.other, False)):
        config = ZooniverseCutoutsConfig()
        config.addMetadata = annotated
        butler = Butler.from_config(run.repo, collections=run.collection)
        sources = SqlApdb.from_sqlite(run.apdb).read(Selection())
        ZooniverseCutoutsTask(config, butler=butler).run(sources, root / name, progress=False)
    return {
        "sky": make_gallery(root / "sky", title="A night's DiaSources"),
        "comparison": make_gallery(root / "before", root / "after"),
    }


def take(browser: Any, page: Path, view: View, path: Path) -> None:
    """Open a page, do what the view wants, and write what is seen."""
    size = {"width": view.width, "height": view.height}
    context = browser.new_context(viewport=size, color_scheme=view.scheme)
    shown = context.new_page()
    shown.goto(f"{page.as_uri()}#{view.fragment}")
    shown.wait_for_function("Gallery.app !== undefined")
    if view.button == "Agreement":
        shown.evaluate(SECOND_PERSON)
    for key in view.keys:
        shown.keyboard.press(key)
    if view.button is not None:
        shown.get_by_role("button", name=view.button).click()
    shown.wait_for_function("[...document.querySelectorAll('img')].every((image) => image.complete)")
    shown.wait_for_timeout(300)  # two frames, on a busy machine
    shown.screenshot(path=path, type="jpeg", quality=82)
    context.close()


SECOND_PERSON = """() => {
  const { state, data, labels } = Gallery.app;
  const words = ["real", "real", "bogus", "real", "bogus", "bogus", "real", "real", "real", "real"];
  words.forEach((word, place) => labels.label("Ada", data.id(state.rows[place]), word));
}"""

if __name__ == "__main__":
    draw_gallery()
