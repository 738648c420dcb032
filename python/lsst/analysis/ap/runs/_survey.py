"""What there is in a selection of sources, and what to refuse or to warn of before the work begins."""

__all__ = (
    "SURVEY_COLUMNS",
    "Survey",
    "check_sources",
    "describe_sources",
    "refuse_empty_selection",
    "survey",
    "warn_of_absent",
)

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..criteria import CRITERIA
from ..domain import CutoutsError, DetectorVisit
from ..messages import did_you_mean
from ..sources import Selection
from ..sources._reasons import REASON, reasons_of
from ._repository import Repository

if TYPE_CHECKING:
    from lsst.sphgeom import Region, UnitVector3d

_LOG = logging.getLogger(__name__)

SURVEY_COLUMNS: Final = ("diaSourceId", "ra", "dec", "visit", "detector", "band", "reliability", "instrument")
"""Columns that `survey` looks at, as far as they are there."""

_CHOICES: Final = ("one_per_object", "latest", "sample", "seed", "strata", "limit")
"""Fields of a selection that leave some source where there is one."""


@dataclass(slots=True)
class Survey:
    """Numbers of a selection of sources."""

    count: int = 0
    """How many rows there are."""
    bands: Counter[str | None] = field(default_factory=Counter)
    """How many there are of each band."""
    reliabilities: Counter[int] = field(default_factory=Counter)
    """How many there are in each tenth of the reliability, 0 to 9."""
    instruments: Counter[str | None] = field(default_factory=Counter)
    """How many there are of each instrument; `None` where no column says."""
    detectors: set[tuple[str | None, int, int]] = field(default_factory=set)
    """Instrument, visit and detector of every image that they are on."""
    without_image: int = 0
    """How many have no visit or no detector."""
    without_position: int = 0
    """How many have no position: null, NaN or off the sky."""
    within_hours: bool = True
    """Whether every right ascension could be one in hours, or in radians."""
    repeated: int = 0
    """How many rows repeat the ``diaSourceId`` of another."""
    unreadable: int = 0
    """How many rows can have no picture, for what stands in them."""
    reason: str = ""
    """What is wrong with the first of these."""
    example: tuple[DetectorVisit, float, float] | None = None
    """Where one of them is: its images, right ascension and declination."""


def survey(tables: Iterable[pa.Table]) -> Survey:
    """Count the sources of a selection; memory holds eight bytes of each."""
    result = Survey()
    ids: list[NDArray[np.int64]] = []
    for table in tables:
        result.count += len(table)
        ids.append(np.asarray(table.column("diaSourceId").to_numpy()))
        _count_values(table, result)
        _count_positions(table, result)
        if REASON in table.column_names:
            reasons = reasons_of(table)
            result.unreadable += len(reasons)
            result.reason = result.reason or "; ".join(next(iter(reasons.values()), []))
    result.repeated = result.count - len(np.unique(np.concatenate(ids))) if ids else 0
    result.within_hours = result.within_hours and result.count > result.without_position
    return result


def _count_values(table: pa.Table, result: Survey) -> None:
    names = table.column_names
    for name, counter in (("band", result.bands), ("instrument", result.instruments)):
        values = table.column(name).cast(pa.string()) if name in names else pa.nulls(len(table), pa.string())
        counter.update({entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()})
    if "reliability" in names:
        scores = np.asarray(table.column("reliability").cast(pa.float64()).to_numpy())
        known = scores[np.isfinite(scores)]
        bins = np.clip((known * 10).astype(np.int64), 0, 9)
        result.reliabilities.update(dict(enumerate(np.bincount(bins).tolist())))


def _count_positions(table: pa.Table, result: Survey) -> None:
    ra, dec = (np.asarray(table.column(n).cast(pa.float64()).to_numpy()) for n in ("ra", "dec"))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    result.without_position += int(len(table) - good.sum())
    result.within_hours &= bool(np.all(np.abs(ra[good]) <= 24))
    keys = [name for name in ("instrument", "visit", "detector") if name in table.column_names]
    groups = table.select(keys).group_by(keys).aggregate([([], "count_all")])
    for row in groups.to_pylist():
        if row["visit"] is None or row["detector"] is None:
            result.without_image += row["count_all"]
        else:
            result.detectors.add((row.get("instrument"), int(row["visit"]), int(row["detector"])))
    if result.example is None:
        there = pc.field("visit").is_valid() & pc.field("detector").is_valid()
        for row in table.filter(pa.array(good)).filter(there).slice(0, 1).to_pylist():
            data_id = DetectorVisit(row.get("instrument") or "", int(row["visit"]), int(row["detector"]))
            result.example = data_id, float(row["ra"]), float(row["dec"])


def refuse_empty_selection(selection: Selection, count: Callable[[Selection], int]) -> NoReturn:
    """Say which condition leaves no source, with how many there are after each.

    ``count``: returns how many sources of the catalogue a selection has.
    """
    steps, left = Selection(), count(Selection())
    said = f"the catalogue has {left or 'none'}"
    for criterion in CRITERIA:
        value, unset = getattr(selection, criterion.fills), getattr(steps, criterion.fills)
        if not left or value == unset or criterion.fills in _CHOICES:
            continue
        steps = replace(steps, **{criterion.fills: value})
        left = count(steps)
        said += f", {steps.in_words(criterion.fills)} leaves {left or 'none'}"
        if not left:
            raise CutoutsError(
                f"No DiaSource is selected: {said}. Loosen this condition, or one before it.",
                choices=(criterion.name,),
            )
    raise CutoutsError(f"No DiaSource is selected: {said}.")


