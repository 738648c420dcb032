"""Where the compressed tiles of an image lie in a FITS file."""

__all__ = ("TileTable", "UnsupportedTilesError")

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import ImageFileError
from ._hdu import Hdu

COLUMN_TYPES = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "L": "u1"}
ARRAY_TYPES = {"P": ">i4", "Q": ">i8"}
"""NumPy types of the columns of binary tables (FITS standard 4.0, table 18)."""

MAX_TILES = 2**27


class UnsupportedTilesError(Exception):
    """A kind of tiled image that only astropy reads."""


@dataclass(frozen=True)
class TileTable:
    """The table that holds a compressed image (FITS standard 4.0, section 10)."""

    hdu: Hdu
    """Its HDU."""

    shape: tuple[int, int]
    """Rows and columns of the image."""

    tile_shape: tuple[int, int]
    """Rows and columns of a tile; those at the far edges may be smaller."""

    rows: NDArray[Any]
    """The rows of the table, one per tile."""

    element_sizes: dict[str, int]
    """Bytes per element in the heap, by name of the array column."""

    heap_start: int
    """Offset of the heap in the file."""

    heap_stop: int
    """One past the last byte of the heap."""

    @property
    def grid(self) -> tuple[int, int]:
        """Number of tiles along y and x."""
        return -(-self.shape[0] // self.tile_shape[0]), -(-self.shape[1] // self.tile_shape[1])

    def has(self, column: str) -> bool:
        """Return whether the table has a column.

        Parameters
        ----------
        column : `str`
            Name of the column.

        Returns
        -------
        has : `bool`
            Whether it is there.
        """
        return column in (self.rows.dtype.names or ())

    def locate(self, column: str, tiles: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the bytes of some tiles lie.

        Parameters
        ----------
        column : `str`
            An array column.
        tiles : `numpy.ndarray`
            Row numbers in the table, 0-based.

        Returns
        -------
        starts, stops : `numpy.ndarray`
            Offsets in the file; equal where the column is empty.

        Raises
        ------
        ImageFileError
            Raised if the table points outside of its heap.
        """
        descriptors = self.rows[column][tiles].astype(np.int64)
        size = self.element_sizes[column]
        limit = self.heap_stop - self.heap_start
        counts, offsets = descriptors[:, 0], descriptors[:, 1]
        with np.errstate(over="ignore"):
            bad = (counts < 0) | (counts > limit) | (offsets < 0) | (offsets > limit)
            bad |= np.where(counts > 0, offsets + counts * size > limit, False)
        if bad.any():
            first = int(np.argmax(bad))
            raise ImageFileError(
                self.hdu.source.name,
                f"is corrupt: tile {int(tiles[first])} of HDU {self.hdu.index} lies outside of the heap",
            )
        starts = self.heap_start + np.where(counts > 0, offsets, 0)
        return starts, starts + counts * size

    def check_overlaps(self, column: str) -> None:
        """Check that no tiles share a part of their bytes.

        No writer does that, and a damaged pointer nearly always does; some
        codecs have no checksum that would tell.

        Parameters
        ----------
        column : `str`
            An array column.

        Raises
        ------
        ImageFileError
            Raised if they do.
        """
        starts, stops = self.locate(column, np.arange(len(self.rows)))
        order = np.lexsort((stops, starts))
        order = order[(stops > starts)[order]]
        starts, stops = starts[order], stops[order]
        overlap = (starts[1:] < stops[:-1]) & ((starts[1:] != starts[:-1]) | (stops[1:] != stops[:-1]))
        if overlap.any():
            raise ImageFileError(
                self.hdu.source.name,
                f"is corrupt: tiles of HDU {self.hdu.index} overlap at byte {int(starts[1:][overlap][0])}",
            )

    @classmethod
    def read(cls, hdu: Hdu, shape: tuple[int, int]) -> "TileTable":
        """Read the table of a compressed image.

        Parameters
        ----------
        hdu : `Hdu`
            A compressed image.
        shape : `tuple` [`int`, `int`]
            Rows and columns of the image.

        Returns
        -------
        table : `TileTable`
            The table.

        Raises
        ------
        ImageFileError
            Raised if the table is corrupt.
        UnsupportedTilesError
            Raised if the table has unusual columns.
        """
        tile_shape = hdu.integer("ZTILE2", 1), hdu.integer("ZTILE1", shape[1])
        if min(tile_shape) < 1:
            raise ImageFileError(hdu.source.name, f"has tiles of {tile_shape} pixels in HDU {hdu.index}")
        tile_shape = min(tile_shape[0], shape[0]), min(tile_shape[1], shape[1])
        dtype, element_sizes = _row_type(hdu)
        width, count = hdu.integer("NAXIS1"), hdu.integer("NAXIS2")
        tiles = -(-shape[0] // tile_shape[0]) * -(-shape[1] // tile_shape[1])
        if not 0 < dtype.itemsize == width or count != tiles or not tiles <= MAX_TILES:
            raise ImageFileError(
                hdu.source.name,
                f"has a corrupt tile table in HDU {hdu.index}: {count} rows of {width} bytes "
                f"for {tiles} tiles of {dtype.itemsize}",
            )
        gap = hdu.integer("THEAP", width * count)
        if not width * count <= gap <= hdu.data_size:
            raise ImageFileError(hdu.source.name, f"has a corrupt header in HDU {hdu.index}: THEAP = {gap}")
        data = hdu.source.read(hdu.data_start, hdu.data_start + width * count)
        return cls(
            hdu,
            shape,
            tile_shape,
            np.frombuffer(data, dtype),
            element_sizes,
            hdu.data_start + gap,
            hdu.data_start + hdu.data_size,
        )


def _row_type(hdu: Hdu) -> tuple[np.dtype[Any], dict[str, int]]:
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    element_sizes = {}
    for column, name in enumerate(hdu.column_names(), start=1):
        name = name or f"unnamed{column}"
        match = re.match(r"(\d*)([A-Z])([A-Z]?)", str(hdu.value(f"TFORM{column}", "")).strip())
        if match is None or match[1] not in ("", "1"):
            raise UnsupportedTilesError(f"column {name}")
        if match[2] in ARRAY_TYPES and match[3] in COLUMN_TYPES:
            fields.append((name, ARRAY_TYPES[match[2]], (2,)))
            element_sizes[name] = np.dtype(COLUMN_TYPES[match[3]]).itemsize
        elif match[2] in COLUMN_TYPES:
            fields.append((name, COLUMN_TYPES[match[2]]))
        else:
            raise UnsupportedTilesError(f"column {name}")
    try:
        dtype = np.dtype(fields)
    except ValueError as error:
        raise ImageFileError(
            hdu.source.name, f"has a corrupt tile table in HDU {hdu.index}: {error}"
        ) from error
    return dtype, element_sizes
