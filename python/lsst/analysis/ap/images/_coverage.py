"""Which images of a repository cover positions on the sky."""

__all__ = ("Exposed", "find_exposures")

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsst.daf.butler import DatasetRef

from ..domain import DetectorVisit

CELL = 1.0
"""Degrees; positions in a cell of this size on the sky are asked for at once."""

MARGIN = 1e-6
"""Degrees by which a circle around positions is larger than they need."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """An image that covers a position."""

    data_id: DetectorVisit
    """Whose image it is."""
    band: str | None
    """The visit's band."""
    mjd: float | None
    """Middle of the exposure, MJD TAI; `None` where the repository does not say it."""


def find_exposures(
    butler: Any,
    dataset_type: str,
    ra: ArrayLike,
    dec: ArrayLike,
    *,
    instrument: str | None = None,
    bands: Collection[str] = (),
    begin: float | None = None,
    end: float | None = None,
    latest: int | None = None,
) -> list[list[Exposed]]:
    """Find the images that cover some positions, by the regions of the butler.

    ``butler``: repository, with the default collections to search. ``dataset_type``: images that there must
    be, such as ``visit_image``; one of each visit and detector. ``ra``, ``dec``: ICRS degrees, shape (N,).
    Positions that are no numbers, or off the sky, are covered by nothing. ``instrument``: the only instrument
    that counts. ``bands``: the only bands that count; all when there are none. ``begin``, ``end``: the middle
    of the exposure is not before and not after these, MJD TAI; images without a time are left out where there
    are such limits. ``latest``: how many images a position has at most, the last ones. Returns: for each
    position the images that cover it in the order of their times, then of their visits and detectors. What
    covers it is a matter of the image's outline on the sky, which may be some pixels larger than the image.
    """
    ra, dec = (np.atleast_1d(np.asarray(axis, dtype=np.float64)) for axis in (ra, dec))
    exposures: list[list[Exposed]] = [[] for _ in ra]
    for numbers in _cells(ra, dec):
        here = ra[numbers], dec[numbers]
        for ref in _query(butler, dataset_type, *here, instrument, bands):
            exposed = _exposed(ref)
            if not _is_within(exposed.mjd, begin, end):
                continue
            region: Any = ref.dataId.region
            covered = region.contains(*np.radians(here))
            for number in numbers[np.atleast_1d(covered)].tolist():
                exposures[number].append(exposed)
    for found in exposures:
        found.sort(key=_order)
        if latest is not None:
            del found[: max(len(found) - latest, 0)]
    return exposures


def _cells(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> Iterator[NDArray[np.intp]]:
    """Yield the numbers of positions that lie close together."""
    usable = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0))
    rows = np.floor(dec[usable] / CELL)
    # Cells near the poles hold more of the right ascension.
    columns = np.floor(ra[usable] % 360.0 * np.cos(np.radians(rows * CELL)) / CELL)
    keys = np.stack([rows, columns], axis=1)
    _, cells = np.unique(keys, axis=0, return_inverse=True)
    for cell in range(int(cells.max()) + 1 if cells.size else 0):
        yield usable[cells.ravel() == cell]


def _query(
    butler: Any,
    dataset_type: str,
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    instrument: str | None,
    bands: Collection[str],
) -> list[DatasetRef]:
    """Return the datasets of detectors that touch the smallest circle around positions."""
    lon, lat = np.radians(ra), np.radians(dec)
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    center = vectors.mean(axis=1)
    center /= np.linalg.norm(center)
    distances = np.degrees(2 * np.arcsin(np.linalg.norm(vectors - center[:, np.newaxis], axis=0) / 2))
    where = (
        "visit_detector_region.region OVERLAPS CIRCLE("
        f"{math.degrees(math.atan2(center[1], center[0])) % 360.0!r}, "
        f"{math.degrees(math.asin(np.clip(center[2], -1, 1)))!r}, {float(distances.max()) + MARGIN!r})"
    )
    bind = {f"band{number}": band for number, band in enumerate(sorted(bands))}
    if bind:
        where += f" AND band IN ({', '.join(bind)})"
    names = {} if instrument is None else {"instrument": instrument}
    refs: list[DatasetRef] = butler.query_datasets(
        dataset_type, where=where, bind=bind, limit=None, explain=False, with_dimension_records=True, **names
    )
    return refs


def _exposed(ref: DatasetRef) -> Exposed:
    names: Any = ref.dataId
    timespan = names.records["visit"].timespan
    mjd = None
    if timespan is not None and timespan.begin is not None and timespan.end is not None:
        mjd = (timespan.begin.tai.mjd + timespan.end.tai.mjd) / 2
    data_id = DetectorVisit(names["instrument"], names["visit"], names["detector"])
    return Exposed(data_id, names.get("band"), mjd)


def _is_within(mjd: float | None, begin: float | None, end: float | None) -> bool:
    if mjd is None:
        return begin is None and end is None
    return (begin is None or begin <= mjd) and (end is None or mjd <= end)


def _order(exposed: Exposed) -> tuple[float, str, int, int]:
    data_id = exposed.data_id
    time = -math.inf if exposed.mjd is None else exposed.mjd
    return time, data_id.instrument, data_id.visit, data_id.detector
