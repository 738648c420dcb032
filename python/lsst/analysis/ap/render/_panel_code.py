"""Rows of panels straight from levels of the colour maps to deflate's bits."""

__all__ = ("PanelCode",)

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ._deflate import ADLER, Segment, bit_segment
from ._huffman import Code, code_lengths, distance_symbol, dynamic_header, joined, length_symbol, prefix_code

# A literal byte, or a match as (length, distance).
type _Token = int | tuple[int, int]

_END_OF_BLOCK = 256
_PIECE = 58
_LENGTH_BITS, _LENGTH_MASK = np.uint64(6), np.uint64(63)


class PanelCode:
    """Writes three panels side by side as a deflate block.

    A row of stamp pixels is several lines of the picture. The first is
    written as it is: each stamp pixel is its colour, followed by a match
    that repeats it. The others are zeros behind PNG's Up filter. All of it
    but the colours is the same in every picture, and one Huffman code, made
    for the colour maps, serves all pictures; so the bits of a stamp pixel
    depend on its level alone and come from a table.

    Parameters
    ----------
    colors : `numpy.ndarray`
        Colours of all levels: RGB, (levels, 3).
    starts : `~collections.abc.Sequence` [`int`]
        Left ends of the panels, screen pixels.
    size : `int`
        Stamp pixels along the side of a panel.
    factor : `int`
        Screen pixels along the side of a stamp pixel, at most
        `MAXIMUM_FACTOR`.
    width : `int`
        Width of the picture, screen pixels.
    background : `tuple` [`int`]
        Colour beside the panels.
    """

    MAXIMUM_FACTOR = 87
    """Largest factor whose repetition is one match."""

    def __init__(
        self,
        colors: NDArray[np.uint8],
        starts: Sequence[int],
        size: int,
        factor: int,
        width: int,
        background: tuple[int, int, int],
    ) -> None:
        self._factor, self._stride = factor, 1 + 3 * width
        ends = [0, *(start + size * factor for start in starts)]
        margins = [list(_background(b - a, background)) for a, b in zip(ends, (*starts, width), strict=True)]
        margins[0].insert(0, 0)
        for _ in range(factor - 1):
            margins[-1] += [2, 0, *_matches(3 * width - 1, 1)]
        pixels = [(*color, *_matches(3 * (factor - 1), 3)) for color in colors.tolist()]

        counts, distances = [0] * 286, [0] * 30
        counts[_END_OF_BLOCK] = distances[0] = distances[2] = 1
        often = len(starts) * size
        for tokens, times in (
            *((margin, len(colors)) for margin in margins),
            *((pixel, often) for pixel in pixels),
        ):
            for token in tokens:
                _count(token, counts, distances, times)
        lengths, distance_lengths = code_lengths(counts), code_lengths(distances)
        literals, matches = prefix_code(lengths), prefix_code(distance_lengths)

        def bits(tokens: Sequence[_Token]) -> Code:
            return joined([code for token in tokens for code in _codes(token, literals, matches)])

        self._header = _pieces(dynamic_header(lengths, distance_lengths))
        self._end = _pieces(literals[_END_OF_BLOCK])
        self._pixels = np.array([_packed(bits(pixel)) for pixel in pixels], dtype=np.uint64)
        columns: list[NDArray[np.uint64]] = []
        self._places = []
        for n, margin in enumerate(margins):
            columns.append(_pieces(bits(margin)))
            if n < len(starts):
                first = sum(map(len, columns))
                self._places.append(slice(first, first + size))
                columns.append(np.zeros(size, dtype=np.uint64))
        self._rows = np.tile(np.concatenate(columns), (size, 1))
        self._prepare_sums(colors.astype(np.float64), starts, size, background)

    def _prepare_sums(
        self, colors: NDArray[np.float64], starts: Sequence[int], size: int, background: tuple[int, int, int]
    ) -> None:
        """Prepare the checksum, which is linear in the colours."""
        factor, stride = self._factor, self._stride
        self._totals = factor * colors.sum(axis=1)
        # How much less the later bytes within a stamp pixel count.
        self._lighter = 1.5 * factor * (factor - 1) * colors.sum(axis=1) + factor * (colors @ (0.0, 1.0, 2.0))
        # How many bytes follow the first line of each stamp pixel's colour, the
        # byte where it begins included, up to the end of the last row. Modulo
        # what the checksum is, so that all sums are whole numbers far below
        # 2**53, hence exact.
        lines = factor * np.arange(size, 0, -1) - 1.0
        columns = np.array([stride - 1.0 - 3 * (x + factor * np.arange(size)) for x in starts])
        self._weights = (columns[:, np.newaxis, :] + stride * lines[:, np.newaxis]) % ADLER
        empty = np.tile(np.array(background, dtype=np.int64), (stride - 1) // 3)
        for start in starts:
            empty[3 * start : 3 * (start + size * factor)] = 0
        # Of a row without its colours: the background, and the filter types of the repeated lines.
        total, repeats = int(empty.sum()), factor - 1
        self._fixed_total = total + 2 * repeats
        self._fixed_weighted = (
            int(empty @ np.arange(stride - 1, 0, -1)) + (total * repeats + factor * repeats) * stride
        )

    def segment(self, levels: NDArray[np.intp]) -> Segment:
        """Return rows of stamp pixels, compressed.

        Parameters
        ----------
        levels : `numpy.ndarray`
            Numbers of the colours, (panels, rows from the top, columns).

        Returns
        -------
        segment : `Segment`
            All screen lines of these rows, over the whole width of the
            picture.
        """
        rows = levels.shape[1]
        pieces = self._rows[:rows].copy()
        pixels = self._pixels.take(levels)
        for panel, place in zip(pixels, self._places, strict=True):
            pieces[:, place] = panel
        packed = np.concatenate((self._header, pieces.ravel(), self._end))

        # Each byte counts as often as bytes follow it, itself included.
        totals = self._totals.take(levels)
        total = int(totals.sum()) + rows * self._fixed_total
        totals *= self._weights[:, -rows:]
        later = rows * (rows - 1) // 2 * self._factor * self._stride
        weighted = (
            int(totals.sum())
            - int(self._lighter.take(levels).sum())
            + rows * self._fixed_weighted
            + self._fixed_total * later
        )
        return bit_segment(
            packed >> _LENGTH_BITS,
            (packed & _LENGTH_MASK).view(np.int64),
            rows * self._factor * self._stride,
            total,
            weighted,
        )


def _background(pixels: int, color: tuple[int, int, int]) -> Iterator[_Token]:
    if pixels:
        yield from color
        yield from _matches(3 * (pixels - 1), 3)


def _matches(length: int, distance: int) -> Iterator[_Token]:
    """Yield matches for a length that is 0 or at least 3."""
    while length:
        part = min(258, length)
        if 0 < length - part < 3:
            part -= 3
        yield part, distance
        length -= part


def _count(token: _Token, counts: list[int], distances: list[int], times: int) -> None:
    if isinstance(token, int):
        counts[token] += times
    else:
        counts[length_symbol(token[0])[0]] += times
        distances[distance_symbol(token[1])[0]] += times


def _codes(token: _Token, literals: Sequence[Code], matches: Sequence[Code]) -> Iterator[Code]:
    if isinstance(token, int):
        yield literals[token]
    else:
        for codes, (symbol, extra) in (
            (literals, length_symbol(token[0])),
            (matches, distance_symbol(token[1])),
        ):
            yield codes[symbol]
            yield extra


def _pieces(code: Code) -> NDArray[np.uint64]:
    """Return any number of bits, packed in pieces."""
    value, count = code
    mask = (1 << _PIECE) - 1
    return np.array(
        [_packed((value >> start & mask, min(_PIECE, count - start))) for start in range(0, count, _PIECE)],
        dtype=np.uint64,
    )


def _packed(code: Code) -> int:
    """Return bits and their number, 58 at most, as one integer."""
    value, count = code
    if count > 58:
        raise ValueError(f"{count} bits do not fit")
    return value << 6 | count
