"""Images in FITS files, in the layouts of afw and of lsst.images."""

__all__ = ("FitsImage", "open_fits_image")

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from ..domain import Box
from ._cut import Arrays
from .fits._afw_archive import read_sky_wcs_text
from .fits._bytes import ByteSource
from .fits._errors import ImageFileError
from .fits._hdus import Hdu, HduList
from .fits._plane import Plane, mask_planes_of
from .fits._planes import read_plane
from .wcs._ast import AstSkyMap, read_projection
from .wcs._sky_map import HeaderSkyMap, SkyMap

# The images of a detector mostly have the same, and the patches of a tract.
_ast_sky_map = lru_cache(maxsize=8)(AstSkyMap)


class FitsImage:
    """An image, its mask and its WCS in a FITS file.

    Raises `ImageFileError` if the file holds no two-dimensional image.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.name = source.name
        self._hdus = HduList(source)
        hdu = _find_image(self._hdus)
        x0, y0 = _read_xy0(hdu)
        self._image = Plane.of(hdu)
        self.unit = self._image.unit or self._hdus.primary.text("BUNIT") or None
        height, width = self._image.shape
        self.box = Box(x0, x0 + width, y0, y0 + height)
        self.psf: Any = None  # what opens the file may know it

    @cached_property
    def sky_map(self) -> SkyMap:
        """The exact WCS of the image.

        Raises `ImageFileError` if the file has no WCS, or it cannot be read.
        """
        try:
            if (sky_map := read_projection(self._hdus)) is not None:
                return sky_map
            if (text := read_sky_wcs_text(self._hdus)) is not None:
                return _ast_sky_map(text)
            return HeaderSkyMap(self._wcs_header(), self.box.x_start, self.box.y_start)
        except (ImageFileError, ImportError):
            raise
        except Exception as error:
            raise ImageFileError(self.name, f"has no usable WCS: {type(error).__name__}: {error}") from error

    @cached_property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name; none where there is no mask."""
        return {} if self._mask is None else mask_planes_of(self._mask)

    def read(self, boxes: Sequence[Box], kinds: Collection[str] = ("image",)) -> Arrays:
        # Docstring inherited.
        x0, y0 = self.box.x_start, self.box.y_start
        local = [Box(box.x_start - x0, box.x_stop - x0, box.y_start - y0, box.y_stop - y0) for box in boxes]
        hdus = {"mask": self._mask if "mask" in kinds else None}
        if "variance" in kinds:
            hdus["variance"] = self._hdus.find("VARIANCE")
        planes = {"image": self._image} if "image" in kinds else {}
        planes |= {kind: Plane.of(hdu) for kind, hdu in hdus.items() if hdu is not None}
        for kind, plane in planes.items():
            if plane.shape != self._image.shape:
                raise ImageFileError(self.name, f"has a {kind} of another size than its image")
        return {kind: read_plane(plane, local) for kind, plane in planes.items()}

    @cached_property
    def _mask(self) -> Hdu | None:
        return self._hdus.find("MASK")

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _wcs_header(self) -> Any:
        header = self._image.hdu.header
        if "CTYPE1" in header or "CTYPE1" not in self._hdus.primary.header:
            return header
        # Before EXTTYPE, afw kept the WCS of a lone image with the primary HDU.
        return self._hdus.primary.header


def open_fits_image(source: ByteSource) -> FitsImage:
    """Return the image in a FITS file.

    ``source``: the file; closed when this fails. Raises `ImageFileError` if the file holds no two-dimensional
    image.
    """
    try:
        return FitsImage(source)
    except BaseException:
        source.close()
        raise


def _find_image(hdus: HduList) -> Hdu:
    if hdus.primary.is_image:
        return hdus.primary
    nameless = None
    for hdu in hdus:
        if hdu.name == "IMAGE":
            return hdu
        # The latter is what libraries call an image that has no name.
        if nameless is None and hdu.index and hdu.is_image and hdu.name in ("", "COMPRESSED_IMAGE"):
            nameless = hdu
    return nameless or hdus.get("IMAGE")


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
    if max(map(abs, start)) > 2**31:
        raise ImageFileError(image.source.name, f"has an impossible xy0 in HDU {image.index}: {start}")
    return round(start[0]), round(start[1])
