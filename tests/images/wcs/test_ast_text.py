"""Damaged AST text never reaches AST, which it can crash."""

import re
import time

import pytest

from lsst.analysis.ap.images.fits._afw_archive import read_sky_wcs_text
from lsst.analysis.ap.images.fits._bytes import LocalBytes
from lsst.analysis.ap.images.fits._hdus import HduList
from lsst.analysis.ap.images.wcs import _ast_text
from lsst.analysis.ap.images.wcs._ast_text import check_ast_text


@pytest.fixture(scope="module")
def text(afw_files):
    return read_sky_wcs_text(HduList(LocalBytes(str(afw_files["calexp"]))))


def test_text_of_afw_is_fine(text):
    check_ast_text(text)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "no end"),
        (lambda text: text.replace("End CmpMap", "End UnitMap", 1), "did not begin"),
        (lambda text: text.replace("End CmpMap", "z  End CmpMap", 1), r"line \d+ is"),
        (lambda text: text.replace("Nin", "N\0n", 1), r"line \d+ is"),
        (lambda text: text + "\nNin = 2\n", "follows the end"),
        (lambda text: "Nin = 2\n" + text, "belongs to nothing"),
    ],
)
def test_damage_to_the_form(text, damage, words):
    with pytest.raises(ValueError, match=words):
        check_ast_text(damage(text))


@pytest.mark.parametrize(
    "damage",
    [
        # These crash AST, want more memory than there is, or are errors.
        lambda text: text.replace("MapB =", "MamB =", 1),
        lambda text: text.replace("Frm3 =", "Frm5 =", 1),
        lambda text: re.sub(r"\n\s*Naxes = 2", "", text, count=1),
        lambda text: re.sub(r"Nin = \d", "Nin = 33333333", text, count=1),
    ],
)
def test_damage_to_the_meaning(text, damage):
    with pytest.raises(ValueError, match="is damaged"):
        check_ast_text(damage(text))


@pytest.fixture
def trials(monkeypatch):
    """Return the texts that AST is tried with."""
    tried = []
    monkeypatch.setattr(_ast_text, "try_ast_text", tried.append)
    check_ast_text.cache_clear()
    yield tried
    check_ast_text.cache_clear()


def test_each_text_is_tried_once(text, trials):
    other = re.sub(r"SRef1 = \S+", "SRef1 = 1.0e300", text)
    assert other != text
    for each in (text, other, text, other):
        check_ast_text(each)
    assert trials == [text, other]


def test_long_lines_of_blanks_take_no_time(trials):
    start = time.perf_counter()
    with pytest.raises(ValueError, match="line 1 is"):
        check_ast_text("Begin" + " " * 1_000_000 + "!")
    with pytest.raises(ValueError, match="has 16777217 characters"):
        check_ast_text(" " * (2**24 + 1))
    assert time.perf_counter() - start < 1.0
