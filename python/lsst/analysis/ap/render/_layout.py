"""Where everything in a picture lies, in screen pixels."""

__all__ = (
    "ALL_PANELS",
    "DIFFERENCE",
    "HEADER_WIDTH",
    "LINE_HEIGHT",
    "PANEL_NAMES",
    "TITLE_OVERHANG",
    "Layout",
    "Rect",
    "layout",
)

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from ._style import PictureStyle

PANEL_NAMES = ("Template", "Science", "Difference")
"""Titles of the panels, left to right."""

ALL_PANELS = (0, 1, 2)
"""Numbers of all panels."""

DIFFERENCE = 2
"""Number of the difference's panel."""

HEADER_WIDTH = 650
"""Width of the text rows."""

LINE_HEIGHT = 19
"""Distance of the baselines of two text rows."""

TITLE_OVERHANG = 6
"""How much wider than its panel a title may be, so that it keeps apart from
the next."""

_MARGIN = 10
_GAP = 10
_ROW_GAP = 14
_FIRST_BASELINE = 20
_TITLE_BASELINE = 24
_TITLE_SPACE = 8


class Rect(NamedTuple):
    """A rectangle of screen pixels, (0, 0) at the upper left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where it lies in an array of rows from the top."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything in a picture lies."""

    width: int
    height: int

    header_x: int
    """Left end of the text rows."""

    baselines: tuple[int, ...]
    """Baselines of the text rows; empty without metadata."""

    title_baseline: int

    panels: tuple[tuple[Rect, ...], ...]
    """For each size its panels, left to right."""


@cache
def layout(style: PictureStyle, shown: tuple[int, ...] = ALL_PANELS) -> Layout:
    """Return where everything lies in pictures of a style.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    shown : `tuple` [`int`], optional
        Numbers of the panels in it.

    Returns
    -------
    layout : `Layout`
        Panels of different sizes are centred under their title.
    """
    sides = [size * style.enlargement(size) for size in style.sizes]
    panels_width = len(shown) * max(sides) + (len(shown) - 1) * _GAP
    width = max(panels_width, HEADER_WIDTH if style.add_metadata else 0) + 2 * _MARGIN
    left = (width - panels_width) // 2

    baselines = tuple(_FIRST_BASELINE + LINE_HEIGHT * n for n in range(5)) if style.add_metadata else ()
    title_baseline = (baselines[-1] + 6 if baselines else 0) + _TITLE_BASELINE
    y = title_baseline + _TITLE_SPACE
    panels = []
    for side in sides:
        inset = left + (max(sides) - side) // 2
        panels.append(
            tuple(Rect(inset + column * (max(sides) + _GAP), y, side, side) for column in range(len(shown)))
        )
        y += side + _ROW_GAP
    return Layout(
        width=width,
        height=y - _ROW_GAP + _MARGIN,
        header_x=(width - HEADER_WIDTH) // 2,
        baselines=baselines,
        title_baseline=title_baseline,
        panels=tuple(panels),
    )
