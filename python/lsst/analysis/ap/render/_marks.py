"""What is painted as rectangles: the bar, the centre mark, and the reliability's gauge."""

__all__ = ("BLUE", "YELLOW", "Bar", "Drawing", "Mark", "center_mark", "gauge", "scale_bar")

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from ._annotation import RELIABILITY_LINE, RELIABILITY_WIDTH, RELIABILITY_X
from ._colors import RGB, Ink
from ._layout import Layout, Rect, scaled_length
from ._shapes import Shape, letters

YELLOW: RGB = (255, 236, 0)
BLUE: RGB = (0, 0, 255)

_INSET = 3
_BAR_BORDER = 3
_BAR_THICKNESS = 3
_BAR_LETTERS = 10.0
"""Size of what the bar says, whose digits are as high as the bar's inside."""


class Mark(NamedTuple):
    """A filled rectangle."""

    rect: Rect
    """In screen pixels from the upper left corner of the panel."""
    color: RGB


class Drawing(NamedTuple):
    """A shape at its place."""

    shape: Shape

    x: int
    y: int
    """Where it is put: screen pixels to the right and down from the upper left corner of the panel."""
    paper: RGB | None = None
    """Colour of all that lies below it, where that is one."""


class Bar(NamedTuple):
    """The bar that is one arcsecond long, the same in all panels."""

    rect: Rect
    """All of it, which hides what is below: screen pixels from the upper left corner of the panel."""
    parts: tuple[Mark | Drawing, ...]
    """What it consists of, in the order of painting."""


@lru_cache(maxsize=1024)
def scale_bar(side: int, length: int, scale: float) -> Bar | None:
    """Return the bar that is one arcsecond long, and says so.

    ``side``: side of the panel, screen pixels. ``length``: length of an arcsecond, screen pixels. ``scale``:
    how many times its usual size all else has. Returns: a blue frame in the lower left corner, on it the
    yellow bar, and behind that what it says where there is room. `None` where the bar itself does not fit.
    """
    inset, border, thickness = (scaled_length(n, scale) for n in (_INSET, _BAR_BORDER, _BAR_THICKNESS))
    width, height = length + 2 * border, thickness + 2 * border
    if length < 1 or width + 2 * inset > side or height + 2 * inset > side:
        return None
    x, y = inset, side - inset - height
    text = letters('1"', 0, 0, _BAR_LETTERS * scale, YELLOW)
    room = math.ceil(text.extent[2]) + border
    words: tuple[Drawing, ...] = ()
    if width + room + 2 * inset <= side:
        words = (Drawing(text, x + width, y + height - scaled_length(1, scale), BLUE),)
        width += room
    frame = Rect(x, y, width, height)
    bar = Mark(Rect(x + border, y + border, length, thickness), YELLOW)
    return Bar(frame, (Mark(frame, BLUE), bar, *words))


def center_mark(kind: str, center: tuple[float, float], side: int, scale: float) -> Iterator[Mark]:
    """Yield what points to a source and leaves it free.

    ``kind``: ``"crosshair"`` or ``"ticks"``. ``center``: the source, screen pixels to the right and up from
    the lower left corner of the panel. ``side``: side of the panel, screen pixels. ``scale``: how many times
    their usual width lines have.
    """
    arms = _crosshair if kind == "crosshair" else _corner_ticks
    thickness = scaled_length(2, scale)
    yield from _edged(arms(round(center[0]), side - round(center[1]), side, thickness), side)


def _edged(rects: Iterable[Rect], side: int) -> Iterator[Mark]:
    """Yield rectangles in yellow with a blue edge, which no image hides."""
    rects = list(rects)
    for color, edge in ((BLUE, 1), (YELLOW, 0)):
        for x, y, width, height in rects:
            left, top = max(x - edge, 0), max(y - edge, 0)
            right, bottom = min(x + width + edge, side), min(y + height + edge, side)
            if right > left and bottom > top:
                yield Mark(Rect(left, top, right - left, bottom - top), color)


def _crosshair(x: int, y: int, side: int, thickness: int) -> Iterator[Rect]:
    """Yield four arms that leave the centre free."""
    gap, length, half = max(4, side // 10), max(4, side // 12), thickness // 2
    yield Rect(x - gap - length, y - half, length, thickness)
    yield Rect(x + gap, y - half, length, thickness)
    yield Rect(x - half, y - gap - length, thickness, length)
    yield Rect(x - half, y + gap, thickness, length)


def _corner_ticks(x: int, y: int, side: int, thickness: int) -> Iterator[Rect]:
    """Yield the corners of a square around the centre."""
    reach, length, half = max(6, side // 6), max(4, side // 20), thickness // 2
    for horizontal in (-1, 1):
        for vertical in (-1, 1):
            corner_x, corner_y = x + horizontal * reach, y + vertical * reach
            left, top = (
                min(corner_x, corner_x - horizontal * length),
                min(corner_y, corner_y - vertical * length),
            )
            yield Rect(left, corner_y - half, length, thickness)
            yield Rect(corner_x - half, top, thickness, length)


def gauge(where: Layout, ink: Ink, score: float) -> Iterator[Mark]:
    """Yield the bar under the reliability whose length says it again.

    ``where``: the layout, with text rows. ``score``: reliability, 0 to 1. Yields: the empty rail, then the
    filled part where there is one, in screen pixels from the upper left corner of the picture.
    """
    x = where.header_x + where.scaled(RELIABILITY_X)
    y = where.baselines[RELIABILITY_LINE] + where.scaled(3)
    width, height = where.scaled(RELIABILITY_WIDTH), where.scaled(3)
    yield Mark(Rect(x, y, width, height), ink.rail)
    filled = round(width * min(1.0, max(0.0, score)))
    if filled:
        yield Mark(Rect(x, y, filled, height), ink.likely if score >= 0.5 else ink.unlikely)
