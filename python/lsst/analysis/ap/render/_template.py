"""The part of a picture that all pictures of a style share, as scanlines."""

__all__ = ("Template", "compile_template")

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ._colors import Ink, inks
from ._figure import draw_frame, drawn
from ._layout import Layout, layout
from ._style import PictureStyle

# Filter types of PNG: bytes as they are, and bytes less those above.
_NONE, _UP = 0, 2

# How far the ink of a text row and its gauge reach above and below the baseline.
_ABOVE, _BELOW = 13, 6


@dataclass(frozen=True, eq=False)
class Template:
    """What pictures of a style are made from."""

    layout: Layout
    ink: Ink

    scanlines: NDArray[np.uint8]
    """Filtered lines of the PNG file: the filter type, then RGB for each
    pixel. A line that repeats the one above is all zeros behind the Up
    filter, which costs a deflater nothing: so are, in every picture, all
    lines of a row of stamp pixels but the first."""

    empty_line: NDArray[np.uint8]
    """An unfiltered line of background."""

    color_tables: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    """Colour maps of template and science, and of the difference: RGB,
    (levels, 3)."""


@lru_cache(maxsize=32)
def compile_template(style: PictureStyle) -> Template:
    """Draw the frame of a style with matplotlib and make a template of it.

    Parameters
    ----------
    style : `PictureStyle`
        The style.

    Returns
    -------
    template : `Template`
        Not to be changed: copies of the scanlines are.
    """
    where = layout(style)
    frame = drawn(draw_frame(style))
    scanlines = np.zeros((where.height, 1 + 3 * where.width), dtype=np.uint8)
    scanlines[:, 1:] = frame.reshape(where.height, -1)

    repeats = np.zeros(where.height, dtype=bool)
    repeats[1:] = (scanlines[1:] == scanlines[:-1]).all(axis=1)
    for baseline in where.baselines:
        repeats[baseline - _ABOVE : baseline + _BELOW + 1] = False
    for size, panels in zip(style.sizes, where.panels, strict=True):
        top, side = panels[0].y, panels[0].height
        repeats[top : top + side] = np.arange(side) % style.enlargement(size) != 0
        repeats[top + side] = False
    scanlines[:, 0] = np.where(repeats, _UP, _NONE)
    scanlines[repeats, 1:] = 0

    ink = inks(style.background)
    empty_line = np.empty(1 + 3 * where.width, dtype=np.uint8)
    empty_line[0] = _NONE
    empty_line[1:] = np.tile(np.array(ink.background, dtype=np.uint8), where.width)
    return Template(
        layout=where,
        ink=ink,
        scanlines=scanlines,
        empty_line=empty_line,
        color_tables=(
            _color_table(style.color_map),
            _color_table(style.difference_color_map or style.color_map),
        ),
    )


def _color_table(name: str) -> NDArray[np.uint8]:
    from matplotlib import colormaps

    color_map = colormaps[name]
    table: NDArray[np.uint8] = color_map(np.arange(color_map.N), bytes=True)[:, :3]
    return np.ascontiguousarray(table)
