"""Images that are already in memory, of afw or of lsst.images."""

__all__ = ("ObjectImage", "box_of", "read_triplets")

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..domain import Box, CutoutsError
from ._cut import Arrays, Grid, Opener, cut_triplets
from ._errors import MissingDatasetError, Stamps
from .fits._plane import afw_plane_name
from .wcs._sky_map import AfwSkyMap, LsstSkyMap, SkyMap


class ObjectImage:
    """An image in memory.

    Raises `CutoutsError` if the object is neither.
    """

    def __init__(self, image: Any, name: str = "in memory") -> None:
        self.name = name
        self._object = image
        self._is_afw = hasattr(image, "getWcs")
        if not self._is_afw and not hasattr(image, "sky_projection"):
            raise CutoutsError(
                f"{name}: a {type(image).__name__} is neither an afw Exposure nor an image of lsst.images"
            )
        self.box = box_of(image.getBBox() if self._is_afw else image.bbox)

    @cached_property
    def sky_map(self) -> SkyMap:
        """The exact WCS of the image."""
        wcs = self._object.getWcs() if self._is_afw else self._object.sky_projection
        if wcs is None:
            raise CutoutsError(f"{self.name}: has no WCS")
        return AfwSkyMap(wcs) if self._is_afw else LsstSkyMap(wcs)

    @cached_property
    def unit(self) -> str | None:
        """Unit of the pixels; `None` where nothing says it."""
        if not self._is_afw:
            unit = getattr(self._object, "unit", None)
            return None if unit is None else str(unit)
        metadata = self._object.getMetadata()
        return str(metadata.getScalar("BUNIT")) if metadata.exists("BUNIT") else None

    @cached_property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name; none where there is no mask."""
        mask = getattr(self._object, "mask", None)
        if mask is None:
            return {}
        if self._is_afw:
            return dict(mask.getMaskPlaneDict())
        planes = enumerate(plane for plane in mask.schema)
        return {afw_plane_name(plane.name): bit for bit, plane in planes if plane is not None and bit < 32}

    def read(self, boxes: Sequence[Box], kinds: Collection[str] = ("image",)) -> Arrays:
        # Docstring inherited. The arrays are copies.
        arrays = {}
        for kind in kinds:
            # A plain Image has no image of its own.
            pixels = getattr(self._object, kind, self._object if kind == "image" else None)
            if pixels is not None:
                parts = [pixels.array[box.slices_within(self.box)] for box in boxes]
                is_schemed = kind == "mask" and not self._is_afw
                arrays[kind] = [_bits(part) if is_schemed else np.array(part) for part in parts]
        return arrays

    @cached_property
    def psf(self) -> Any:
        """The point-spread function; `None` where it has none."""
        return self._object.getPsf() if self._is_afw else getattr(self._object, "psf", None)

    def close(self) -> None:
        """Do nothing: the image belongs to who made it."""


def box_of(bbox: Any) -> Box:
    """Return a box of afw or of lsst.images as ours."""
    if hasattr(bbox, "getMinX"):
        x0, y0 = bbox.getMinX(), bbox.getMinY()
        return Box(x0, x0 + bbox.getWidth(), y0, y0 + bbox.getHeight())
    return Box(bbox.x.start, bbox.x.stop, bbox.y.start, bbox.y.stop)


def _bits(array: NDArray[Any]) -> NDArray[np.int32]:
    """Return the bits of a mask of lsst.images, whose planes lie in as many bytes as they need.

    The order of the schema is the order of the bits.
    """
    bits = np.zeros(array.shape[:2], dtype=np.uint32)
    width = 8 * array.dtype.itemsize
    for element in range(min(array.shape[2], 32 // width)):
        bits |= array[:, :, element].astype(np.uint32) << np.uint32(width * element)
    return bits.view(np.int32)


def read_triplets(
    template: Any,
    science: Any,
    difference: Any,
    ra: ArrayLike,
    dec: ArrayLike,
    sizes: ArrayLike,
    *,
    planes: Collection[str] = (),
) -> Stamps:
    """Return the stamps of three images in memory around some sky positions.

    ``template``, ``science``, ``difference``: `lsst.images.GeneralizedImage` The images, each with its own
    WCS; the difference may be `None`. ``ra``, ``dec``: ICRS degrees, shape (N,). ``sizes``: sides of the
    stamps in pixels: the same for all sources, shape (sizes,), or each source its own, shape (N, sizes).
    ``planes``: mask planes that somebody needs; the masks are read when there are any. Returns: for each
    position a triplet per size, or why there are none.
    """

    def opener(image: Any) -> Opener:
        def open_image(grid: Grid | None) -> ObjectImage:
            if image is None:
                raise MissingDatasetError("there is none")
            return ObjectImage(image)

        return open_image

    return cut_triplets(
        {"template": opener(template), "science": opener(science), "difference": opener(difference)},
        np.asarray(ra, dtype=np.float64),
        np.asarray(dec, dtype=np.float64),
        sizes,
        with_mask=bool(planes),
        require_difference=difference is not None,
    )
