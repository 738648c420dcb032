"""The codecs of compressed tiles, from bytes of the file to bytes of pixels."""

__all__ = ("Codec", "codec_for", "decode_raw")

from collections.abc import Buffer
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._hdu import Hdu
from ._inflate import inflate
from ._pixel_type import pixel_type
from ._tile_table import UnsupportedTilesError

try:
    from astropy.io.fits.hdu.compressed._codecs import Rice1
except ImportError:
    # Without it astropy itself reads RICE images, more slowly.
    Rice1 = None


MAX_ITEM_SIZE = 8
"""Bytes of the largest pixel there is; some writers store wider ones than the
image's."""


@dataclass(frozen=True)
class Codec:
    """How the pixels of a tile are stored."""

    name: str
    """``GZIP_1``, ``GZIP_2`` or ``RICE_1``."""

    dtype: np.dtype[Any]
    """Type of the values that come out, in the byte order they come in."""

    shuffled: bool = False
    """Whether first all first bytes come, then all second ones, and so on
    (FITS standard 4.0, section 10.4.2)."""

    block_size: int = 32
    """Pixels per block of RICE_1."""

    @property
    def has_checksum(self) -> bool:
        """Whether damage to a tile is always noticed."""
        return self.name != "RICE_1"

    def decode(self, data: Buffer, count: int) -> Buffer:
        """Return the bytes of a tile's pixels.

        Parameters
        ----------
        data : `~collections.abc.Buffer`
            The compressed tile.
        count : `int`
            Number of pixels.

        Returns
        -------
        decoded : `~collections.abc.Buffer`
            Bytes; still shuffled where the codec is.

        Raises
        ------
        ValueError
            Raised if the tile is corrupt.
        """
        if self.name != "RICE_1":
            return inflate(data, count * self.dtype.itemsize, count * MAX_ITEM_SIZE)
        codec = Rice1(blocksize=self.block_size, bytepix=self.dtype.itemsize, tilesize=count)
        try:
            decoded: Buffer = codec.decode(np.frombuffer(data, np.uint8))
        except Exception as error:
            raise ValueError(f"cannot be decoded: {error}") from error
        return decoded


def codec_for(hdu: Hdu, *, quantized: bool) -> Codec:
    """Return the codec of a compressed image.

    Parameters
    ----------
    hdu : `Hdu`
        A compressed image.
    quantized : `bool`
        Whether its floating-point pixels are stored as integers.

    Returns
    -------
    codec : `Codec`
        The codec.

    Raises
    ------
    UnsupportedTilesError
        Raised if there is none of ours.
    """
    name = str(hdu.value("ZCMPTYPE", "")).strip().upper()
    if name in ("GZIP_1", "GZIP_2"):
        return Codec(name, np.dtype(">i4") if quantized else pixel_type(hdu), shuffled=name == "GZIP_2")
    if name in ("RICE_1", "RICE_ONE") and Rice1 is not None:
        settings = {
            str(hdu.value(f"ZNAME{i}")).strip().upper(): hdu.value(f"ZVAL{i}")
            for i in range(1, 10)
            if hdu.value(f"ZNAME{i}") is not None
        }
        width = settings.get("BYTEPIX", 4)
        block_size = settings.get("BLOCKSIZE", 32)
        if width in (1, 2, 4) and block_size in (16, 32):
            return Codec("RICE_1", np.dtype({1: "u1", 2: "=i2", 4: "=i4"}[width]), block_size=block_size)
    raise UnsupportedTilesError(name)


def decode_raw(data: Buffer, count: int, dtype: np.dtype[Any], *, compressed: bool) -> Buffer:
    """Return the bytes of a tile that was stored without quantization.

    Parameters
    ----------
    data : `~collections.abc.Buffer`
        The tile, of GZIP_COMPRESSED_DATA or UNCOMPRESSED_DATA.
    count : `int`
        Number of pixels.
    dtype : `numpy.dtype`
        Type of the pixels.
    compressed : `bool`
        Whether it is a gzip stream.

    Returns
    -------
    decoded : `~collections.abc.Buffer`
        Bytes.

    Raises
    ------
    ValueError
        Raised if the tile is corrupt.
    """
    return inflate(data, count * dtype.itemsize, count * MAX_ITEM_SIZE) if compressed else data
