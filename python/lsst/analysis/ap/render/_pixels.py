"""The pixels of stamps as colours on the screen."""

__all__ = ("color_bar", "enlarged_colors")

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ._grid import Grid
from ._layout import DIFFERENCE
from ._stretch import Limits, levels
from ._style import PictureStyle


def enlarged_colors(
    style: PictureStyle,
    panels: Sequence[int],
    pixels: NDArray[np.floating],
    limits: Sequence[Limits],
    grid: Grid,
    *,
    has_holes: bool,
) -> NDArray[np.uint8]:
    """Return the screen lines of panels, each line that differs once.

    ``pixels``: pixel values, (panels, rows from the bottom, columns). ``limits``: for each panel the values
    between which it is shown. ``grid``: where the pixels lie. ``has_holes``: whether there are pixels without
    data. Returns: RGB as bytes one after the other, (panels, rows from the top, 3 * side): a line for each
    row of stamp pixels, or, where these are rotated, for each row of the screen. Pixels without data have any
    colour.
    """
    maps, counts = _color_maps(style, tuple(panels))
    stretches = [style.difference_stretch if p == DIFFERENCE else style.image_stretch for p in panels]
    level = levels(pixels, limits, stretches, style.asinh_a)
    if has_holes:
        level[~np.isfinite(level)] = 0.0
    # matplotlib's colour maps cut 0 to 1 in as many steps as there are
    # colours; 1 itself has the last one.
    level *= counts
    np.minimum(level, counts - 1, out=level)
    numbers = level.astype(np.intp)
    if grid.matrix is None:
        numbers, factor = numbers[:, ::-1], grid.factor
    else:
        numbers, factor = grid.screen(numbers, np.intp(0)), 1
    if len(set(maps)) == 1:
        lines = _enlarged_table(maps[0], factor).take(numbers)
    else:
        lines = np.array(
            [_enlarged_table(name, factor).take(each) for name, each in zip(maps, numbers, strict=True)]
        )
    return lines.view(np.uint8)


def color_bar(style: PictureStyle, panel: int, width: int) -> NDArray[np.uint8]:
    """Return all colours of a panel beside each other.

    ``width``: screen pixels. Returns: RGB of each column, (columns, 3).
    """
    table = _color_table(_color_map(style, panel))
    return table[(2 * np.arange(width) + 1) * len(table) // (2 * width)]


def _color_map(style: PictureStyle, panel: int) -> str:
    return style.shown_difference_color_map if panel == DIFFERENCE else style.color_map


@lru_cache(maxsize=64)
def _color_table(name: str) -> NDArray[np.uint8]:
    from matplotlib import colormaps

    color_map = colormaps[name]
    table: NDArray[np.uint8] = color_map(np.arange(color_map.N), bytes=True)[:, :3]
    return np.ascontiguousarray(table)


@lru_cache(maxsize=64)
def _color_maps(style: PictureStyle, panels: tuple[int, ...]) -> tuple[list[str], NDArray[np.float32]]:
    """Return the colour maps of some panels, and how many colours each has, (panels, 1, 1)."""
    names = [_color_map(style, panel) for panel in panels]
    counts = np.array([len(_color_table(name)) for name in names], dtype=np.float32)
    return names, counts[:, np.newaxis, np.newaxis]


@lru_cache(maxsize=256)
def _enlarged_table(name: str, factor: int) -> NDArray[np.void]:
    """Return each colour repeated, as one item.

    Taking a few long items is several times faster than taking each byte.
    """
    table = np.repeat(_color_table(name)[:, np.newaxis], factor, axis=1)
    return table.reshape(-1).view(f"V{3 * factor}")
