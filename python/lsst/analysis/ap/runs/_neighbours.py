"""What is near a source, at its place in the science image."""

__all__ = ("Neighbours",)

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Neighbour, SourceBatch, Triplet
from ..images import ButlerAddress, StampError, Stamps, positions_of, sendable, unit_vectors
from ..sources import NeighbourTables, Places

_log = logging.getLogger(__name__)

_MARGIN = 20.0
"""How far off a stamp something can be and its mark still reach the stamp, pixels."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Finds what is near the sources of a batch."""

    tables: NeighbourTables
    """Reads what there is on a detector."""
    butler: Any
    """The repository that has these tables."""
    address: ButlerAddress | None = None
    """Where another process finds it; `None` lets it have the butler itself."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tables, sendable(self.butler, self.address), self.address)

    def add(self, batch: SourceBatch, cut: Stamps) -> Stamps:
        """Return stamps with what is near their sources.

        What a picture shows depends on the tables alone, and not on which other sources are in the batch.
        """
        if batch.data_id is None or not any(isinstance(found, tuple) and found for found in cut):
            return cut
        try:
            places = self.tables.read(self.butler, batch.data_id)
            return list(_added(batch, cut, places))
        except Exception:  # the stamps are good without
            _log.warning("What is near the sources of %s is not marked.", batch.data_id, exc_info=True)
            return cut


def _added(
    batch: SourceBatch, cut: Stamps, places: dict[str, Places]
) -> Iterator[tuple[Triplet, ...] | StampError]:
    from scipy.spatial import KDTree

    if not places:
        yield from cut
        return
    trees = {kind: KDTree(unit_vectors(p.ra, p.dec)) for kind, p in places.items()}
    columns = (batch.rows.column(name).to_pylist() for name in ("diaSourceId", "ra", "dec"))
    for identifier, ra, dec, found in zip(*columns, cut, strict=True):
        if isinstance(found, StampError) or not found or found[0].sky_map is None:
            yield found
            continue
        (source,) = unit_vectors([ra], [dec])
        radius = _radius(found)
        neighbours: list[Neighbour] = []
        for kind, of_kind in places.items():
            longest = 0.0 if of_kind.length is None else float(of_kind.length.max(initial=0.0)) / 2
            # The chord of a small angle is as long as its arc.
            within = trees[kind].query_ball_point(source, np.radians((radius + longest) / 3600.0))
            near = np.array(sorted(within), dtype=np.intp)
            if kind in ("sources", "rejected"):
                near = near[of_kind.ids[near] != identifier]
            if near.size:
                neighbours += _in_pixels(kind, of_kind, near, found[0].sky_map)
        yield tuple(replace(triplet, neighbours=tuple(neighbours)) for triplet in found)


def _radius(triplets: Sequence[Triplet]) -> float:
    """Return how far from a source something may be to be marked on its stamps, arcseconds."""
    pixels = max(np.hypot(*triplet.science.box.shape) / 2 for triplet in triplets)
    scale = triplets[0].pixel_scale
    return float(pixels + _MARGIN) * scale if np.isfinite(scale) else 0.0


def _in_pixels(kind: str, places: Places, near: NDArray[np.intp], sky_map: Any) -> Iterator[Neighbour]:
    ra, dec = places.ra[near], places.dec[near]
    if places.length is None or places.angle is None:
        for x, y in _pixels(sky_map, ra, dec):
            yield Neighbour(kind, x, y)
        return
    half = np.radians(places.length[near] / 7200.0)
    angle = np.radians(places.angle[near])
    ends = [_pixels(sky_map, *_moved(ra, dec, sign * half, angle)) for sign in (-1, 1)]
    for (x, y), end in zip(*ends, strict=True):
        yield Neighbour(kind, x, y, end)


def _pixels(sky_map: Any, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> list[tuple[float, float]]:
    x, y = sky_map.sky_to_pixel(ra, dec)
    return list(zip(np.asarray(x).tolist(), np.asarray(y).tolist(), strict=True))


def _moved(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    distance: NDArray[np.float64],
    angle: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions some way along great circles.

    ``ra``, ``dec``: degrees. ``distance``: radians. ``angle``: radians from north through east. Returns:
    degrees.
    """
    start, alpha = unit_vectors(ra, dec), np.radians(ra)
    east = np.stack([-np.sin(alpha), np.cos(alpha), np.zeros_like(alpha)], axis=-1)
    north = np.cross(start, east)
    way = np.cos(angle)[:, None] * north + np.sin(angle)[:, None] * east
    return positions_of(np.cos(distance)[:, None] * start + np.sin(distance)[:, None] * way)
