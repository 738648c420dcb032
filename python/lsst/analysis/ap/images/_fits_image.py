"""Images in FITS files, in the layouts of afw and of lsst.images."""

__all__ = ("FitsImage", "open_fits_image")

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from numpy.typing import NDArray

from ..domain import Box
from ._mask_planes import mask_planes_from_header
from .fits._afw_archive import read_sky_wcs_text
from .fits._bytes import ByteSource
from .fits._errors import ImageFileError
from .fits._hdu import Hdu
from .fits._hdus import HduList
from .fits._planes import is_image, plane_shape, read_plane, read_unit
from .wcs._projection import is_lsst_images, read_projection
from .wcs._sky_map import AstSkyMap, HeaderSkyMap, SkyMap

# The images of a detector mostly have the same, and the patches of a tract.
_ast_sky_map = lru_cache(maxsize=8)(AstSkyMap)


class FitsImage:
    """An image, its mask and its WCS in a FITS file.

    Parameters
    ----------
    source : `ByteSource`
        The file; closed with the image.

    Raises
    ------
    ImageFileError
        Raised if the file holds no two-dimensional image.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.name = source.name
        self._hdus = HduList(source)
        self._image = _find_image(self._hdus)
        height, width = plane_shape(self._image)
        x0, y0 = _read_xy0(self._image)
        self.box = Box(x0, x0 + width, y0, y0 + height)
        self.psf: Any = None  # what opens the file may know it

    @cached_property
    def sky_map(self) -> SkyMap:
        """The exact WCS of the image.

        Raises
        ------
        ImageFileError
            Raised if the file has no WCS, or it cannot be read.
        """
        try:
            if is_lsst_images(self._hdus):
                return read_projection(self._hdus)
            if (text := read_sky_wcs_text(self._hdus)) is not None:
                return _ast_sky_map(text)
            return HeaderSkyMap(self._wcs_header(), self.box.x_start, self.box.y_start)
        except (ImageFileError, ImportError):
            raise
        except Exception as error:
            raise ImageFileError(self.name, f"has no usable WCS: {type(error).__name__}: {error}") from error

    @cached_property
    def unit(self) -> str | None:
        """Unit of the pixels, BUNIT of the image or of the file."""
        return read_unit(self._image) or read_unit(self._hdus.primary)

    @cached_property
    def has_mask(self) -> bool:
        """Whether the file has a mask."""
        return self._find("MASK") is not None

    @cached_property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name."""
        mask = self._mask
        try:
            return mask_planes_from_header(mask.header)
        except ImageFileError:
            raise
        except Exception as error:
            raise ImageFileError(self.name, f"has a corrupt mask header: {error}") from error

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
        return read_plane(self._image, [self._to_local(box) for box in boxes])

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
        if plane_shape(self._mask) != self.box.shape:
            raise ImageFileError(self.name, "has a mask of another size than its image")
        return read_plane(self._mask, [self._to_local(box) for box in boxes])

    def read_variance(self, boxes: Sequence[Box]) -> list[NDArray[Any]] | None:
        """Return variances of pixels of the image.

        Parameters
        ----------
        boxes : `~collections.abc.Sequence` [`Box`]
            What to read, PARENT pixels, inside of ``box``.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`] or `None`
            One array per box; `None` where the file has no variances.
        """
        variance = self._find("VARIANCE")
        if variance is None:
            return None
        if plane_shape(variance) != self.box.shape:
            raise ImageFileError(self.name, "has variances of another size than its image")
        return read_plane(variance, [self._to_local(box) for box in boxes])

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _find(self, name: str) -> Hdu | None:
        return next((hdu for hdu in self._hdus if hdu.index and hdu.name == name), None)

    @cached_property
    def _mask(self) -> Hdu:
        return self._hdus.find("MASK")

    def _to_local(self, box: Box) -> Box:
        x0, y0 = self.box.x_start, self.box.y_start
        return Box(box.x_start - x0, box.x_stop - x0, box.y_start - y0, box.y_stop - y0)

    def _wcs_header(self) -> Any:
        header = self._image.header
        if "CTYPE1" in header or "CTYPE1" not in self._hdus.primary.header:
            return header
        # Before EXTTYPE, afw kept the WCS of a lone image with the primary HDU.
        return self._hdus.primary.header


def open_fits_image(source: ByteSource) -> FitsImage:
    """Return the image in a FITS file.

    Parameters
    ----------
    source : `ByteSource`
        The file; closed when this fails.

    Returns
    -------
    image : `FitsImage`
        The image, open.

    Raises
    ------
    ImageFileError
        Raised if the file holds no two-dimensional image.
    """
    try:
        return FitsImage(source)
    except BaseException:
        source.close()
        raise


def _find_image(hdus: HduList) -> Hdu:
    if is_image(hdus.primary):
        return hdus.primary
    nameless = None
    for hdu in hdus:
        if hdu.name == "IMAGE":
            return hdu
        # The latter is what libraries call an image that has no name.
        if nameless is None and hdu.index and is_image(hdu) and hdu.name in ("", "COMPRESSED_IMAGE"):
            nameless = hdu
    return nameless or hdus.find("IMAGE")


def _read_xy0(image: Hdu) -> tuple[int, int]:
    """Return the PARENT position of the first pixel.

    Both packages write it as the linear WCS "A", whose reference pixel is
    CRPIX (1-based); afw also as LTV, with the opposite sign.
    """
    start = []
    for axis in (1, 2):
        if image.value(f"CRVAL{axis}A") is not None:
            start.append(image.number(f"CRVAL{axis}A", 0.0) + 1.0 - image.number(f"CRPIX{axis}A", 1.0))
        else:
            start.append(-image.number(f"LTV{axis}", 0.0))
    if max(abs(value) for value in start) > 2**31:
        raise ImageFileError(image.source.name, f"has an impossible xy0 in HDU {image.index}: {start}")
    return round(start[0]), round(start[1])
