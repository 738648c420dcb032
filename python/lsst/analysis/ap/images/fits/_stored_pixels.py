"""What the stored values of a compressed image mean."""

__all__ = ("StoredPixels", "unshuffle")

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._codecs import Codec, codec_for
from ._errors import ImageFileError
from ._quantization import Dequantizer
from ._tile_table import TileTable, UnsupportedTilesError
from ._values import blank_value, pixel_type


@dataclass(frozen=True)
class StoredPixels:
    """What the stored values of an image mean."""

    codec: Codec
    """How tiles are compressed."""

    dtype: np.dtype[Any]
    """Type of the pixels before BSCALE and BZERO, native byte order."""

    raw_dtype: np.dtype[Any]
    """The same in the byte order of the file."""

    dequantizer: Dequantizer | None
    """What turns integers into floating-point pixels; `None` where they are
    stored as they are."""

    blank: int | None
    """Stored value of pixels without data that becomes NaN here; that of
    integers stays as it is until they are scaled."""

    missing: float
    """What becomes of stored values without data."""

    has_blank_column: bool
    """Whether each tile has a value of its own for pixels without data."""

    @classmethod
    def of(cls, table: TileTable) -> "StoredPixels":
        """Return what the header and the table of an image say.

        Parameters
        ----------
        table : `TileTable`
            The table of a compressed image.

        Returns
        -------
        pixels : `StoredPixels`
            What its values mean.

        Raises
        ------
        ImageFileError
            Raised if they say nothing that makes sense.
        UnsupportedTilesError
            Raised if only astropy reads this kind of image.
        """
        hdu = table.hdu
        bitpix = hdu.integer("ZBITPIX")
        dtype = pixel_type(hdu)
        native = dtype.newbyteorder("=")
        quantized = table.has("ZSCALE")
        has_blank_column = table.has("ZBLANK")
        if quantized and (bitpix > 0 or not table.has("ZZERO")):
            reason = f"has a corrupt tile table in HDU {hdu.index}: scales without ZZERO, or of integers"
            raise ImageFileError(hdu.source.name, reason)
        missing: float = np.nan
        if has_blank_column and bitpix > 0:
            missing = blank_value(hdu) or 0
            if not np.iinfo(native).min <= missing <= np.iinfo(native).max:
                raise ImageFileError(hdu.source.name, f"names no BLANK for the integers of HDU {hdu.index}")
        dequantizer = None
        if quantized:
            try:
                method = str(hdu.value("ZQUANTIZ", "NO_DITHER")).strip()
                dequantizer = Dequantizer(method, hdu.integer("ZDITHER0", 0), native)
            except ValueError as error:
                raise ImageFileError(hdu.source.name, f"has a corrupt HDU {hdu.index}: {error}") from error
        blank = hdu.value("ZBLANK", hdu.value("BLANK")) if bitpix < 0 else None
        codec = codec_for(hdu, quantized=quantized)
        if not quantized and codec.dtype.kind != native.kind:
            raise UnsupportedTilesError("floating-point pixels in a codec of integers")
        return cls(codec, native, dtype, dequantizer, blank, missing, has_blank_column)

    def tile_bytes(self, table: TileTable) -> int:
        """Return how many bytes the stored values of a whole tile may have.

        Parameters
        ----------
        table : `TileTable`
            The table of the image.

        Returns
        -------
        size : `int`
            Bytes.
        """
        item_size = max(self.codec.dtype.itemsize, self.raw_dtype.itemsize)
        return table.tile_shape[0] * table.tile_shape[1] * item_size


def unshuffle(stored: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Put the bytes of pixels together.

    Parameters
    ----------
    stored : `numpy.ndarray`
        First all first bytes of a tile, then all second ones, and so on, shape
        (tiles, bytes, rows, columns).
    dtype : `numpy.dtype`
        Type of the pixels; the most significant byte comes first.

    Returns
    -------
    values : `numpy.ndarray`
        Pixels in native byte order, shape (tiles, rows, columns).
    """
    count, size, height, width = stored.shape
    values = np.empty((count, height, width), dtype=dtype.newbyteorder("="))
    target = values.view(np.uint8).reshape(count, height, width, size)
    is_big_endian = values.dtype.newbyteorder(">") == values.dtype and size > 1
    for byte in range(size):
        # The most significant byte comes first in the file.
        target[..., byte if is_big_endian else size - 1 - byte] = stored[:, byte]
    return values
