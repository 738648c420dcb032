"""What the header of an image says of its pixels: how many, of what type and scale, and of a mask's bits."""

__all__ = ("Plane", "afw_plane_name", "mask_planes_of")

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from ._errors import ImageFileError
from ._hdus import BLOCK, Hdu

PIXEL_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""NumPy types of BITPIX (FITS standard 4.0, table 8)."""


@dataclass(frozen=True)
class Plane:
    """An image of two dimensions."""

    hdu: Hdu
    """Its unit."""
    is_compressed: bool
    """Whether its pixels are in a table."""
    shape: tuple[int, int]
    """Rows, columns."""
    dtype: np.dtype[Any]
    """Type of the pixels before BSCALE and BZERO, in the byte order of the file."""
    scaling: dict[str, Any]
    """Those of BSCALE, BZERO and BLANK that the header has.

    Where a compressed image of integers has no BLANK ZBLANK counts, which the standard has for quantized
    pixels only (FITS standard 4.0, section 10.1.1) but Pan-STARRS writes for integers too.
    """
    unit: str | None
    """BUNIT; `None` where the header has none."""

    @classmethod
    def of(cls, hdu: Hdu) -> "Plane":
        """Return what the header of an image says.

        ``hdu``: an image, compressed or not. Returns: what its pixels are. Raises `ImageFileError` if it is
        not a two-dimensional image, or its header is damaged.
        """
        is_compressed = hdu.is_compressed
        prefix = "Z" if is_compressed else ""
        axes = hdu.integer(f"{prefix}NAXIS") if hdu.is_image else 0
        lengths = [hdu.integer(f"{prefix}NAXIS{axis}") for axis in range(1, min(axes, 999) + 1)]
        bitpix = hdu.integer(f"{prefix}BITPIX")
        scaling = {"BSCALE": hdu.value("BSCALE"), "BZERO": hdu.value("BZERO")}
        for name in scaling:
            # A damaged card would fail later, without the name of the file.
            hdu.number(name, 0)
        for name in ("BLANK", "ZBLANK") if is_compressed else ("BLANK",):
            if bitpix > 0 and hdu.value(name) is not None:
                scaling.setdefault("BLANK", int(hdu.number(name, 0)))
        if bitpix > 0 and is_compressed and "BLANK" not in scaling and "ZBLANK" in dict(hdu.columns()):
            # Each tile has its own; astropy makes all of them the least integer.
            scaling["BLANK"] = -(1 << (bitpix - 1))
        unit = hdu.text("BUNIT") or None
        name, index = hdu.source.name, hdu.index
        if not axes and hdu.text("XTENSION", "IMAGE") != "IMAGE":
            raise ImageFileError(name, f"has a table, not an image, in HDU {index}")
        # Radio astronomers' images have axes of one frequency, one polarisation.
        if len(lengths) < 2 or lengths[2:] != [1] * (axes - 2):
            raise ImageFileError(name, f"has an image of {axes} dimensions in HDU {index}, not 2")
        width, height = lengths[:2]
        if height <= 0 or width <= 0:
            raise ImageFileError(name, f"has an image of {width}x{height} pixels in HDU {index}")
        if bitpix not in PIXEL_TYPES:
            raise hdu.corrupt(f"header: {prefix}BITPIX = {bitpix}")
        scaling = {name: value for name, value in scaling.items() if value is not None}
        dtype = np.dtype(PIXEL_TYPES[bitpix])
        return cls(hdu, is_compressed, (height, width), dtype, scaling, unit)

    def to_physical(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Apply BSCALE, BZERO and BLANK as astropy does.

        ``arrays``: stored values, all of one type. Returns: physical values, of the type that astropy gives
        the whole image.
        """
        is_plain = self.scaling.get("BSCALE", 1) == 1 and self.scaling.get("BZERO", 0) == 0
        if not arrays or (is_plain and "BLANK" not in self.scaling):
            return list(arrays)
        stored = np.concatenate([array.ravel() for array in arrays])
        bitpix = next(bitpix for bitpix, dtype in PIXEL_TYPES.items() if dtype == self.dtype)
        header = fits.Header([("XTENSION", "IMAGE"), ("BITPIX", bitpix), ("NAXIS", 1)])
        header.update([("NAXIS1", stored.size), ("PCOUNT", 0), ("GCOUNT", 1), *self.scaling.items()])
        data = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
        text = header.tostring().encode("ascii")
        physical = fits.ImageHDU.fromstring(text + data + bytes(-len(data) % BLOCK)).data
        pieces = np.split(physical, np.cumsum([array.size for array in arrays])[:-1])
        return [piece.reshape(array.shape) for piece, array in zip(pieces, arrays, strict=True)]


AFW_NAMES = {
    "SATURATED": "SAT",
    "INTERPOLATED": "INTRP",
    "COSMIC_RAY": "CR",
    "DETECTION_EDGE": "EDGE",
    "UNMASKED_NAN": "UNMASKEDNAN",
}
"""Mask planes that lsst.images names otherwise than afw
(`lsst.images.get_legacy_visit_image_mask_planes`)."""


def afw_plane_name(name: str) -> str:
    """Return afw's name of a mask plane.

    ``name``: name in either package.
    """
    return AFW_NAMES.get(name, name)


def mask_planes_of(mask: Hdu) -> dict[str, int]:
    """Return the mask planes that a mask's header describes.

    ``mask``: the mask. afw writes ``MP_<name> = bit``, lsst.images ``MSKNnnnn = name`` and ``MSKMnnnn = 1 <<
    bit``. Returns: bit number by afw's name. Raises `ImageFileError` if the header is damaged.
    """
    cards = mask.matching("MP_", "MSKN", "MSKM")
    bits = {name.removeprefix("MP_"): bit for name, bit in cards.items() if name.startswith("MP_")}
    for keyword, name in cards.items():
        if keyword.startswith("MSKN") and isinstance(value := cards.get(f"MSKM{keyword[4:]}"), int):
            bits[AFW_NAMES.get(name, name)] = value.bit_length() - 1
    return {name: bit for name, bit in bits.items() if isinstance(bit, int) and 0 <= bit < 32}
