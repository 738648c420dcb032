"""The words that stand for flags in a picture, as data."""

__all__ = ("FLAG_MEANINGS", "FLAG_WORDS", "LABEL_FLAGS", "FlagWord")

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FlagWord:
    """A word that appears when one of its flags is set."""

    word: str
    """What is written."""
    columns: tuple[str, ...]
    """Columns that make it appear."""
    color: str
    """Wanted colour, that of afw's mask plane where there is one."""
    line: int
    """Text row, counted from 0 at the top."""
    x: int
    """Left end, in screen pixels from the left edge of the text."""


def _pixel(name: str, *, center: bool = False) -> tuple[str, ...]:
    """Return the columns of a pixel flag: anywhere in the footprint, and at its centre."""
    return (f"pixelFlags_{name}", f"pixelFlags_{name}Center") if center else (f"pixelFlags_{name}",)


FLAG_WORDS: Final[tuple[FlagWord, ...]] = (
    FlagWord("NODATA", _pixel("nodata", center=True), "orange", 1, 552),
    FlagWord("OFF", _pixel("offimage"), "darkcyan", 1, 618),
    FlagWord("EDGE", _pixel("edge"), "goldenrod", 2, 334),
    FlagWord("INTERP", _pixel("interpolated", center=True), "green", 2, 379),
    FlagWord("SAT", _pixel("saturated", center=True), "green", 2, 438),
    FlagWord("CR", _pixel("cr", center=True), "magenta", 2, 471),
    FlagWord("BAD", _pixel("bad"), "red", 2, 497),
    FlagWord("DIPOLE", ("isDipole",), "indigo", 2, 534),
    FlagWord("NEG", ("isNegative",), "darkcyan", 2, 593),
    FlagWord("SUS", _pixel("suspect", center=True), "goldenrod", 3, 334),
    FlagWord("CENTROID", ("centroid_flag",), "red", 3, 369),
    FlagWord("CEN+", ("slot_Centroid_pos_flag",), "chocolate", 3, 450),
    FlagWord("CEN-", ("slot_Centroid_neg_flag",), "blue", 3, 496),
    FlagWord(
        "SHAPE",
        ("shape_flag", "shape_flag_no_pixels", "shape_flag_not_contained", "shape_flag_parent_source"),
        "red",
        3,
        537,
    ),
    FlagWord("INJ", _pixel("injected", center=True), "indigo", 3, 592),
    FlagWord("INJT", _pixel("injected_template", center=True), "indigo", 3, 619),
    FlagWord("STREAK", _pixel("streak", center=True), "chocolate", 4, 526),
    FlagWord("GLINT", ("glint_trail",), "chocolate", 4, 589),
)
"""Every flag word, each at its own place in the text rows of a picture, those of a row six pixels apart.

Colours are those of afw's mask planes (goldenrod for its yellow); what is
unreadable on the background is made darker or lighter when drawn.
"""

FLAG_MEANINGS: Final[Mapping[str, str]] = {
    "NODATA": "The footprint has pixels without data.",
    "OFF": "The centre lies off the image.",
    "EDGE": "The footprint reaches the edge of the detector or of the template.",
    "INTERP": "Pixels were interpolated over.",
    "SAT": "Pixels are saturated.",
    "CR": "A cosmic ray was found in the footprint.",
    "BAD": "The footprint has pixels known to be bad.",
    "DIPOLE": "A positive and a negative lobe side by side: most often a source that moved, or images that "
    "were not quite aligned.",
    "NEG": "The source is negative in the difference: fainter now than in the template.",
    "SUS": "Pixels are close to saturation, where the detector is no longer linear.",
    "CENTROID": "The position could not be measured well.",
    "CEN+": "The position of the positive lobe could not be measured.",
    "CEN-": "The position of the negative lobe could not be measured.",
    "SHAPE": "The shape could not be measured well.",
    "INJ": "A synthetic source was injected into the science image here.",
    "INJT": "A synthetic source was injected into the template here.",
    "STREAK": "The trail of a satellite or aeroplane crosses the footprint.",
    "GLINT": "One of several flashes in a line: a tumbling satellite.",
}
"""What each flag word tells."""

LABEL_FLAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "psf": ("psfFlux_flag", "psfFlux_flag_noGoodPixels", "psfFlux_flag_edge"),
    "ap": ("apFlux_flag", "apFlux_flag_apertureTruncated"),
    "total": ("forced_PsfFlux_flag", "forced_PsfFlux_flag_noGoodPixels", "forced_PsfFlux_flag_edge"),
}
"""Columns that turn the label of a flux measurement red."""
