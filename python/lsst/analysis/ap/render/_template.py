"""The part of a picture that all pictures of a style share, compressed once."""

__all__ = ("Template", "compile_template")

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ._canvas import drawn
from ._colors import Ink, inks
from ._deflate import Segment, deflated
from ._figure import draw_frame
from ._layout import ALL_PANELS, DIFFERENCE, Layout, layout
from ._panel_code import PanelCode
from ._style import PictureStyle

# Filter types of PNG (its specification, chapter 9): bytes as they are, and
# bytes less those above.
_NONE, _UP = 0, 2

# How far the ink of the last text row and its gauge reach below the baseline.
_BELOW = 6


@dataclass(frozen=True, eq=False)
class Template:
    """What pictures of a style are made from; not to be changed."""

    shown: tuple[int, ...]
    """Numbers of the panels in the pictures."""

    layout: Layout
    ink: Ink

    text_lines: NDArray[np.uint8]
    """Scanlines of the text rows with the labels that never change: a filter
    type of 0, then RGB for each pixel."""

    fixed: tuple[Segment, ...]
    """What lies above the first row of panels and below each."""

    panel_codes: tuple[PanelCode | None, ...]
    """For each row of panels what writes it; `None` where pixels are enlarged
    too much for it, or not at all, so that nothing repeats."""

    colors: NDArray[np.uint8]
    """Colours of all levels, RGB: those of template and science, then those
    of the difference where they are others."""

    counts: NDArray[np.int_]
    """Number of levels of each panel shown, (panels, 1, 1)."""

    offsets: NDArray[np.int_]
    """Where in ``colors`` the levels of each panel shown begin, of the same
    shape."""

    empty_line: NDArray[np.uint8]
    """A scanline of background."""


@lru_cache(maxsize=32)
def compile_template(style: PictureStyle, shown: tuple[int, ...] = ALL_PANELS) -> Template:
    """Draw the frame of a style with matplotlib and make a template of it.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    shown : `tuple` [`int`], optional
        Numbers of the panels in the pictures.

    Returns
    -------
    template : `Template`
        The template.
    """
    where, ink = layout(style, shown), inks(style.background)
    frame = drawn(draw_frame(style, shown))
    lines = np.zeros((where.height, 1 + 3 * where.width), dtype=np.uint8)
    lines[:, 1:] = frame.reshape(where.height, -1)
    end_of_text = where.baselines[-1] + _BELOW + 1 if where.baselines else 0
    starts = [end_of_text, *(panels[0].y + panels[0].height for panels in where.panels)]
    stops = [*(panels[0].y for panels in where.panels), where.height]

    image_colors = _color_table(style.color_map)
    difference_colors = _color_table(style.shown_difference_color_map)
    same = np.array_equal(image_colors, difference_colors)
    colors = image_colors if same else np.concatenate((image_colors, difference_colors))
    is_difference = (np.array(shown) == DIFFERENCE).reshape(-1, 1, 1)
    codes: list[PanelCode | None] = []
    for size, panels in zip(style.sizes, where.panels, strict=True):
        factor, x = style.enlargement(size), [panel.x for panel in panels]
        if 1 < factor <= PanelCode.MAXIMUM_FACTOR:
            codes.append(PanelCode(colors, x, size, factor, where.width, ink.background))
        else:
            codes.append(None)
    empty_line = np.zeros(1 + 3 * where.width, dtype=np.uint8)
    empty_line[1:] = np.tile(np.array(ink.background, dtype=np.uint8), where.width)
    return Template(
        shown=shown,
        layout=where,
        ink=ink,
        text_lines=lines[:end_of_text].copy(),
        fixed=tuple(_fixed(lines[start:stop]) for start, stop in zip(starts, stops, strict=True)),
        panel_codes=tuple(codes),
        colors=colors,
        counts=np.where(is_difference, len(difference_colors), len(image_colors)),
        offsets=np.where(is_difference & (not same), len(image_colors), 0),
        empty_line=empty_line,
    )


def _fixed(lines: NDArray[np.uint8]) -> Segment:
    """Compress lines of which the first may follow anything."""
    repeats = np.zeros(len(lines), dtype=bool)
    repeats[1:] = (lines[1:] == lines[:-1]).all(axis=1)
    filtered = np.where(repeats[:, np.newaxis], np.uint8(0), lines)
    filtered[:, 0] = np.where(repeats, _UP, _NONE)
    return deflated(filtered, small=True)


def _color_table(name: str) -> NDArray[np.uint8]:
    from matplotlib import colormaps

    color_map = colormaps[name]
    table: NDArray[np.uint8] = color_map(np.arange(color_map.N), bytes=True)[:, :3]
    return np.ascontiguousarray(table)
