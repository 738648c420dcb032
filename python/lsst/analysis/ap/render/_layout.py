"""Where everything in a picture lies, in screen pixels."""

__all__ = (
    "ALL_PANELS",
    "DIFFERENCE",
    "HEADER_WIDTH",
    "LINE_HEIGHT",
    "PANEL_NAMES",
    "TEXT_LINES",
    "TITLE_OVERHANG",
    "Layout",
    "Rect",
    "layout",
    "scaled_length",
)

import math
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
"""Width of the text rows at the usual size of text."""

LINE_HEIGHT = 19
"""Distance of the baselines of two text rows at the usual size."""

TEXT_LINES = 6
"""Number of text rows."""

TITLE_OVERHANG = 6
"""How much wider than its panel a title may be, so that it keeps apart from the next."""

_MARGIN = 10
_GAP = 10
_ROW_GAP = 14
_FIRST_BASELINE = 20
_TITLE_BASELINE = 24
_TITLE_SPACE = 8
# From the bottom of a panel: its colour bar, then the line below.
_BAR_SPACE, _BAR_HEIGHT = 4, 8
_CAPTION_BASELINE, _CAPTION_DESCENT = 15, 3


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

    scale: float
    """How many times its usual size text has, and all that goes with it."""
    header_x: int
    """Left end of the text rows."""
    baselines: tuple[int, ...]
    """Baselines of the text rows; empty without metadata."""
    title_baseline: int

    panels: tuple[tuple[Rect, ...], ...]
    """For each size its panels, left to right."""
    bar_space: int
    """From the bottom of a panel to its colour bar."""
    bar_height: int
    """Height of the colour bars; 0 without."""
    caption_space: int
    """From the bottom of a panel to the baseline of what is said below it; 0 where nothing is said."""

    def scaled(self, length: float) -> int:
        """Return a length of the usual layout as it is in this one.

        ``length``: screen pixels. Returns: see `scaled_length`.
        """
        return scaled_length(length, self.scale)


def scaled_length(length: float, scale: float) -> int:
    """Return a length of the usual layout where all is larger.

    ``length``: screen pixels. ``scale``: how many times its usual size everything has. Returns: screen
    pixels; a half counts as one.
    """
    return math.floor(length * scale + 0.5)


@cache
def layout(style: PictureStyle, shown: tuple[int, ...] = ALL_PANELS) -> Layout:
    """Return where everything lies in pictures of a style, each size centred under its title."""
    scale = style.text_scale

    def scaled(length: float) -> int:
        return scaled_length(length, scale)

    sides = [size * style.enlargement(size) for size in style.sizes]
    margin, gap, widest = scaled(_MARGIN), scaled(_GAP), max(sides)
    panels_width = len(shown) * widest + (len(shown) - 1) * gap
    width = max(panels_width, scaled(HEADER_WIDTH) if style.add_metadata else 0) + 2 * margin
    left = (width - panels_width) // 2

    lines = TEXT_LINES if style.add_metadata else 0
    baselines = tuple(scaled(_FIRST_BASELINE + LINE_HEIGHT * n) for n in range(lines))
    title_baseline = (baselines[-1] + scaled(6) if baselines else 0) + scaled(_TITLE_BASELINE)
    bar_height = scaled(_BAR_HEIGHT) if style.color_bar else 0
    bar_space = scaled(_BAR_SPACE)
    has_captions = style.add_metadata or style.color_bar
    caption_space = (bar_space + bar_height if bar_height else 0) + scaled(_CAPTION_BASELINE)
    below = caption_space + scaled(_CAPTION_DESCENT) if has_captions else 0
    y = title_baseline + scaled(_TITLE_SPACE)
    panels = []
    for side in sides:
        inset = left + (widest - side) // 2
        panels.append(tuple(Rect(inset + n * (widest + gap), y, side, side) for n in range(len(shown))))
        y += side + below + scaled(_ROW_GAP)
    return Layout(
        width=width,
        height=y - scaled(_ROW_GAP) + margin,
        scale=scale,
        header_x=(width - scaled(HEADER_WIDTH)) // 2,
        baselines=baselines,
        title_baseline=title_baseline,
        panels=tuple(panels),
        bar_space=bar_space,
        bar_height=bar_height,
        caption_space=caption_space if has_captions else 0,
    )
