"""What the stored values of an image mean: their type, their scale, no data."""

__all__ = ("blank_value", "pixel_type", "to_physical")

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from ._errors import ImageFileError
from ._hdu import Hdu

PIXEL_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""NumPy types of BITPIX (FITS standard 4.0, table 8)."""


def pixel_type(hdu: Hdu) -> np.dtype[Any]:
    """Return the type of an image's pixels.

    Parameters
    ----------
    hdu : `Hdu`
        An image, compressed or not.

    Returns
    -------
    dtype : `numpy.dtype`
        Big-endian, before BSCALE and BZERO.

    Raises
    ------
    ImageFileError
        Raised if the header names no such type.
    """
    keyword = "ZBITPIX" if hdu.is_compressed else "BITPIX"
    bitpix = hdu.integer(keyword)
    if bitpix not in PIXEL_TYPES:
        raise ImageFileError(hdu.source.name, f"has a corrupt HDU {hdu.index}, header: {keyword} = {bitpix}")
    return np.dtype(PIXEL_TYPES[bitpix])


def blank_value(hdu: Hdu) -> int | None:
    """Return the stored value of an image's pixels that have no data.

    Parameters
    ----------
    hdu : `Hdu`
        An image, compressed or not.

    Returns
    -------
    blank : `int` or `None`
        BLANK. Where a compressed image of integers has none ZBLANK counts,
        which the standard has for quantized pixels only (FITS standard 4.0,
        section 10.1.1) but Pan-STARRS writes for integers too.

    Raises
    ------
    ImageFileError
        Raised if the card is not a number.
    """
    for name in ("BLANK", "ZBLANK") if hdu.is_compressed else ("BLANK",):
        if hdu.value(name) is not None:
            return int(hdu.number(name, 0))
    if hdu.is_compressed and "ZBLANK" in hdu.column_names():
        # Each tile has its own; astropy makes all of them the least integer.
        return -(1 << (abs(hdu.integer("ZBITPIX")) - 1))
    return None


def to_physical(hdu: Hdu, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Apply BSCALE, BZERO and BLANK as astropy does.

    Parameters
    ----------
    hdu : `Hdu`
        The image that the values come from.
    arrays : `~collections.abc.Sequence` [`numpy.ndarray`]
        Stored values, all of one type.

    Returns
    -------
    arrays : `list` [`numpy.ndarray`]
        Physical values, of the type that astropy gives the whole image.
    """
    bitpix = hdu.integer("ZBITPIX" if hdu.is_compressed else "BITPIX")
    for name in ("BSCALE", "BZERO"):
        # A damaged card would fail later, without the name of the file.
        hdu.number(name, 0)
    blank = blank_value(hdu) if bitpix > 0 else None
    cards = [("BSCALE", hdu.value("BSCALE")), ("BZERO", hdu.value("BZERO")), ("BLANK", blank)]
    cards = [(name, value) for name, value in cards if value is not None]
    scale, zero = dict(cards).get("BSCALE", 1), dict(cards).get("BZERO", 0)
    if not arrays or (scale == 1 and zero == 0 and "BLANK" not in dict(cards)):
        return list(arrays)
    stored = np.concatenate([array.ravel() for array in arrays])
    header = fits.Header([("XTENSION", "IMAGE"), ("BITPIX", bitpix), ("NAXIS", 1), ("NAXIS1", stored.size)])
    header.update([("PCOUNT", 0), ("GCOUNT", 1), *cards])
    data = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    text = header.tostring().encode("ascii")
    physical = fits.ImageHDU.fromstring(text + data + bytes(-len(data) % 2880)).data
    pieces = np.split(physical, np.cumsum([array.size for array in arrays])[:-1])
    return [piece.reshape(array.shape) for piece, array in zip(pieces, arrays, strict=True)]
