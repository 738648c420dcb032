"""Parts of a compressed image: each tile that they touch decoded once.

The tiles that any box touches are found first, their bytes read in as few ranges as is sensible, and each
inflated once into a buffer. Only then are the pixels of each box gathered from it, so bytes are un-shuffled
and integers turned into floating-point numbers for those pixels alone.
"""

__all__ = ("check_gzip_tiles", "read_tiles")

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...domain import Box
from ._bytes import join_ranges
from ._codecs import BadTileError, Bytes, decode_raw, unshuffle
from ._errors import ImageFileError, UnsupportedTilesError
from ._plane import Plane
from ._tile_table import TileTable

LIKE_THE_IMAGE, LOSSLESS = 0, 1
"""How a tile is stored: with the image's codec, or as it is because its
pixels could not be quantized (FITS standard 4.0, section 10.1.3)."""

MAX_BUFFER = 2**28
"""Bytes of tiles that are decoded at once. Boxes that touch more are read in
turns. A single tile that is larger is refused: a small file can claim, and even
hold, an image of any size, and an image of 8192x8192 pixels in one tile fits."""


def read_tiles(table: TileTable, boxes: Sequence[Box]) -> list[NDArray[Any]]:
    """Return parts of a compressed image, together as far as their tiles may be decoded at once.

    ``boxes``: what to read, LOCAL pixels, inside of the image. Returns: one array per box, values before
    BSCALE and BZERO. Raises `ImageFileError` if the file is truncated or corrupt; `UnsupportedTilesError` if
    only astropy reads this kind of image.
    """
    wanted = _wanted_tiles(table, boxes)
    size = int(np.count_nonzero(wanted)) * table.tile_bytes
    if size <= MAX_BUFFER:
        tiles = _Tiles.decode(table, wanted)
        return [_gather(tiles, box) for box in boxes]
    if len(boxes) == 1:
        raise ImageFileError(
            table.plane.hdu.source.name,
            f"has compressed tiles of {table.tile_shape[1]}x{table.tile_shape[0]} pixels in HDU "
            f"{table.plane.hdu.index}: a stamp would take {size >> 20} MB of them, more than "
            f"{MAX_BUFFER >> 20}",
        )
    order = sorted(range(len(boxes)), key=lambda i: (boxes[i].y_start, boxes[i].x_start))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    found: dict[int, NDArray[Any]] = {}
    for half in halves:
        found |= zip(half, read_tiles(table, [boxes[i] for i in half]), strict=True)
    return [found[i] for i in range(len(boxes))]


def check_gzip_tiles(plane: Plane, boxes: Sequence[Box]) -> None:
    """Check that the tiles of an image inflate to no more than their pixels.

    ``plane``: an image compressed with gzip. ``boxes``: whose tiles count, LOCAL pixels. Raises
    `ImageFileError` if one has more, or nobody knows how many there are.
    """
    try:
        table = TileTable.read(plane)
    except UnsupportedTilesError as error:
        reason = f"has an unusual tile table in HDU {plane.hdu.index}: {error}"
        raise ImageFileError(plane.hdu.source.name, reason) from error
    count = table.tile_shape[0] * table.tile_shape[1]
    tile_x, tile_y = np.nonzero(_wanted_tiles(table, boxes))
    numbers = tile_y * table.grid[1] + tile_x
    for indices, pieces, column in _read_tiles(table, numbers):
        compressed = column != "UNCOMPRESSED_DATA"
        try:
            decode_raw(pieces, [count] * len(pieces), np.dtype("u1"), compressed=compressed)
        except BadTileError as error:
            raise _corrupt(table, int(numbers[indices[error.place]]), str(error)) from error


