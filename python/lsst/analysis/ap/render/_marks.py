"""What is painted over a panel, as rectangles of one colour."""

__all__ = ("Mark", "gauge", "panel_marks")

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..domain import Triplet
from ._annotation import RELIABILITY_WIDTH, RELIABILITY_X
from ._colors import RGB, Ink
from ._layout import Layout, Rect
from ._numbers import number
from ._style import PictureStyle

YELLOW: RGB = (255, 236, 0)
BLUE: RGB = (0, 0, 255)

_INSET = 3
_BAR_BORDER = 3
_BAR_THICKNESS = 3


class Mark(NamedTuple):
    """A filled rectangle."""

    rect: Rect
    color: RGB


def panel_marks(
    style: PictureStyle, triplet: Triplet, row: Mapping[str, Any] | None, panel: Rect
) -> Iterator[Mark]:
    """Yield what is painted over a panel, in the order of painting.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    triplet : `~lsst.analysis.ap.domain.Triplet`
        The stamps, oriented.
    row : `~collections.abc.Mapping` or `None`
        The source's values by APDB column name.
    panel : `Rect`
        The panel.

    Yields
    ------
    mark : `Mark`
        Parts of the footprint's outline, the centre mark and the bar, all
        inside the panel.
    """
    box = triplet.science.box
    factor = panel.width // box.width
    x, y = triplet.position or ((box.x_start + box.x_stop - 1) / 2, (box.y_start + box.y_stop - 1) / 2)
    if style.footprint and row and (side := number(row.get("bboxSize"))) is not None and side >= 1:
        # bboxSize is the side of the square that holds the footprint.
        yield from _edged(_outline(x - box.x_start, y - box.y_start, side, panel, factor), panel)
    if style.center_mark != "none":
        center = (
            panel.x + round((x - box.x_start + 0.5) * factor),
            panel.y + panel.height - round((y - box.y_start + 0.5) * factor),
        )
        arms = _crosshair if style.center_mark == "crosshair" else _corner_ticks
        yield from _edged(arms(*center, panel.width), panel)
    scale = triplet.pixel_scale
    if 0.0 < scale <= 2 * factor:  # else the bar would have no length
        yield from _scale_bar(panel, round(factor / scale))


@lru_cache(maxsize=1024)
def _scale_bar(panel: Rect, length: int) -> tuple[Mark, ...]:
    """Return a bar of a length: a blue frame, then yellow.

    There is none in a panel that is too small for it.
    """
    width, height = length + 2 * _BAR_BORDER, _BAR_THICKNESS + 2 * _BAR_BORDER
    if width + 2 * _INSET > panel.width or height + 2 * _INSET > panel.height:
        return ()
    x, y = panel.x + _INSET, panel.y + panel.height - _INSET - height
    return (
        Mark(Rect(x, y, width, height), BLUE),
        Mark(Rect(x + _BAR_BORDER, y + _BAR_BORDER, length, _BAR_THICKNESS), YELLOW),
    )


def _edged(rects: Iterable[Rect], panel: Rect) -> Iterator[Mark]:
    """Yield rectangles in yellow with a blue edge, which no image hides."""
    rects = list(rects)
    for color, edge in ((BLUE, 1), (YELLOW, 0)):
        for x, y, width, height in rects:
            left, top = max(x - edge, panel.x), max(y - edge, panel.y)
            right = min(x + width + edge, panel.x + panel.width)
            bottom = min(y + height + edge, panel.y + panel.height)
            if right > left and bottom > top:
                yield Mark(Rect(left, top, right - left, bottom - top), color)


def _crosshair(x: int, y: int, side: int) -> Iterator[Rect]:
    """Yield four arms that leave the centre free."""
    gap, length = max(4, side // 10), max(4, side // 12)
    yield Rect(x - gap - length, y - 1, length, 2)
    yield Rect(x + gap, y - 1, length, 2)
    yield Rect(x - 1, y - gap - length, 2, length)
    yield Rect(x - 1, y + gap, 2, length)


def _corner_ticks(x: int, y: int, side: int) -> Iterator[Rect]:
    """Yield the corners of a square around the centre."""
    half, length = max(6, side // 6), max(4, side // 20)
    for horizontal in (-1, 1):
        for vertical in (-1, 1):
            corner_x, corner_y = x + horizontal * half, y + vertical * half
            yield Rect(min(corner_x, corner_x - horizontal * length), corner_y - 1, length, 2)
            yield Rect(corner_x - 1, min(corner_y, corner_y - vertical * length), 2, length)


def _outline(x: float, y: float, side: float, panel: Rect, factor: int) -> Iterator[Rect]:
    """Yield the edges of a square about a position in stamp pixels."""
    first_x, first_y = math.floor(x - side / 2 + 1), math.floor(y - side / 2 + 1)
    length = round(side) * factor
    left = panel.x + first_x * factor
    top = panel.y + panel.height - first_y * factor - length
    yield Rect(left, top, length, 1)
    yield Rect(left, top + length - 1, length, 1)
    yield Rect(left, top, 1, length)
    yield Rect(left + length - 1, top, 1, length)


def gauge(where: Layout, ink: Ink, score: float) -> Iterator[Mark]:
    """Yield the bar under the reliability whose length says it again.

    Parameters
    ----------
    where : `Layout`
        The layout, with text rows.
    ink : `Ink`
        Colours.
    score : `float`
        Reliability, 0 to 1.

    Yields
    ------
    mark : `Mark`
        The empty rail, then the filled part where there is one.
    """
    x, y = where.header_x + RELIABILITY_X, where.baselines[4] + 3
    yield Mark(Rect(x, y, RELIABILITY_WIDTH, 3), ink.rail)
    filled = round(RELIABILITY_WIDTH * min(1.0, max(0.0, score)))
    if filled:
        yield Mark(Rect(x, y, filled, 3), ink.likely if score >= 0.5 else ink.unlikely)
