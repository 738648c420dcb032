"""Rasters of words and numbers, as matplotlib draws them."""

__all__ = ("NumberFont", "Raster", "number_font", "word")

import math
from functools import cache, lru_cache
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._colors import RGB
from ._fonts import CENTERING, NUMBER_CHARACTERS, NUMBER_LABEL, font, number_width, text_width
from ._paper import Paper

# Room for the ink around the baseline of a text, in parts of its size.
_ASCENT, _DESCENT, _SIDE = 1.5, 0.8, 0.6


class Raster(NamedTuple):
    """A text as pixels."""

    pixels: NDArray[np.uint8]
    """RGB of the rectangle around the ink, (rows from the top, columns, 3)."""
    x: int
    """Its left end, from the end of the text that it is aligned by."""
    y: int
    """Its top, from the baseline, downwards: usually negative."""


@lru_cache(maxsize=8192)
def word(
    text: str, color: RGB, bold: bool, size: float, background: RGB, align: str = "left"
) -> Raster | None:
    """Return the raster of any text.

    ``size``: screen pixels per em. ``align``: ``"left"`` or ``"center"``. Returns: `None` for a text without
    ink.
    """
    room, ascent = math.ceil(text_width(text, bold, size)), math.ceil(_ASCENT * size)
    origin = math.ceil(_SIDE * size) + (room // 2 if align == "center" else 0)
    paper = Paper(room + 2 * math.ceil(_SIDE * size), math.ceil((_ASCENT + _DESCENT) * size), background)
    x = origin + CENTERING if align == "center" else origin
    paper.write(text, x, ascent, color, font(bold, size), align)
    image = paper.pixels
    ink = (image != background).any(axis=-1)
    if not ink.any():
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Raster(np.ascontiguousarray(part), int(columns[0]) - origin, int(rows[0]) - ascent)


class NumberFont:
    """Puts the rasters of single characters together to numbers.

    Hinting makes every advance a whole number of pixels, so that a character looks the same wherever it
    stands. Where that is not so (which no known version of matplotlib does), `usable` is `False`.
    """

    def __init__(self, color: RGB, bold: bool, size: float, background: RGB) -> None:
        self._widths = {c: number_width(c, bold, size) for c in NUMBER_CHARACTERS}
        self._pieces: dict[str, NDArray[np.uint8]] = {}
        # So far apart that the ink of no character reaches the cell of the next.
        pitch, ascent = 2 * max(self._widths.values()), math.ceil(_ASCENT * size)
        width, height = pitch * (len(NUMBER_CHARACTERS) + 1), math.ceil((_ASCENT + _DESCENT) * size)
        paper = Paper(width, height, background)
        starts = [pitch * (n + 1) for n in range(len(NUMBER_CHARACTERS))]
        for character, x in zip(NUMBER_CHARACTERS, starts, strict=True):
            paper.write(character, x, ascent, color, font(bold, size))
        image = paper.pixels
        ink = (image != background).any(axis=-1)
        rows = np.flatnonzero(ink.any(axis=1))
        self.y = int(rows[0]) - ascent
        """Top of every raster, from the baseline, downwards."""
        self.height = int(rows[-1]) + 1 - int(rows[0])
        """Height of every raster."""
        for character, x in zip(NUMBER_CHARACTERS, starts, strict=True):
            cell = np.s_[rows[0] : rows[-1] + 1, x : x + self._widths[character]]
            self._pieces[character] = image[cell]
            ink[cell] = False
        # Ink beside its cell would be lost where characters are put together.
        self.usable = not ink.any() and _advances_add_up(bold, size)
        """Whether numbers put together are those that matplotlib draws."""

    def width(self, text: str) -> int:
        """Return how much room a number takes, screen pixels."""
        widths = self._widths
        return sum([widths[character] for character in text])

    def write(self, image: NDArray[np.uint8], text: str, x: int, baseline: int) -> None:
        """Write a number.

        ``x``, ``baseline``: its left end, and the line on which it stands.
        """
        top = baseline + self.y
        rows = image[top : top + self.height]
        pieces = self._pieces
        # Three characters at a time: there are few such pieces, and each
        # assignment costs more than its pixels.
        for start in range(0, len(text), 3):
            part = text[start : start + 3]
            piece = pieces.get(part)
            if piece is None:
                piece = pieces[part] = np.concatenate([pieces[character] for character in part], axis=1)
            end = x + piece.shape[1]
            rows[:, x:end] = piece
            x = end


@cache
def number_font(color: RGB, bold: bool, size: float, background: RGB) -> NumberFont:
    """Return the font for numbers of one colour, rasterised once per process."""
    return NumberFont(color, bold, size, background)


@cache
def _advances_add_up(bold: bool, size: float) -> bool:
    """Return whether no two characters of a number stand closer or wider."""
    base = text_width("00", bold, size)
    label, digits = NUMBER_LABEL, NUMBER_CHARACTERS.removesuffix(NUMBER_LABEL)
    # Letters of the label stand beside each other alone, where kerning does not matter.
    pairs = [*product(digits, digits), *pairwise(label), *((label[-1], digit) for digit in digits)]
    return all(
        text_width(f"0{first}{second}0", bold, size) - base == number_width(first + second, bold, size)
        for first, second in pairs
    )
