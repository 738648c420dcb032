"""The pixels of stamps as colours on the screen."""

__all__ = ("enlarged_colors",)

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ._layout import DIFFERENCE
from ._stretch import Limits, levels
from ._style import PictureStyle


def enlarged_colors(
    style: PictureStyle,
    panels: Sequence[int],
    pixels: NDArray[np.floating],
    limits: Sequence[Limits],
    factor: int,
) -> NDArray[np.uint8]:
    """Return one screen line for each row of stamp pixels.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    panels : `~collections.abc.Sequence` [`int`]
        Numbers of the panels.
    pixels : `numpy.ndarray`
        Pixel values, (panels, rows from the top, columns).
    limits : `~collections.abc.Sequence` [`Limits`]
        For each panel the values between which it is shown.
    factor : `int`
        Screen pixels along the side of a stamp pixel.

    Returns
    -------
    lines : `numpy.ndarray`
        RGB as bytes one after the other, (panels, rows, 3 * factor *
        columns). Pixels without data have any colour.
    """
    maps = [_color_map(style, panel) for panel in panels]
    stretches = [style.difference_stretch if p == DIFFERENCE else style.image_stretch for p in panels]
    level = levels(pixels, limits, stretches, style.asinh_a)
    if not np.isfinite(level).all():
        level[~np.isfinite(level)] = 0.0
    # matplotlib's colour maps cut 0 to 1 in as many steps as there are
    # colours; 1 itself has the last one.
    counts = np.array([_color_count(name) for name in maps])[:, np.newaxis, np.newaxis]
    level *= counts
    np.minimum(level, counts - 1, out=level)
    numbers = level.astype(np.intp)
    if len(set(maps)) == 1:
        lines = _enlarged_table(maps[0], factor).take(numbers)
    else:
        lines = np.array(
            [_enlarged_table(name, factor).take(each) for name, each in zip(maps, numbers, strict=True)]
        )
    return lines.view(np.uint8)


def _color_map(style: PictureStyle, panel: int) -> str:
    return style.shown_difference_color_map if panel == DIFFERENCE else style.color_map


@lru_cache(maxsize=64)
def _color_table(name: str) -> NDArray[np.uint8]:
    from matplotlib import colormaps

    color_map = colormaps[name]
    table: NDArray[np.uint8] = color_map(np.arange(color_map.N), bytes=True)[:, :3]
    return np.ascontiguousarray(table)


def _color_count(name: str) -> int:
    return len(_color_table(name))


@lru_cache(maxsize=256)
def _enlarged_table(name: str, factor: int) -> NDArray[np.void]:
    """Return each colour repeated, as one item.

    Taking a few long items is several times faster than taking each byte.
    """
    table = np.repeat(_color_table(name)[:, np.newaxis], factor, axis=1)
    return table.reshape(-1).view(f"V{3 * factor}")
