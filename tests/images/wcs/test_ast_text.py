"""Damaged AST text never reaches AST, which it can crash."""

import re

import pytest

from lsst.analysis.ap.images.fits._afw_archive import read_sky_wcs_text
from lsst.analysis.ap.images.fits._bytes import LocalBytes
from lsst.analysis.ap.images.fits._hdus import HduList
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
