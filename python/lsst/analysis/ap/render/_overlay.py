"""What covers single pixels of a stamp: missing data and mask planes."""

__all__ = ("MASK_PATTERNS", "flagged_pixels", "overlay")

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..domain import Stamp
from ._colors import RGB
from ._orientation import Grid
from ._style import PictureStyle

STRIPE_COLORS: tuple[RGB, RGB] = ((201, 188, 170), (152, 134, 112))
"""Colours of the stripes that stand for missing data."""

_STRIPE = 4

MASK_PATTERNS: dict[str, tuple[RGB, str]] = {
    "BAD": ((255, 0, 0), "/"),
    "CR": ((255, 0, 255), "\\"),
    "EDGE": ((255, 255, 0), "/"),
    "SUSPECT": ((255, 255, 0), "\\"),
    "INTRP": ((0, 160, 0), "/"),
    "SAT": ((0, 160, 0), "\\"),
    "DETECTED": ((64, 64, 255), "-"),
    "DETECTED_NEGATIVE": ((0, 255, 255), "|"),
    "NO_DATA": ((255, 165, 0), "-"),
    "STREAK": ((255, 128, 0), "\\"),
}
"""Colour of each mask plane, that of afw's displays, and the direction of the
lines that mark its pixels: planes of one colour differ in direction."""

_OTHER_PATTERN: tuple[RGB, str] = ((255, 255, 255), "|")


def overlay(style: PictureStyle, stamp: Stamp, grid: Grid) -> NDArray[np.uint8] | None:
    """Return what covers the pixels of a stamp.

    ``style``: the style, which names the mask planes to show. ``grid``: where its pixels lie. Returns: RGBA
    in screen pixels, (rows from the top, columns, 4), each pixel opaque or clear; `None` when all are clear.
    """
    missing = ~np.isfinite(stamp.array)
    planes = [
        (name, flagged)
        for name in style.mask_planes
        if (flagged := flagged_pixels(stamp, name)) is not None and flagged.any()
    ]
    if not planes and not missing.any() and grid.matrix is None:
        return None
    # A colour is one number here: to choose numbers takes a twentieth of the time.
    image = np.where(grid.screen(missing, np.True_), _missing_stripes(grid.side), np.uint32(0))
    for name, flagged in planes:
        color, direction = MASK_PATTERNS.get(name, _OTHER_PATTERN)
        lines = _lines(direction, grid.side)
        np.copyto(image, _opaque(color), where=grid.screen(flagged, np.False_) & lines)
    return image.view(np.uint8).reshape(grid.side, grid.side, 4)


def flagged_pixels(stamp: Stamp, plane: str) -> NDArray[np.bool_] | None:
    """Return where a mask plane is set, of the stamp's shape; `None` where it has no such plane."""
    if stamp.mask is None or plane not in stamp.mask_planes:
        return None
    # The bit is moved down instead of a mask up: bit 31 is the sign.
    flagged: NDArray[np.bool_] = (stamp.mask >> stamp.mask_planes[plane]) & 1 != 0
    return flagged


def _opaque(color: RGB) -> NDArray[np.uint32]:
    """Return a colour as the number whose bytes are RGBA in memory."""
    return np.array((*color, 255), dtype=np.uint8).view(np.uint32)


@lru_cache(maxsize=8)
def _missing_stripes(side: int) -> NDArray[np.uint32]:
    """Return the stripes that stand for missing data, over a whole panel.

    ``side``: of the panel, screen pixels. Returns: colours as `_opaque` has them, (rows from the top,
    columns). Diagonal stripes in screen pixels: whatever the colour map, no sky looks so.
    """
    rows, columns = np.indices((side, side))
    stripe = (rows + columns) // _STRIPE % 2
    return np.concatenate([_opaque(color) for color in STRIPE_COLORS]).take(stripe)


@lru_cache(maxsize=16)
def _lines(direction: str, side: int) -> NDArray[np.bool_]:
    rows, columns = np.indices((side, side))
    across = {"/": rows + columns, "\\": rows - columns, "-": rows, "|": columns}[direction]
    lines: NDArray[np.bool_] = across % 4 == 0
    return lines
