"""Images that only the butler can read."""

__all__ = ("ButlerImage",)

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from lsst.daf.butler import DeferredDatasetHandle

from ..domain import Box
from ._objects import ObjectImage
from .wcs._sky_map import AfwSkyMap, LsstSkyMap, SkyMap


class ButlerImage:
    """An image behind ``Butler.get``.

    The box that holds all that is wanted is read in one call.

    Parameters
    ----------
    handle : `lsst.daf.butler.DeferredDatasetHandle`
        A dataset with the components ``bbox`` and ``sky_projection``
        (lsst.images) or ``wcs`` (afw), in the storage class that the handle
        asks for.
    """

    def __init__(self, handle: DeferredDatasetHandle) -> None:
        ref = handle.ref
        self.name = str(ref)
        self._butler = handle.butler
        self._ref = ref if handle.storageClass is None else ref.overrideStorageClass(handle.storageClass)
        self._components = frozenset(self._ref.datasetType.storageClass.allComponents())
        self._is_afw = "sky_projection" not in self._components
        bbox = self._get("bbox")
        if self._is_afw:
            x0, y0 = bbox.getMinX(), bbox.getMinY()
            self.box = Box(x0, x0 + bbox.getWidth(), y0, y0 + bbox.getHeight())
        else:
            self.box = Box(bbox.x.start, bbox.x.stop, bbox.y.start, bbox.y.stop)
        wcs = self._get("wcs" if self._is_afw else "sky_projection")
        self.sky_map: SkyMap = AfwSkyMap(wcs) if self._is_afw else LsstSkyMap(wcs)
        self._mask_planes: Mapping[str, int] | None = None

    @property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name."""
        if self._mask_planes is None:
            corner = Box(self.box.x_start, self.box.x_start + 1, self.box.y_start, self.box.y_start + 1)
            self._mask_planes = self._get_part(corner).mask_planes
        return self._mask_planes

    def read(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        """Return pixels of the image.

        Parameters
        ----------
        boxes : `~collections.abc.Sequence` [`Box`]
            What to read, PARENT pixels, inside of ``box``.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`]
            One array per box.
        """
        return self._get_part(_around(boxes), "image").read(boxes) if boxes else []

    def read_mask(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        """Return bits of the mask.

        Parameters
        ----------
        boxes : `~collections.abc.Sequence` [`Box`]
            What to read, PARENT pixels, inside of ``box``.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`]
            One array per box.
        """
        return self._get_part(_around(boxes)).read_mask(boxes) if boxes else []

    def close(self) -> None:
        """Do nothing: the butler keeps no file open."""

    def _get_part(self, box: Box, component: str = "") -> ObjectImage:
        ref = self._ref
        # An afw component has no WCS, a plain lsst.images Image no components.
        if not self._is_afw and component in self._components:
            ref = ref.makeComponentRef(component)
        part = _afw_box(box) if self._is_afw else _lsst_box(box)
        try:
            image = self._butler.get(ref, parameters={"bbox": part})
        except Exception:
            # Not every format can be cut while it is read.
            image = self._butler.get(ref)
        return ObjectImage(image, self.name)

    def _get(self, component: str) -> Any:
        return self._butler.get(self._ref.makeComponentRef(component))


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.x_start for box in boxes),
        max(box.x_stop for box in boxes),
        min(box.y_start for box in boxes),
        max(box.y_stop for box in boxes),
    )


def _lsst_box(box: Box) -> Any:
    from lsst.images import Box as LsstBox

    return LsstBox.factory[box.y_start : box.y_stop, box.x_start : box.x_stop]


def _afw_box(box: Box) -> Any:
    from lsst.geom import Box2I, Extent2I, Point2I

    return Box2I(Point2I(box.x_start, box.y_start), Extent2I(box.width, box.height))