def check_sources(survey: Survey, repository: Repository) -> None:
    """Refuse sources of which no picture can come, and warn of bad ones."""
    count = survey.count
    if survey.unreadable == count:
        raise CutoutsError(f"None of the {count} sources has a picture; of the first one: {survey.reason}.")
    if survey.without_position == count:
        raise CutoutsError(f"None of the {count} sources has a position: check the columns ra and dec.")
    if survey.without_image == count:
        raise CutoutsError(f"None of the {count} sources has a visit and a detector: complete these columns.")
    _check_instruments(survey, repository)
    _check_units(survey, repository)
    if survey.unreadable:
        _LOG.warning(
            "%d of %d sources cannot be read and get no picture; of the first one: %s.",
            survey.unreadable,
            count,
            survey.reason,
        )
    for number, what in (
        (survey.without_position, "have no position and get no picture"),
        (survey.without_image, "have no visit or no detector and get no picture"),
    ):
        if number:
            _LOG.warning("%d of %d sources %s.", number, count, what)


def _check_instruments(survey: Survey, repository: Repository) -> None:
    known = repository.instruments
    if not known:
        return  # a repository without images, as the search for them will say
    given = repository.config.instrument
    if given is not None and given not in known:
        raise CutoutsError(
            f"The repository has no instrument {given}, but {', '.join(known)}.{did_you_mean(given, known)}",
            choices=("instrument",),
        )
    found: Counter[str | None] = Counter()
    for name, number in survey.instruments.items():
        found[repository.instrument if name is None else name] += number
    has = ", ".join(known)
    if silent := found.pop(None, 0):
        raise CutoutsError(
            f"{silent} of {survey.count} sources do not say their instrument, and the repository does not "
            f"have just one: give it (the repository has {has}).",
            choices=("instrument",),
        )
    unknown = {name: number for name, number in found.items() if name not in known}
    if not unknown:
        return
    names = ", ".join(f"{name} ({number} sources)" for name, number in sorted(unknown.items(), key=str))
    if len(unknown) == len(found):
        raise CutoutsError(
            f"The repository does not know the instrument {names}; it has {has}. Give the right repository "
            "or instrument.",
            choices=("instrument",),
        )
    _LOG.warning("The repository does not know the instrument %s; it has %s.", names, has)


def _check_units(survey: Survey, repository: Repository) -> None:
    """Refuse positions in radians or hours, if the images say that they are none in degrees."""
    if not survey.within_hours or survey.example is None:
        return
    data_id, ra, dec = survey.example
    if not data_id.instrument:
        data_id = DetectorVisit(repository.instrument or "", data_id.visit, data_id.detector)
    if (region := _region(repository, data_id)) is None or region.contains(_direction(ra, dec)):
        return
    for what, there, remedy in (
        ("positions are in radians", (math.degrees(ra), math.degrees(dec)), "columns ra and dec"),
        ("right ascensions are in hours", (15 * ra, dec), "column ra"),
    ):
        if abs(there[1]) <= 90 and region.contains(_direction(*there)):
            raise CutoutsError(
                f"All {survey.count} {what}, as the image of {data_id} shows: convert the {remedy} to "
                "degrees."
            )


def _direction(ra: float, dec: float) -> "UnitVector3d":
    from lsst.sphgeom import LonLat, UnitVector3d

    return UnitVector3d(LonLat.fromDegrees(ra, dec))


def _region(repository: Repository, data_id: DetectorVisit) -> "Region | None":
    """Return where on the sky an image is; None if unknown."""
    butler = repository.butler
    assert butler is not None
    try:
        records = butler.query_dimension_records(
            "visit_detector_region",
            instrument=data_id.instrument,
            visit=data_id.visit,
            detector=data_id.detector,
            explain=False,
        ) or butler.query_dimension_records(
            "visit", instrument=data_id.instrument, visit=data_id.visit, explain=False
        )
    except Exception:  # the butler has many words for a data ID that it does not know
        return None
    return records[0].region if records else None


def warn_of_absent(selection: Selection, survey: Survey) -> None:
    """Warn of fewer sources than were asked for: identifiers that are not found, a sample that is short."""
    found = survey.count - survey.repeated
    is_choice = selection.one_per_object or selection.sample or selection.limit
    if selection.ids is not None and not is_choice and (absent := len(selection.ids) - found):
        _LOG.warning(
            "%d of the %d diaSourceIds are not in the catalogue, or do not meet the other conditions.",
            absent,
            len(selection.ids),
        )
    wanted = min(selection.sample or 0, selection.limit or selection.sample or 0)
    if found < wanted:
        _LOG.warning("The sample has %d sources, not %d: no more meet the conditions.", found, wanted)


def describe_sources(survey: Survey) -> Iterator[str]:
    """Yield how many sources there are, and of what kind: lines for a person."""
    visits = {(instrument, visit) for instrument, visit, _ in survey.detectors}
    images = "1 image" if len(survey.detectors) == 1 else f"{len(survey.detectors)} images"
    of_visits = "1 visit" if len(visits) == 1 else f"{len(visits)} visits"
    yield f"{survey.count} DiaSource{'s' * (survey.count != 1)} on {images} of {of_visits}"
    for number, what in (
        (survey.without_position, "without a position"),
        (survey.without_image, "without visit or detector"),
        (survey.repeated, "that repeat a diaSourceId"),
    ):
        if number:
            yield f"  {number} {what}"
    yield "by band:"
    for band, number in sorted(survey.bands.items(), key=lambda item: (item[0] is None, str(item[0]))):
        yield f"  {band or '(none)':12} {number:10}"
    yield "by reliability:"
    for tenth in range(10):
        if number := survey.reliabilities[tenth]:
            yield f"  {tenth / 10:.1f} to {(tenth + 1) / 10:.1f}   {number:10}"
    if number := survey.count - survey.reliabilities.total():
        yield f"  {'(none)':12} {number:10}"
