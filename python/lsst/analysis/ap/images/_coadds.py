"""Which coadds lie under a detector."""

__all__ = ("CoaddFinder",)

from typing import Any

import numpy as np

from lsst.daf.butler import DatasetRef
from lsst.sphgeom import DISJOINT, ConvexPolygon, LonLat, UnitVector3d

from ..domain import DetectorVisit
from ._cut import Grid


class CoaddFinder:
    """Finds the patches of coadds that a detector touches.

    ``butler``: repository, with the default collections to search. ``skymap``: the sky map that counts;
    `None` for all.
    """

    def __init__(self, butler: Any, dataset_type: str, skymap: str | None) -> None:
        self._butler = butler
        self._type = dataset_type
        self._skymap: dict[str, str] = {} if skymap is None else {"skymap": skymap}
        self._visit: tuple[str, int] | None = None
        self._of_visit: dict[int, list[DatasetRef]] = {}
        self._of_band: tuple[str, list[DatasetRef]] | None = None

    def find(self, data_id: DetectorVisit, grid: Grid) -> list[DatasetRef]:
        """Find the coadds of a detector.

        ``grid``: the pixels of its science image, which count where the repository has no region for it.
        Returns: coadds in the band of the visit, ordered by their data IDs.
        """
        visit = data_id.instrument, data_id.visit
        if self._visit != visit:
            self._of_visit = self._query_visit(data_id)
            self._visit = visit
        found = self._of_visit.get(data_id.detector) or self._compare_regions(data_id, grid)
        return sorted(found, key=lambda ref: _patch_of(ref.dataId))

    def _query_visit(self, data_id: DetectorVisit) -> dict[int, list[DatasetRef]]:
        """Return the coadds of all detectors of a visit, by the butler's spatial join."""
        collections = list(self._butler.collections.defaults)
        with self._butler.query() as query:
            query = query.where(instrument=data_id.instrument, visit=data_id.visit, **self._skymap)
            # The band, which belongs to both, is that of the visit.
            pairs = list(
                query.join_dataset_search(self._type, collections).data_ids(
                    ["instrument", "visit", "detector", "skymap", "tract", "patch", "band"]
                )
            )
        of_skymap: dict[tuple[str, str], set[int]] = {}
        for pair in pairs:
            of_skymap.setdefault((pair["skymap"], pair["band"]), set()).add(pair["tract"])
        refs = {}
        for (skymap, band), tracts in of_skymap.items():
            for ref in self._butler.query_datasets(
                self._type,
                # A butler server takes no lists to bind.
                where=f"tract IN ({', '.join(map(str, sorted(tracts)))})",
                skymap=skymap,
                band=band,
                limit=None,
            ):
                refs[_patch_of(ref.dataId)] = ref
        found: dict[int, list[DatasetRef]] = {}
        for pair in pairs:
            if (ref := refs.get(_patch_of(pair))) is not None:
                found.setdefault(pair["detector"], []).append(ref)
        return found

    def _compare_regions(self, data_id: DetectorVisit, grid: Grid) -> list[DatasetRef]:
        """Return the coadds of a detector by its WCS, if the repository has no region for it."""
        names = {"instrument": data_id.instrument, "visit": data_id.visit}
        with self._butler.query() as query:
            detector = query.where(**names, detector=data_id.detector)
            if any(
                record.region is not None for record in detector.dimension_records("visit_detector_region")
            ):
                return []
            band = next(pair["band"] for pair in query.where(**names).data_ids(["visit", "band"]))
        if self._of_band is None or self._of_band[0] != band:
            refs = self._butler.query_datasets(
                self._type, band=band, **self._skymap, limit=None, explain=False, with_dimension_records=True
            )
            self._of_band = band, refs
        outline = _outline(grid)
        return [
            ref
            for ref in self._of_band[1]
            # A patch without a region is opened to see where it lies.
            if ref.dataId.region is None or not ref.dataId.region.relate(outline) & DISJOINT
        ]


def _patch_of(data_id: Any) -> tuple[Any, ...]:
    return tuple(data_id[name] for name in ("skymap", "tract", "patch", "band"))


def _outline(grid: Grid) -> ConvexPolygon:
    """Return the smallest convex polygon around an image."""
    box = grid.box
    x = np.linspace(box.x_start - 0.5, box.x_stop - 0.5, 3).repeat(3)
    y = np.tile(np.linspace(box.y_start - 0.5, box.y_stop - 0.5, 3), 3)
    positions = zip(*grid.sky_map.pixel_to_sky(x, y), strict=True)
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(ra, dec)) for ra, dec in positions])
