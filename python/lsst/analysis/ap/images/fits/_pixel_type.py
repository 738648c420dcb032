"""The type of an image's pixels as FITS stores them."""

__all__ = ("pixel_type",)

from typing import Any

import numpy as np

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