def _wanted_tiles(table: TileTable, boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Return which tiles any of the boxes touches, transposed: (x, y)."""
    wanted = np.zeros(table.grid[::-1], dtype=bool)
    for box in boxes:
        rows, columns = _tile_range(table, box)
        wanted[columns.start : columns.stop, rows.start : rows.stop] = True
    return wanted


@dataclass(frozen=True)
class _Tiles:
    """Decoded tiles."""

    table: TileTable
    buffer: NDArray[np.uint8]
    """Bytes, one row per tile; those of smaller tiles fill a part of theirs.
    Tiles that lie above each other in the image follow each other here."""
    places: NDArray[np.intp]
    """Row of each tile of the grid in the buffer, transposed: (x, y)."""
    numbers: NDArray[np.intp]
    """Row of each tile in the table."""
    storage: NDArray[np.uint8]
    """How each tile is stored."""

    @classmethod
    def decode(cls, table: TileTable, wanted: NDArray[np.bool_]) -> "_Tiles":
        """Decode some tiles of the grid, given transposed: (x, y)."""
        codec, raw_dtype, shape = table.codec, table.plane.dtype, table.plane.shape
        places = np.cumsum(wanted).reshape(wanted.shape) - 1
        tile_x, tile_y = np.nonzero(wanted)
        numbers = tile_y * table.grid[1] + tile_x
        heights = np.minimum(table.tile_shape[0], shape[0] - tile_y * table.tile_shape[0])
        widths = np.minimum(table.tile_shape[1], shape[1] - tile_x * table.tile_shape[1])
        counts = heights * widths
        row_size = table.tile_bytes
        buffer = np.empty((len(numbers), row_size), dtype=np.uint8)
        storage = np.full(len(numbers), LIKE_THE_IMAGE, dtype=np.uint8)
        target = memoryview(buffer.reshape(-1))
        for indices, pieces, column in _read_tiles(table, numbers):
            wanted_counts = counts[indices].tolist()
            dtype = codec.dtype
            decoded: Sequence[Bytes]
            try:
                if column == "COMPRESSED_DATA":
                    decoded = codec.decode_all(pieces, wanted_counts)
                else:
                    storage[indices] = LOSSLESS
                    dtype = raw_dtype
                    compressed = column == "GZIP_COMPRESSED_DATA"
                    decoded = decode_raw(pieces, wanted_counts, dtype, compressed=compressed)
            except BadTileError as error:
                raise _corrupt(table, int(numbers[indices[error.place]]), str(error)) from error
            for index, count, tile in zip(indices.tolist(), wanted_counts, decoded, strict=True):
                size, due = len(tile), count * dtype.itemsize
                if size != due:
                    is_gzip = codec.name.startswith("GZIP")
                    if is_gzip and size in (2 * count, 4 * count, 8 * count):
                        raise UnsupportedTilesError("pixels of another size than the image's")
                    raise _corrupt(table, int(numbers[index]), f"has {size} bytes where {due} are due")
                start = index * row_size
                target[start : start + size] = tile
        return cls(table, buffer, places, numbers, storage)


def _read_tiles(
    table: TileTable, numbers: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], list[memoryview], str]]:
    """Yield the bytes of some tiles at a time, with the column that they are kept in."""
    left = np.arange(len(numbers))
    for column in ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"):
        if not left.size or column not in table.element_sizes:
            continue
        starts, stops = table.locate(column, numbers[left])
        full = np.flatnonzero(stops > starts)
        if column == "COMPRESSED_DATA" and not table.codec.has_checksum:
            table.check_overlaps(column)
        for ranges in join_ranges(table.plane.hdu.source, starts[full], stops[full]):
            yield left[full[ranges.indices]], ranges.read(), column
        left = left[stops == starts]
    if left.size:
        raise _corrupt(table, int(numbers[left[0]]), "has no data")


def _gather(tiles: _Tiles, box: Box) -> NDArray[Any]:
    """Return the pixels of a box from the tiles that it touches."""
    table, (image_height, image_width) = tiles.table, tiles.table.plane.shape
    tile_height, tile_width = table.tile_shape
    rows, columns = _tile_range(table, box)
    shape = box.y_stop - box.y_start, box.x_stop - box.x_start
    out = np.empty(shape, dtype=table.plane.dtype.newbyteorder("="))
    for tile_x in columns:
        left = tile_x * tile_width
        width = min(tile_width, image_width - left)
        window = slice(max(box.x_start - left, 0), min(box.x_stop - left, width))
        target = slice(left + window.start - box.x_start, left + window.stop - box.x_start)
        first = int(tiles.places[tile_x, rows.start])
        for run in _runs(tiles, first, rows):
            bottom = run.start * tile_height
            height = min(tile_height, image_height - bottom)
            block = slice(first + run.start - rows.start, first + run.stop - rows.start)
            values = _window(tiles, block, height, width, window)
            values = values.reshape(-1, values.shape[-1])
            cut = slice(max(box.y_start - bottom, 0), min(box.y_stop - bottom, len(values)))
            out[bottom + cut.start - box.y_start : bottom + cut.stop - box.y_start, target] = values[cut]
    return out


def _runs(tiles: _Tiles, first: int, rows: range) -> list[range]:
    """Split rows of the grid where the tiles change their size or storage."""
    storage = tiles.storage[first : first + len(rows)]
    changes = [rows.start + int(i) + 1 for i in np.flatnonzero(storage[1:] != storage[:-1])]
    last = tiles.table.grid[0] - 1
    if tiles.table.plane.shape[0] % tiles.table.tile_shape[0] and rows.start < last < rows.stop:
        changes.append(last)
    bounds = sorted({rows.start, *changes, rows.stop})
    return [range(start, stop) for start, stop in pairwise(bounds)]


def _window(tiles: _Tiles, block: slice, height: int, width: int, window: slice) -> NDArray[Any]:
    """Return some columns of tiles of one size, shape (tiles, rows, columns)."""
    codec = tiles.table.codec
    lossless = tiles.storage[block.start] == LOSSLESS
    dtype = tiles.table.plane.dtype if lossless else codec.dtype
    stored = tiles.buffer[block, : height * width * dtype.itemsize]
    if codec.shuffled and not lossless:
        values = unshuffle(stored.reshape(-1, dtype.itemsize, height, width)[..., window], dtype)
    else:
        values = stored.view(dtype).reshape(-1, height, width)[..., window].astype(dtype.newbyteorder("="))
    if lossless or not tiles.table.has_meaning:
        return values
    return _to_pixels(tiles, values, block, height, width, window)


def _to_pixels(
    tiles: _Tiles, values: NDArray[Any], block: slice, height: int, width: int, window: slice
) -> NDArray[Any]:
    table = tiles.table
    numbers = tiles.numbers[block]
    blank: NDArray[np.bool_] | None = None
    if table.has_blank_column:
        blank = values == table.rows["ZBLANK"][numbers][:, np.newaxis, np.newaxis]
    elif table.blank is not None:
        blank = values == table.blank
    if table.dequantizer is not None:
        positions = np.arange(height)[:, np.newaxis] * width + np.arange(window.start, window.stop)
        scales, zeros = table.rows["ZSCALE"][numbers], table.rows["ZZERO"][numbers]
        if not (np.isfinite(scales).all() and np.isfinite(zeros).all()):
            raise _corrupt(table, int(numbers[0]), "or one after it has no scale")
        values = table.dequantizer(values, numbers, positions, scales, zeros)
    if blank is not None:
        values[blank] = table.missing
    return values


def _tile_range(table: TileTable, box: Box) -> tuple[range, range]:
    tile_height, tile_width = table.tile_shape
    return (
        range(box.y_start // tile_height, (box.y_stop - 1) // tile_height + 1),
        range(box.x_start // tile_width, (box.x_stop - 1) // tile_width + 1),
    )


def _corrupt(table: TileTable, number: int, reason: str) -> ImageFileError:
    return ImageFileError(
        table.plane.hdu.source.name, f"is corrupt: tile {number} of HDU {table.plane.hdu.index} {reason}"
    )
