"""What to know, and what to refuse, before the work begins."""

__all__ = ("check_sources", "describe_sources", "warn_of_absent")

import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..domain import Box, CutoutsError, DetectorVisit, Stamp, Triplet
from ..render import PictureStyle, Renderer
from ..sources import Selection, Survey

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

_LOG = logging.getLogger(__name__)

# Medians of pictures made from compressed images of 4000 x 4000 pixels.
_SECONDS_PER_DETECTOR = 0.5
_SECONDS_PER_SOURCE = 0.01


def check_sources(survey: Survey, butler: "Butler", instrument: str | None) -> None:
    """Refuse sources of which no picture can come, and warn of bad ones.

    Parameters
    ----------
    survey : `~lsst.analysis.ap.sources.Survey`
        The sources.
    butler : `lsst.daf.butler.Butler`
        Repository of the images.
    instrument : `str` or `None`
        Instrument of the sources that do not say theirs.

    Raises
    ------
    CutoutsError
        Raised when there is no source, or when something is wrong with all.
    """
    count = survey.count
    if count == 0:
        raise CutoutsError("No DiaSource is selected: the catalogue is empty, or the selection too narrow.")
    if survey.without_position == count:
        raise CutoutsError(f"None of the {count} sources has a position: check the columns ra and dec.")
    if survey.without_image == count:
        raise CutoutsError(f"None of the {count} sources has a visit and a detector: complete these columns.")
    _check_instruments(survey, butler, instrument)
    _check_units(survey, butler, instrument)
    for number, what in (
        (survey.without_position, "have no position and get no picture"),
        (survey.without_image, "have no visit or no detector and get no picture"),
        (survey.repeated, "repeat the diaSourceId of another; the first row of each counts"),
    ):
        if number:
            _LOG.warning("%d of %d sources %s.", number, count, what)


def _check_instruments(survey: Survey, butler: "Butler", instrument: str | None) -> None:
    known = {record.name for record in butler.query_dimension_records("instrument", explain=False)}
    if not known:
        return  # a repository without images, as the search for them will say
    if instrument is None and len(known) == 1:
        (instrument,) = known
    found: Counter[str | None] = Counter()
    for name, number in survey.instruments.items():
        found[instrument if name is None else name] += number
    has = f"{', '.join(sorted(known)) or 'none'}"
    if silent := found.pop(None, 0):
        raise CutoutsError(
            f"{silent} of {survey.count} sources do not say their instrument, and the repository does not "
            f"have just one: give it with --instrument (the repository has {has})."
        )
    unknown = {name: number for name, number in found.items() if name not in known}
    if not unknown:
        return
    names = ", ".join(f"{name} ({number} sources)" for name, number in sorted(unknown.items(), key=str))
    if len(unknown) == len(found):
        raise CutoutsError(
            f"The repository does not know the instrument {names}; it has {has}. Give the right repository "
            "or --instrument."
        )
    _LOG.warning("The repository does not know the instrument %s; it has %s.", names, has)


def _check_units(survey: Survey, butler: "Butler", instrument: str | None) -> None:
    """Refuse positions in radians, if the images say that they are none in degrees."""
    if not survey.within_radians or survey.example is None:
        return
    data_id, ra, dec = survey.example
    if not data_id.instrument:
        known = [record.name for record in butler.query_dimension_records("instrument", explain=False)]
        name = instrument or (known[0] if len(known) == 1 else "")
        data_id = DetectorVisit(name, data_id.visit, data_id.detector)
    if (inside := _is_on_image(butler, data_id, math.radians(ra), math.radians(dec))) is None:
        return
    if not inside and _is_on_image(butler, data_id, ra, dec):
        raise CutoutsError(
            f"All {survey.count} positions are in radians, as the image of {data_id} shows: convert the "
            "columns ra and dec to degrees."
        )


def _is_on_image(butler: "Butler", data_id: DetectorVisit, lon: float, lat: float) -> bool | None:
    """Return whether a position in radians is on an image; None if unknown."""
    from lsst.sphgeom import LonLat, UnitVector3d

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
    if not records or records[0].region is None:
        return None
    return bool(records[0].region.contains(UnitVector3d(LonLat.fromRadians(lon, lat))))


def warn_of_absent(selection: Selection, survey: Survey) -> None:
    """Warn of identifiers that were asked for and not found.

    Parameters
    ----------
    selection : `~lsst.analysis.ap.sources.Selection`
        What was asked for.
    survey : `~lsst.analysis.ap.sources.Survey`
        What was found.
    """
    if selection.ids is None or selection.one_per_object or selection.sample or selection.limit:
        return
    if absent := len(selection.ids) - (survey.count - survey.repeated):
        _LOG.warning(
            "%d of the %d diaSourceIds are not in the catalogue, or do not meet the other conditions.",
            absent,
            len(selection.ids),
        )


def describe_sources(survey: Survey, style: PictureStyle, jobs: int) -> Iterator[str]:
    """Yield what there is, and what the work would take.

    Parameters
    ----------
    survey : `~lsst.analysis.ap.sources.Survey`
        The sources.
    style : `~lsst.analysis.ap.render.PictureStyle`
        What the pictures would look like.
    jobs : `int`
        Number of processes.

    Yields
    ------
    line : `str`
        One line for a person.
    """
    visits = {(instrument, visit) for instrument, visit, _ in survey.detectors}
    yield f"{survey.count} DiaSources on {len(survey.detectors)} images of {len(visits)} visits"
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
    if number := survey.count - sum(survey.reliabilities[tenth] for tenth in range(10)):
        yield f"  {'(none)':12} {number:10}"
    seconds, size = _cost(style)
    total = survey.count * (seconds + _SECONDS_PER_SOURCE) + len(survey.detectors) * _SECONDS_PER_DETECTOR
    yield (
        f"about {_duration(total / jobs)} in {jobs} process{'es' if jobs > 1 else ''}, "
        f"about {_amount(survey.count * size)} of pictures"
    )


def _cost(style: PictureStyle) -> tuple[float, int]:
    """Return the seconds and bytes of one picture, tried with noise."""
    rng = np.random.default_rng(0)
    triplets = []
    for size in style.sizes:
        template, science, difference = (
            Stamp(rng.normal(size=(size, size)).astype(np.float32), Box(0, size, 0, size)) for _ in range(3)
        )
        triplets.append(Triplet(template, science, difference, sky_jacobian=np.diag([-0.2, 0.2])))
    renderer, row = Renderer(style), {"diaSourceId": 2**62, "ra": 1.0, "dec": 1.0}
    renderer.render(triplets, row)  # the first one loads fonts
    began = time.perf_counter()
    size = len(renderer.render(triplets, row))
    return time.perf_counter() - began, size


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _amount(size: float) -> str:
    power = min(max(int(math.log10(max(size, 1.0))) // 3, 1), 3)
    return f"{size / 1000**power:.1f} {('kB', 'MB', 'GB')[power - 1]}"
