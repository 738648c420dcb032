"""Images that are already in memory, of afw or of lsst.images."""

__all__ = ("ObjectImage", "read_triplets")

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..domain import Box, CutoutsError, Triplet
from ._cut import Grid
from ._errors import MissingDatasetError, StampError
from ._mask_planes import afw_plane_name
from ._triplets import Opener, cut_triplets
from .wcs._sky_map import AfwSkyMap, LsstSkyMap, SkyMap


class ObjectImage:
    """An image in memory.

    Parameters
    ----------
    image : `lsst.afw.image.Exposure` or `lsst.images.GeneralizedImage`
        The image, with its WCS.
    name : `str`, optional
        What to call it in messages.

    Raises
    ------
    CutoutsError
        Raised if the object is neither.
    """

    def __init__(self, image: Any, name: str = "in memory") -> None:
        self.name = name
        self._object = image
        self._is_afw = hasattr(image, "getWcs")
        if self._is_afw:
            bbox = image.getBBox()
            x0, y0 = bbox.getMinX(), bbox.getMinY()
            self.box = Box(x0, x0 + bbox.getWidth(), y0, y0 + bbox.getHeight())
        elif hasattr(image, "sky_projection"):
            x, y = image.bbox.x, image.bbox.y
            self.box = Box(x.start, x.stop, y.start, y.stop)
        else:
            raise CutoutsError(
                f"{name}: a {type(image).__name__} is neither an afw Exposure nor an image of lsst.images"
            )

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

    @property
    def has_mask(self) -> bool:
        """Whether the image comes with a mask."""
        return getattr(self._object, "mask", None) is not None

    @cached_property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name."""
        mask = self._mask
        if self._is_afw:
            return dict(mask.getMaskPlaneDict())
        planes = enumerate(plane for plane in mask.schema)
        return {afw_plane_name(plane.name): bit for bit, plane in planes if plane is not None and bit < 32}

    def read(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        """Return pixels of the image.

        Parameters
        ----------
        boxes : `~collections.abc.Sequence` [`Box`]
            What to read, PARENT pixels, inside of ``box``.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`]
            One array per box, a copy.
        """
        # A plain Image has no image of its own.
        pixels = getattr(self._object, "image", self._object).array
        return [np.array(pixels[box.slices_within(self.box)]) for box in boxes]

    def read_mask(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        """Return bits of the mask.

        Parameters
        ----------
        boxes : `~collections.abc.Sequence` [`Box`]
            What to read, PARENT pixels, inside of ``box``.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`]
            One array per box, a copy.
        """
        slices = [box.slices_within(self.box) for box in boxes]
        if self._is_afw:
            return [np.array(self._mask.array[part]) for part in slices]
        return [self._lsst_bits(part) for part in slices]

    def read_variance(self, boxes: Sequence[Box]) -> list[NDArray[Any]] | None:
        """Return variances of pixels of the image.

        Parameters
        ----------
        boxes : `~collections.abc.Sequence` [`Box`]
            What to read, PARENT pixels, inside of ``box``.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`] or `None`
            One array per box, a copy; `None` where the image has no variances.
        """
        variance = getattr(self._object, "variance", None)
        if variance is None:
            return None
        return [np.array(variance.array[box.slices_within(self.box)]) for box in boxes]

    @cached_property
    def psf(self) -> Any:
        """The point-spread function; `None` where it has none."""
        return self._object.getPsf() if self._is_afw else getattr(self._object, "psf", None)

    def close(self) -> None:
        """Do nothing: the image belongs to who made it."""

    @property
    def _mask(self) -> Any:
        mask = getattr(self._object, "mask", None)
        if mask is None:
            raise CutoutsError(f"{self.name}: has no mask")
        return mask

    def _lsst_bits(self, part: tuple[slice, slice]) -> NDArray[Any]:
        # lsst.images spreads the planes over as many bytes as they need; the
        # order of the schema is the order of the bits.
        array = self._mask.array[part]
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
) -> list[tuple[Triplet, ...] | StampError]:
    """Return the stamps of three images in memory around some sky positions.

    Parameters
    ----------
    template, science, difference : `lsst.afw.image.Exposure` or
            `lsst.images.GeneralizedImage`
        The images, each with its own WCS; the difference may be `None`.
    ra, dec : `numpy.ndarray`
        ICRS degrees, shape (N,).
    sizes : `numpy.ndarray`
        Sides of the stamps in pixels: the same for all sources, shape
        (sizes,), or each source its own, shape (N, sizes).
    planes : `~collections.abc.Collection` [`str`], optional
        Mask planes that somebody needs; the masks are read when there are any.

    Returns
    -------
    triplets : `list` [`tuple` [`Triplet`, ...] or `StampError`]
        For each position a triplet per size, or why there are none.
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
