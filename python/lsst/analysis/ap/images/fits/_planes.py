"""Parts of one image plane of a FITS file, each byte of it decoded once.

Decoding the tiles costs less than a library's full read of the plane even
when every tile is wanted, so there is one way for few boxes and for many. What
differs is how bytes are fetched: see `ByteSource.plan`.
"""

__all__ = ("is_image", "plane_shape", "read_plane", "read_unit")

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from ...domain import Box
from ._astropy import read_with_astropy
from ._errors import ImageFileError
from ._hdu import Hdu
from ._tile_table import UnsupportedTilesError
from ._tiles import check_gzip_tiles, read_tiles
from ._uncompressed import read_uncompressed


def is_image(hdu: Hdu) -> bool:
    """Return whether a unit holds an image of two or more axes.

    Parameters
    ----------
    hdu : `Hdu`
        The unit.

    Returns
    -------
    is_image : `bool`
        Whether there are pixels; axes of length 0 are for `plane_shape`.
    """
    if hdu.is_compressed:
        return True
    return str(hdu.value("XTENSION", "IMAGE")).strip() == "IMAGE" and hdu.integer("NAXIS") >= 2


def read_unit(hdu: Hdu) -> str | None:
    """Return the unit of an image's pixels.

    Parameters
    ----------
    hdu : `Hdu`
        The image.

    Returns
    -------
    unit : `str` or `None`
        BUNIT as the header has it; `None` where it has none.
    """
    unit = hdu.value("BUNIT")
    return (str(unit).strip() or None) if unit is not None else None


def plane_shape(hdu: Hdu) -> tuple[int, int]:
    """Return the shape of an image.

    Parameters
    ----------
    hdu : `Hdu`
        An image, compressed or not.

    Returns
    -------
    shape : `tuple` [`int`, `int`]
        Rows, columns.

    Raises
    ------
    ImageFileError
        Raised if it is not a two-dimensional image.
    """
    prefix = "Z" if hdu.is_compressed else ""
    if not prefix and str(hdu.value("XTENSION", "IMAGE")).strip() != "IMAGE":
        raise ImageFileError(hdu.source.name, f"has a table, not an image, in HDU {hdu.index}")
    axes = hdu.integer(f"{prefix}NAXIS")
    # Radio astronomers' images have axes of one frequency, one polarisation.
    if axes < 2 or any(hdu.integer(f"{prefix}NAXIS{axis}") != 1 for axis in range(3, min(axes, 999) + 1)):
        raise ImageFileError(hdu.source.name, f"has an image of {axes} dimensions in HDU {hdu.index}, not 2")
    height, width = hdu.integer(f"{prefix}NAXIS2"), hdu.integer(f"{prefix}NAXIS1")
    if height <= 0 or width <= 0:
        raise ImageFileError(hdu.source.name, f"has an image of {width}x{height} pixels in HDU {hdu.index}")
    return height, width


def read_plane(hdu: Hdu, boxes: Sequence[Box]) -> list[NDArray[Any]]:
    """Return parts of an image.

    Parameters
    ----------
    hdu : `Hdu`
        An image, compressed or not.
    boxes : `~collections.abc.Sequence` [`Box`]
        What to read, LOCAL pixels: the first pixel of the image is (0, 0). All
        of them lie on the image.

    Returns
    -------
    arrays : `list` [`numpy.ndarray`]
        One array per box with the values that astropy's full read has there.

    Raises
    ------
    ImageFileError
        Raised if the file is truncated or corrupt.
    """
    if not boxes:
        return []
    shape = plane_shape(hdu)
    if not hdu.is_compressed:
        return read_uncompressed(hdu, shape, boxes)
    try:
        return read_tiles(hdu, shape, boxes)
    except UnsupportedTilesError:
        if str(hdu.value("ZCMPTYPE", "")).strip().upper().startswith("GZIP"):
            # astropy inflates whatever comes, without end.
            check_gzip_tiles(hdu, shape, boxes)
        return read_with_astropy(hdu, boxes)
