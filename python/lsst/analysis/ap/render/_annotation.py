"""What is written above the panels: the catalogue row as text in its places."""

__all__ = (
    "RELIABILITY_LINE",
    "RELIABILITY_WIDTH",
    "RELIABILITY_X",
    "TextItem",
    "annotation",
    "labels",
    "printable",
    "reliability",
)

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ._colors import RGB, Ink
from ._flags import FLAG_WORDS, LABEL_FLAGS
from ._numbers import ab_magnitude, fit_number, number, truth, whole_number


class TextItem(NamedTuple):
    """A word or number at its place in the text rows.

    Places are those of text of the usual size.
    """

    text: str
    line: int
    """Text row, counted from 0 at the top."""
    x: int
    """Left end of the place, or its right end where ``right`` is set, in
    screen pixels from the left edge of the text rows."""
    width: int
    """Room; longer text is written smaller."""
    color: RGB
    bold: bool = False
    right: bool = False
    number: bool = False
    """Whether ``text`` consists of `NUMBER_CHARACTERS` and is known to fit."""


# Text row, left end, width and wording of the labels that never change.
_LABELS = (
    (0, 0, 81, "diaSourceId:"),
    (0, 376, 60, "detector:"),
    (0, 472, 33, "visit:"),
    (1, 0, 21, "ra:"),
    (1, 127, 30, "dec:"),
    (1, 274, 94, "detection S/N:"),
    (1, 430, 60, "PSF chi2:"),
    (2, 160, 21, "+/-"),
    (3, 160, 21, "+/-"),
    (4, 160, 21, "+/-"),
    (2, 252, 27, "S/N:"),
    (3, 252, 27, "S/N:"),
    (4, 252, 27, "S/N:"),
    (4, 334, 53, "ABmag:"),
    (5, 0, 81, "diaObjectId:"),
    (5, 248, 75, "ssObjectId:"),
    (5, 494, 56, "MJD TAI:"),
)

# Text row, left end, width and column of the whole numbers.
_IDENTIFIERS = (
    (0, 84, 152, "diaSourceId"),
    (0, 439, 27, "detector"),
    (0, 508, 106, "visit"),
    (5, 84, 152, "diaObjectId"),
    (5, 326, 152, "ssObjectId"),
)

# Text row, label, columns of flux and error, and the flags of the label.
_FLUXES = (
    (2, "PSF (nJy):", "psfFlux", "psfFluxErr", LABEL_FLAGS["psf"]),
    (3, "ap (nJy):", "apFlux", "apFluxErr", LABEL_FLAGS["ap"]),
    (4, "total (nJy):", "scienceFlux", "scienceFluxErr", LABEL_FLAGS["total"]),
)

RELIABILITY_LINE, RELIABILITY_X, RELIABILITY_WIDTH = 4, 448, 68

# Width of a digit and of all but the plus sign, at the usual size of text.
_DIGIT_WIDTH = 8


def labels(ink: Ink) -> Iterator[TextItem]:
    """Yield what stands in every picture with metadata."""
    for line, x, width, text in _LABELS:
        yield TextItem(text, line, x, width, ink.label)


def reliability(row: Mapping[str, Any]) -> float | None:
    """Return the reliability of a source; `None` when the catalogue has none."""
    return number(row.get("reliability"))


def annotation(row: Mapping[str, Any], ink: Ink) -> Iterator[TextItem]:
    """Yield what the catalogue row adds to the labels.

    ``row``: values by APDB column name; any may be missing or null, and leaves its place empty. Yields: a
    value, a flag word or the label of a flux, at its fixed place.
    """
    yield from _identity(row, ink)
    for line, x, width, right, text in _numbers(row):
        if text:
            yield TextItem(text, line, x, width, ink.text, False, right, True)
    for line, text, _, _, columns in _FLUXES:
        flagged = any(truth(row.get(column)) for column in columns)
        yield TextItem(text, line, 0, 84, ink.warning if flagged else ink.label, flagged)
    for flag in FLAG_WORDS:
        for column in flag.columns:
            if truth(row.get(column)):
                yield TextItem(flag.word, flag.line, flag.x, 90, ink.flag(flag.color), True)
                break
    score = reliability(row)
    if score is not None:
        color = ink.likely if score >= 0.5 else ink.unlikely
        text = f"RB:{fit_number(score, 6, 3)}"
        # Outside 0 to 1 it is longer than its place, and written smaller.
        fits = 0 <= score <= 1
        yield TextItem(text, RELIABILITY_LINE, RELIABILITY_X, RELIABILITY_WIDTH, color, True, number=fits)


def _identity(row: Mapping[str, Any], ink: Ink) -> Iterator[TextItem]:
    """Yield what says which source, object, image and band it is."""
    for line, x, width, name in _IDENTIFIERS:
        found = whole_number(row.get(name))
        # The APDB writes 0 where a source belongs to no object of that kind.
        if found is not None and (found or line == 0):
            text = str(found)
            yield TextItem(text, line, x, width, ink.text, number=len(text) * _DIGIT_WIDTH <= width)
    for x, width, name, bold in ((248, 122, "instrument", True), (622, 28, "band", False)):
        value = row.get(name)
        if isinstance(value, str) and (text := printable(value)):
            yield TextItem(text, 0, x, width, ink.text, bold)


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[int, int, int, bool, str]]:
    """Yield row, x, width, right-aligned and text of the measured values."""
    get = row.get
    ra, dec = number(get("ra")), number(get("dec"))
    yield 1, 24, 93, False, "" if ra is None else fit_number(ra, 12, 8)
    yield 1, 158, 100, False, "" if dec is None else f"{dec:+.8f}"[:12]
    yield 1, 370, 50, False, fit_number(number(get("snr")), 6, 1)
    chi2, count = number(get("psfChi2")), number(get("psfNdata"))
    per_degree = chi2 / count if chi2 is not None and count else None
    yield 1, 492, 50, False, fit_number(per_degree, 6, 2)
    for line, _, flux_name, error_name, _ in _FLUXES:
        flux, error = number(get(flux_name)), number(get(error_name))
        yield line, 156, 82, True, fit_number(flux, 10, 1)
        yield line, 246, 64, True, fit_number(error, 8, 1)
        ratio = abs(flux / error) if flux is not None and error else None
        yield line, 328, 49, True, fit_number(ratio, 6, 2)
    yield 4, 438, 50, True, ab_magnitude(number(get("scienceFlux")))
    # A hundred-thousandth of a day is less than a second.
    yield 5, 552, 96, False, fit_number(number(get("midpointMjdTai")), 11, 5)


@lru_cache(maxsize=1024)
def printable(text: str) -> str:
    """Return a text on one line, with question marks for other letters than Latin ones."""
    return "".join(c if c.isprintable() and c < "\u0250" else "?" for c in " ".join(text.split()))
