"""A compressed image: where its tiles lie in the file, and what their values mean."""

__all__ = ("ARRAY_TYPES", "TileTable")

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bytes import join_ranges
from ._codecs import Codec, has_rice
from ._errors import ImageFileError, UnsupportedTilesError
from ._plane import Plane
from ._quantization import Dequantizer

COLUMN_TYPES = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "L": "u1"}
ARRAY_TYPES = {"P": ">i4", "Q": ">i8"}
"""NumPy types of the columns of binary tables (FITS standard 4.0, table 18)."""

MAX_TILES = 2**27


@dataclass(frozen=True)
class TileTable:
    """The table that holds a compressed image (FITS standard 4.0, section 10)."""

    plane: Plane
    """The image."""
    tile_shape: tuple[int, int]
    """Rows and columns of a tile; those at the far edges may be smaller."""
    are_alike: bool
    """Whether all tiles have these rows and columns."""
    grid: tuple[int, int]
    """Number of tiles along y and x."""
    rows: NDArray[Any]
    """The rows of the table, one per tile."""
    element_sizes: dict[str, int]
    """Bytes per element in the heap, by name of the array column."""
    heap_start: int
    """Offset of the heap in the file."""
    heap_stop: int
    """One past the last byte of the heap."""
    codec: Codec
    """How tiles are compressed."""
    tile_bytes: int
    """How many bytes the stored values of a whole tile may have."""
    dequantizer: Dequantizer | None
    """What turns integers into floating-point pixels; `None` where they are stored as they are."""
    blank: int | None
    """Stored value of pixels without data that becomes NaN here; that of
    integers stays as it is until they are scaled."""
    missing: float
    """What becomes of stored values without data."""
    has_blank_column: bool
    """Whether each tile has a value of its own for pixels without data."""
    has_meaning: bool
    """Whether stored values are not yet pixels, for one of the reasons above."""

    @classmethod
    def read(cls, plane: Plane) -> "TileTable":
        """Read the table of a compressed image.

        Raises `ImageFileError` if the table is corrupt; `UnsupportedTilesError` if only astropy reads this
        kind of image.
        """
        hdu, shape, dtype = plane.hdu, plane.shape, plane.dtype
        tile_shape = hdu.integer("ZTILE2", 1), hdu.integer("ZTILE1", shape[1])
        width, count, size = hdu.integer("NAXIS1"), hdu.integer("NAXIS2"), hdu.data_size
        gap = hdu.integer("THEAP", width * count)
        columns = hdu.columns()
        compression = hdu.text("ZCMPTYPE").upper()
        settings = {hdu.text(f"ZNAME{i}").upper(): hdu.value(f"ZVAL{i}") for i in range(1, 10)}
        dithering = hdu.text("ZQUANTIZ", "NO_DITHER"), hdu.integer("ZDITHER0", 0)
        blank = hdu.value("ZBLANK", hdu.value("BLANK")) if dtype.kind == "f" else None
        file = hdu.source.name
        if min(tile_shape) < 1:
            raise ImageFileError(file, f"has tiles of {tile_shape} pixels in HDU {hdu.index}")
        tile_shape = min(tile_shape[0], shape[0]), min(tile_shape[1], shape[1])
        grid = -(-shape[0] // tile_shape[0]), -(-shape[1] // tile_shape[1])
        row_type, element_sizes = _row_type(plane, columns)
        if not 0 < row_type.itemsize == width or not count == grid[0] * grid[1] <= MAX_TILES:
            raise ImageFileError(
                file,
                f"has a corrupt tile table in HDU {hdu.index}: {count} rows of {width} bytes "
                f"for {grid[0] * grid[1]} tiles of {row_type.itemsize}",
            )
        if not width * count <= gap <= size:
            raise ImageFileError(file, f"has a corrupt header in HDU {hdu.index}: THEAP = {gap}")
        names = dict(columns)
        quantized = "ZSCALE" in names
        if quantized and (dtype.kind != "f" or "ZZERO" not in names):
            reason = f"has a corrupt tile table in HDU {hdu.index}: scales without ZZERO, or of integers"
            raise ImageFileError(file, reason)
        native = dtype.newbyteorder("=")
        missing: float = np.nan
        if "ZBLANK" in names and dtype.kind != "f":
            missing = plane.scaling.get("BLANK", 0)
            if not np.iinfo(native).min <= missing <= np.iinfo(native).max:
                raise ImageFileError(file, f"names no BLANK for the integers of HDU {hdu.index}")
        try:
            dequantizer = Dequantizer(*dithering, native) if quantized else None
        except ValueError as error:
            raise ImageFileError(file, f"has a corrupt HDU {hdu.index}: {error}") from error
        codec = _codec(compression, settings, np.dtype(">i4") if quantized else dtype)
        if not quantized and codec.dtype.kind != native.kind:
            raise UnsupportedTilesError("floating-point pixels in a codec of integers")
        rows = np.frombuffer(hdu.source.read(hdu.data_start, hdu.data_start + width * count), row_type)
        return cls(
            plane=plane,
            tile_shape=tile_shape,
            are_alike=shape[0] % tile_shape[0] == shape[1] % tile_shape[1] == 0,
            grid=grid,
            rows=rows,
            element_sizes=element_sizes,
            heap_start=hdu.data_start + gap,
            heap_stop=hdu.data_start + size,
            codec=codec,
            tile_bytes=tile_shape[0] * tile_shape[1] * max(codec.dtype.itemsize, dtype.itemsize),
            dequantizer=dequantizer,
            blank=blank,
            missing=missing,
            has_blank_column="ZBLANK" in names,
            has_meaning=dequantizer is not None or blank is not None or "ZBLANK" in names,
        )

    def read_tiles(
        self, places: NDArray[np.intp], most: int
    ) -> Iterator[tuple[str, list[int], list[memoryview]]]:
        """Read the bytes of some tiles.

        ``places``: which tiles, in order. A place is the number of a tile where those of a column of the grid
        follow each other. ``most``: how many to yield at once. Yields: the column that tiles are kept in,
        their places, in order, and their bytes. Raises `ImageFileError` if the file is truncated or corrupt.
        """
        left = places
        for column in ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"):
            if not left.size or column not in self.element_sizes:
                continue
            starts, stops = self._locate(column, self._rows_of(left))
            is_here = stops > starts
            here, left = left[is_here].tolist(), left[~is_here]
            if column == "COMPRESSED_DATA" and not self.codec.is_gzip:
                self._check_overlaps(column)
            for ranges in join_ranges(self.plane.hdu.source, starts[is_here], stops[is_here]):
                pairs = sorted(zip(ranges.indices, ranges.read(), strict=True))
                for some in batched(pairs, most):
                    yield column, [here[index] for index, _ in some], [piece for _, piece in some]
        if left.size:
            raise self.corrupt(int(left[0]), "has no data")

    def shape_of(self, place: int) -> tuple[int, int]:
        """Return how many rows and columns a tile has, given by its place."""
        tile_x, tile_y = divmod(place, self.grid[0])
        (height, width), (tile_height, tile_width) = self.plane.shape, self.tile_shape
        return min(tile_height, height - tile_y * tile_height), min(tile_width, width - tile_x * tile_width)

    def to_pixels(
        self, values: NDArray[Any], places: NDArray[np.intp], width: int, window: slice
    ) -> NDArray[Any]:
        """Return what stored values mean.

        ``values``: some columns of tiles, shape (tiles, rows, columns). ``places``: of the tiles. ``width``:
        of a tile. ``window``: which columns of it. Returns: pixels before BSCALE and BZERO.
        """
        rows = self._rows_of(places)
        blank: NDArray[np.bool_] | None = None
        if self.has_blank_column:
            blank = values == self.rows["ZBLANK"][rows][:, np.newaxis, np.newaxis]
        elif self.blank is not None:
            blank = values == self.blank
        if self.dequantizer is not None:
            lines = np.arange(values.shape[1])[:, np.newaxis]
            positions = lines * width + np.arange(window.start, window.stop)
            scales, zeros = self.rows["ZSCALE"][rows], self.rows["ZZERO"][rows]
            if not (np.isfinite(scales).all() and np.isfinite(zeros).all()):
                raise self.corrupt(int(places[0]), "or one after it has no scale")
            values = self.dequantizer(values, rows, positions, scales, zeros)
        if blank is not None:
            values[blank] = self.missing
        return values

    def corrupt(self, place: int, reason: str) -> ImageFileError:
        """Return the error of a tile, given by its place, with what is wrong with it."""
        row, hdu = int(self._rows_of(np.array(place))), self.plane.hdu
        return ImageFileError(hdu.source.name, f"is corrupt: tile {row} of HDU {hdu.index} {reason}")

    def _rows_of(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the rows of tiles in the table, where those of a row of the grid follow each other."""
        tile_x, tile_y = np.divmod(places, self.grid[0])
        rows: NDArray[np.intp] = tile_y * self.grid[1] + tile_x
        return rows

    def _locate(self, column: str, tiles: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the bytes of some tiles lie.

        ``tiles``: row numbers in the table, 0-based. Returns: offsets in the file; equal where the column is
        empty. Raises `ImageFileError` if the table points outside of its heap.
        """
        descriptors = self.rows[column][tiles].astype(np.int64)
        size = self.element_sizes[column]
        hdu = self.plane.hdu
        limit = self.heap_stop - self.heap_start
        counts, offsets = descriptors[:, 0], descriptors[:, 1]
        with np.errstate(over="ignore"):
            bad = (counts < 0) | (counts > limit) | (offsets < 0) | (offsets > limit)
            bad |= np.where(counts > 0, offsets + counts * size > limit, False)
        if bad.any():
            first = int(np.argmax(bad))
            raise ImageFileError(
                hdu.source.name,
                f"is corrupt: tile {int(tiles[first])} of HDU {hdu.index} lies outside of the heap",
            )
        starts = self.heap_start + np.where(counts > 0, offsets, 0)
        return starts, starts + counts * size

    def _check_overlaps(self, column: str) -> None:
        """Check that no tiles share a part of their bytes.

        No writer does that, and a damaged pointer nearly always does; some codecs have no checksum that would
        tell.

        Raises `ImageFileError` if they do.
        """
        hdu = self.plane.hdu
        starts, stops = self._locate(column, np.arange(len(self.rows)))
        order = np.lexsort((stops, starts))
        order = order[(stops > starts)[order]]
        starts, stops = starts[order], stops[order]
        overlap = (starts[1:] < stops[:-1]) & ((starts[1:] != starts[:-1]) | (stops[1:] != stops[:-1]))
        if overlap.any():
            raise ImageFileError(
                hdu.source.name,
                f"is corrupt: tiles of HDU {hdu.index} overlap at byte {int(starts[1:][overlap][0])}",
            )


def _row_type(plane: Plane, columns: list[tuple[str, str]]) -> tuple[np.dtype[Any], dict[str, int]]:
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    element_sizes = {}
    for number, (name, form) in enumerate(columns, start=1):
        name = name or f"unnamed{number}"
        match = re.match(r"(\d*)([A-Z])([A-Z]?)", form)
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
        return np.dtype(fields), element_sizes
    except ValueError as error:
        reason = f"has a corrupt tile table in HDU {plane.hdu.index}: {error}"
        raise ImageFileError(plane.hdu.source.name, reason) from error


def _codec(name: str, settings: Mapping[str, Any], dtype: np.dtype[Any]) -> Codec:
    """Return the codec that ZCMPTYPE names, with ZVALn by ZNAMEn, for stored values of a type."""
    if name in ("GZIP_1", "GZIP_2"):
        return Codec(dtype, shuffled=name == "GZIP_2")
    if name in ("RICE_1", "RICE_ONE") and has_rice():
        width = settings.get("BYTEPIX", 4)
        block_size = settings.get("BLOCKSIZE", 32)
        if width in (1, 2, 4) and block_size in (16, 32):
            stored = np.dtype({1: "u1", 2: "=i2", 4: "=i4"}[width])
            return Codec(stored, block_size=block_size, is_gzip=False)
    raise UnsupportedTilesError(name)
