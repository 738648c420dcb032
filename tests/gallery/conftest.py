import os
import shutil
from contextlib import contextmanager

import pytest
from tests.gallery.directories import fill, rows
from tests.gallery.waiting import wait_for

from lsst.analysis.ap.gallery import read_items
from lsst.analysis.ap.gallery._page import write_page

START = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""How Chromium starts: as root too, and without a word to the network."""


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium, or name one in the variable CHROMIUM")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=START)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A function that opens a page; at the end nothing may have gone wrong in it, or asked the network."""
    with watched(browser) as opened:
        yield opened


@contextmanager
def watched(browser):
    problems, contexts = [], []

    def look(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            problems.append(f"asked for {request.url}")

    def heard(message):
        # What a test, or axe, tries in the page and the policy forbids is no fault of the page.
        if message.type == "error" and "This document requires 'Trusted" not in message.text:
            problems.append(message.text)

    def opened(path, fragment="", context=None, **options):
        if context is None:
            context = browser.new_context(viewport={"width": 1200, "height": 800}, **options)
            contexts.append(context)
            context.on("request", look)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"error {error}"))
        page.on("console", heard)
        page.goto(path.absolute().as_uri() + (f"#{fragment}" if fragment else ""))
        wait_for(page, "Gallery.app !== undefined")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture(scope="session")
def catalogue():
    """Sixty sources."""
    return rows(60)


@pytest.fixture(scope="session")
def directory(catalogue, tmp_path_factory):
    """A directory with their pictures; not to be changed."""
    return fill(tmp_path_factory.mktemp("gallery") / "pictures", catalogue)


@pytest.fixture(scope="session")
def index(directory, tmp_path_factory):
    """The page that shows them."""
    return write_page(read_items(directory), tmp_path_factory.mktemp("page") / "out")


@pytest.fixture(scope="session")
def write(tmp_path_factory):
    """A function that makes a directory of a table and its page."""

    def make(table, **options):
        folder = tmp_path_factory.mktemp("gallery")
        return write_page(read_items(fill(folder / "pictures", table)), folder / "out", **options)

    return make
