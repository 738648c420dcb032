"""What can be asked of DiaSources: the one description of each condition.

From here come the options of the commands, the fields of `~lsst.analysis.ap.sources.config.SelectionConfig`
and, through `~lsst.analysis.ap.sources.make_selection`, the fields of `~lsst.analysis.ap.sources.Selection`.
This module imports nothing, so that a command can say its options at once.
"""

__all__ = ("CRITERIA", "Criterion", "Takes")

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Takes(Enum):
    """What the value of a criterion is."""

    NUMBER = "a number"
    COUNT = "a whole number from 1"
    INTEGER = "a whole number"
    INTEGERS = "whole numbers", True
    WORDS = "words", True
    STRATA = "columns, as band or reliability:10", True
    TIME = "an MJD, or a date such as 2026-01-10T12:00:00; TAI"
    CONDITION = "a condition"
    IDENTIFIERS = "a file, or numbers with commas"
    CIRCLE = "right ascension, declination and radius in degrees, such as 53.1,-27.8,0.5"
    POLYGON = "right ascension and declination of each corner in degrees"
    SWITCH = "yes or no"

    def __init__(self, words: str, is_list: bool = False) -> None:
        self.words = words
        """The same as a phrase, for messages."""
        self.is_list = is_list
        """Whether it may be given several times, and all of it counts."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition on DiaSources, or one choice among them."""

    name: str
    """Its name in words, joined by underscores."""
    takes: Takes
    """What its value is."""
    doc: str
    """What it asks for: a phrase with a small letter and no full stop."""
    shown: str
    """What stands for its value in a line of usage."""
    fills: str
    """Field of `~lsst.analysis.ap.sources.Selection` that its value fills."""
    in_pipeline: bool = True
    """Whether the pipeline has it: not what its data query says, nor what looks beyond one detector."""

    @property
    def field(self) -> str:
        """Its name as a configuration field, such as ``reliabilityMin``."""
        first, *others = self.name.split("_")
        return first + "".join(word.capitalize() for word in others)


def _ask(
    name: str, takes: Takes, doc: str, shown: str, fills: str = "", *, pipeline: bool = True
) -> Criterion:
    return Criterion(name, takes, doc, shown, fills or name, pipeline)


CRITERIA: Final = (
    _ask("ids", Takes.IDENTIFIERS, "diaSourceIds: a file, or numbers with commas", "FILE"),
    _ask(
        "object_ids",
        Takes.IDENTIFIERS,
        "all sources of these diaObjectIds: a file, or numbers with commas",
        "FILE",
    ),
    _ask("reliability_min", Takes.NUMBER, "least reliability", "R"),
    _ask("reliability_max", Takes.NUMBER, "greatest reliability", "R"),
    _ask("snr_min", Takes.NUMBER, "least signal-to-noise ratio of the detection, of either sign", "S"),
    _ask("snr_max", Takes.NUMBER, "greatest signal-to-noise ratio of the detection, of either sign", "S"),
    _ask("band", Takes.WORDS, "bands", "NAME[,NAME]", "bands", pipeline=False),
    _ask("visit", Takes.INTEGERS, "visit IDs", "N[,N]", "visits", pipeline=False),
    _ask("detector", Takes.INTEGERS, "detector IDs", "N[,N]", "detectors", pipeline=False),
    _ask(
        "time_min",
        Takes.TIME,
        "earliest middle of the exposure: MJD, or 2026-01-10T12:00:00; TAI",
        "T",
        pipeline=False,
    ),
    _ask("time_max", Takes.TIME, "latest middle of the exposure", "T", pipeline=False),
    _ask(
        "circle",
        Takes.CIRCLE,
        "part of the sky: right ascension, declination and radius in degrees",
        "RA,DEC,RADIUS",
        "regions",
    ),
    _ask(
        "polygon",
        Takes.POLYGON,
        "convex part of the sky: right ascension and declination of each corner in degrees",
        "RA,DEC,RA,DEC,...",
        "regions",
    ),
    _ask("exclude_flags", Takes.WORDS, "flags that must not be set", "NAME[,NAME]", "excluded_flags"),
    _ask("require_flags", Takes.WORDS, "flags that must be set", "NAME[,NAME]", "required_flags"),
    _ask(
        "where",
        Takes.CONDITION,
        "a condition on columns in the syntax of Python: \"snr > 5 and (isDipole or band in ('r', 'i'))\"",
        "EXPR",
    ),
    _ask(
        "one_per_object",
        Takes.SWITCH,
        "of each diaObject only the source of greatest signal-to-noise ratio",
        "",
        pipeline=False,
    ),
    _ask(
        "latest",
        Takes.COUNT,
        "of each diaObject, or of each position without sources, only the N latest exposures",
        "N",
        pipeline=False,
    ),
    _ask("sample", Takes.COUNT, "draw at most N at random (in the pipeline: of each detector)", "N"),
    _ask("seed", Takes.INTEGER, "which random sample (default: 0)", "N"),
    _ask(
        "stratify",
        Takes.STRATA,
        "share the sample evenly: reliability:10, band, detector or visit",
        "NAME[:BINS]",
        "strata",
        pipeline=False,
    ),
    _ask("limit", Takes.COUNT, "the first N by visit, detector and diaSourceId", "N", pipeline=False),
)
"""All that can be asked, in the order in which the options are listed."""
