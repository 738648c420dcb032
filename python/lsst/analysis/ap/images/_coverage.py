"""Which images of a repository cover positions on the sky."""

__all__ = ("Exposed", "find_exposures")

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsst.daf.butler import DatasetRef

from ..domain import DetectorVisit
from .wcs._sky_map import positions_of, unit_vectors

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
) -> list[list[Exposed]]:
    """Find the images that cover some positions, by the regions of the butler.

    ``butler``: repository, with the default collections to search. ``dataset_type``: images that there must
    be, such as ``visit_image``; one of each visit and detector. ``ra``, ``dec``: ICRS degrees, shape (N,).
    Positions that are no numbers, or off the sky, are covered by nothing. ``instrument``: the only instrument
    that counts. Returns: for each position the images that cover it in the order of their times, then of
    their visits and detectors. What covers it is a matter of the image's outline on the sky, which may be
    some pixels larger than the image.
    """
    ra, dec = (np.atleast_1d(np.asarray(axis, dtype=np.float64)) for axis in (ra, dec))
    exposures: list[list[Exposed]] = [[] for _ in ra]
    for numbers in _cells(ra, dec):
        here = ra[numbers], dec[numbers]
        for ref in _query(butler, dataset_type, *here, instrument):
            region: Any = ref.dataId.region
            covered = region.contains(*np.radians(here))
            for number in numbers[np.atleast_1d(covered)].tolist():
                exposures[number].append(_exposed(ref))
    for found in exposures:
        found.sort(key=_order)
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
    butler: Any, dataset_type: str, ra: NDArray[np.float64], dec: NDArray[np.float64], instrument: str | None
) -> list[DatasetRef]:
    """Return the datasets of detectors that touch the smallest circle around positions."""
    vectors = unit_vectors(ra, dec)
    center = positions_of(vectors.mean(axis=0))
    distances = np.degrees(2 * np.arcsin(np.linalg.norm(vectors - unit_vectors(*center), axis=1) / 2))
    circle = ", ".join(repr(float(value)) for value in (*center, distances.max() + MARGIN))
    where = f"visit_detector_region.region OVERLAPS CIRCLE({circle})"
    names = {} if instrument is None else {"instrument": instrument}
    refs: list[DatasetRef] = butler.query_datasets(
        dataset_type, where=where, limit=None, explain=False, with_dimension_records=True, **names
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


def _order(exposed: Exposed) -> tuple[float, str, int, int]:
    data_id = exposed.data_id
    time = -math.inf if exposed.mjd is None else exposed.mjd
    return time, data_id.instrument, data_id.visit, data_id.detector
