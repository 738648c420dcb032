"""Sources of two catalogues that are the same by their position."""

__all__ = ("check_positions", "match_sources")

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import CutoutsError

_APART: Final = 1.0
"""How far detectors are put from each other, on the unit sphere's scale."""


def match_sources(
    before: pa.Table, after: pa.Table, radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Match sources by position within visit and detector, one to one.

    Parameters
    ----------
    before, after : `pyarrow.Table`
        Catalogues with ``visit``, ``detector``, ``diaSourceId``, ``ra`` and ``dec`` (degrees, ICRS).
    radius : `float`
        Greatest distance of a pair in arcseconds.

    Returns
    -------
    rows_before, rows_after : `numpy.ndarray`
        Row numbers of each pair.
    distance : `numpy.ndarray`
        Distance of each pair in arcseconds, ascending. The closest pair of all is taken first, then the
        closest of those that are left; so the pairs are the same when the catalogues are exchanged.

    Raises
    ------
    CutoutsError
        Raised when the radius is no distance, or a column is missing.
    """
    from scipy.spatial import cKDTree

    if not 0 < radius < 3600:
        raise CutoutsError(f"The radius is {radius} arcseconds; give one above 0 and below 3600.")
    check_positions(before)
    check_positions(after)
    places = _numbers_of_detectors(before, after)
    points = [_points(table, place) for table, place in zip((before, after), places, strict=True)]
    known = [np.flatnonzero(np.isfinite(each).all(axis=1)) for each in points]
    trees = [cKDTree(each[rows]) for each, rows in zip(points, known, strict=True)]
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    pairs = trees[0].query_ball_tree(trees[1], chord)
    first = np.repeat(np.arange(len(pairs)), [len(each) for each in pairs])
    second = np.fromiter((row for each in pairs for row in each), np.int64, len(first))
    rows = known[0][first], known[1][second]
    gap = np.linalg.norm(points[0][rows[0]] - points[1][rows[1]], axis=1)
    distance = np.degrees(2 * np.arcsin(gap / 2)) * 3600
    return _closest_first(before, after, rows, distance)


def check_positions(table: pa.Table) -> None:
    """Raise `CutoutsError` where a catalogue lacks what sources are matched by."""
    for name in ("diaSourceId", "visit", "detector", "ra", "dec"):
        if name not in table.column_names:
            raise CutoutsError(
                f"The catalogue has no column {name!r}, by which two directories are compared. Make the "
                "pictures from a catalogue that has it."
            )


def _closest_first(
    before: pa.Table, after: pa.Table, rows: tuple[NDArray[Any], NDArray[Any]], distance: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    ids = [t.column("diaSourceId").to_numpy()[r] for t, r in zip((before, after), rows, strict=True)]
    # Equal distances are decided by what does not change when the catalogues are exchanged.
    order = np.lexsort((np.maximum(*ids), np.minimum(*ids), distance))
    taken: tuple[set[int], set[int]] = (set(), set())
    chosen = []
    for pair in order.tolist():
        a, b = int(rows[0][pair]), int(rows[1][pair])
        if a not in taken[0] and b not in taken[1]:
            taken[0].add(a)
            taken[1].add(b)
            chosen.append(pair)
    return rows[0][chosen], rows[1][chosen], distance[chosen]


def _numbers_of_detectors(before: pa.Table, after: pa.Table) -> list[NDArray[np.float64]]:
    """Return a number for each row, the same for the same visit and detector."""
    keys = [
        np.stack([_column(table, name) for name in ("visit", "detector")], axis=1)
        for table in (before, after)
    ]
    _, numbers = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    return np.split(numbers.ravel().astype(np.float64), [len(before)])


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    return np.asarray(table.column(name).to_numpy())


def _points(table: pa.Table, detector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors, with the detector as a fourth coordinate."""
    ra, dec = (np.radians(_column(table, name).astype(np.float64)) for name in ("ra", "dec"))
    return np.stack(
        [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec), _APART * detector], axis=1
    )
