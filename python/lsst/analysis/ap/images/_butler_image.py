"""Images that only the butler can read."""

__all__ = ("ButlerImage",)

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from lsst.daf.butler import DeferredDatasetHandle

from ..domain import Box
from ._cut import Arrays, around
from ._objects import ObjectImage, box_of
from ._psf import load_psf
from .wcs._sky_map import AfwSkyMap, LsstSkyMap, SkyMap


class ButlerImage:
    """An image behind ``Butler.get``.

    The box that holds all that is wanted is read in one call.

    ``handle``: a dataset with the components ``bbox`` and ``sky_projection`` (lsst.images) or ``wcs`` (afw),
    in the storage class that the handle asks for.
    """

    def __init__(self, handle: DeferredDatasetHandle) -> None:
        ref = handle.ref
        self.name = str(ref)
        self._butler = handle.butler
        self._ref = ref if handle.storageClass is None else ref.overrideStorageClass(handle.storageClass)
        self._components = frozenset(self._ref.datasetType.storageClass.allComponents())
        self._is_afw = "sky_projection" not in self._components
        self.box = box_of(self._get("bbox"))
        wcs = self._get("wcs" if self._is_afw else "sky_projection")
        self.sky_map: SkyMap = AfwSkyMap(wcs) if self._is_afw else LsstSkyMap(wcs)
        self._part: tuple[Box, ObjectImage] | None = None

    @cached_property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name; none where there is no mask."""
        return self._corner.mask_planes

    @cached_property
    def unit(self) -> str | None:
        """Unit of the pixels; `None` where nothing says it."""
        return self._corner.unit

    def read(self, boxes: Sequence[Box], kinds: Collection[str] = ("image",)) -> Arrays:
        # Docstring inherited.
        return self._get_part(boxes).read(boxes, kinds) if boxes else {kind: [] for kind in kinds}

    @cached_property
    def psf(self) -> Any:
        """The point-spread function; `None` where it has none."""
        return load_psf(self._butler, self._ref)

    def close(self) -> None:
        """Forget what was read: the butler keeps no file open."""
        self._part = None

    @cached_property
    def _corner(self) -> ObjectImage:
        x, y = self.box.x_start, self.box.y_start
        return self._get_part([Box(x, x + 1, y, y + 1)])

    def _get_part(self, boxes: Sequence[Box]) -> ObjectImage:
        box = around(boxes)
        if self._part is not None and self._part[0].intersection(box) == box:
            return self._part[1]
        part = _afw_box(box) if self._is_afw else _lsst_box(box)
        try:
            image = self._butler.get(self._ref, parameters={"bbox": part})
        except Exception:
            # Not every format can be cut while it is read.
            image, box = self._butler.get(self._ref), self.box
        self._part = box, ObjectImage(image, self.name)
        return self._part[1]

    def _get(self, component: str) -> Any:
        return self._butler.get(self._ref.makeComponentRef(component))


def _lsst_box(box: Box) -> Any:
    from lsst.images import Box as LsstBox

    return LsstBox.factory[box.y_start : box.y_stop, box.x_start : box.x_stop]


def _afw_box(box: Box) -> Any:
    from lsst.geom import Box2I, Extent2I, Point2I

    return Box2I(Point2I(box.x_start, box.y_start), Extent2I(box.width, box.height))
