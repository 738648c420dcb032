"""From stored to physical pixel values."""

__all__ = ("to_physical",)

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from ._hdu import Hdu


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
    for name in ("BSCALE", "BZERO", "BLANK"):
        # A damaged card would fail later, without the name of the file.
        hdu.number(name, 0)
    cards = [(name, hdu.value(name)) for name in ("BSCALE", "BZERO", "BLANK")]
    cards = [(name, value) for name, value in cards if value is not None and (name != "BLANK" or bitpix > 0)]
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
