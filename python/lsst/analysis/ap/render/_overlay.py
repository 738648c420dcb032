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
    image = np.zeros((grid.side, grid.side, 4), dtype=np.uint8)
    where = grid.screen(missing, np.True_)
    image[where, :3] = _missing_stripes(grid.side, grid.side)[where]
    image[where, 3] = 255
    for name, flagged in planes:
        color, direction = MASK_PATTERNS.get(name, _OTHER_PATTERN)
        lines = _lines(direction, grid.side, grid.side)
        image[grid.screen(flagged, np.False_) & lines] = (*color, 255)
    return image


def flagged_pixels(stamp: Stamp, plane: str) -> NDArray[np.bool_] | None:
    """Return where a mask plane is set.

    Returns: of the stamp's shape; `None` where it has no such plane.
    """
    if stamp.mask is None or plane not in stamp.mask_planes:
        return None
    # The bit is moved down instead of a mask up: bit 31 is the sign.
    flagged: NDArray[np.bool_] = (stamp.mask >> stamp.mask_planes[plane]) & 1 != 0
    return flagged


@lru_cache(maxsize=8)
def _missing_stripes(width: int, height: int) -> NDArray[np.uint8]:
    """Return the stripes that stand for missing data, over a whole panel.

    ``width``, ``height``: size of the panel, screen pixels. Returns: RGB, (rows from the top, columns, 3).
    Diagonal stripes in screen pixels: whatever the colour map, no sky looks so.
    """
    rows, columns = np.indices((height, width))
    stripe = (rows + columns) // _STRIPE % 2
    image: NDArray[np.uint8] = np.array(STRIPE_COLORS, dtype=np.uint8)[stripe]
    return image


@lru_cache(maxsize=16)
def _lines(direction: str, width: int, height: int) -> NDArray[np.bool_]:
    rows, columns = np.indices((height, width))
    across = {"/": rows + columns, "\\": rows - columns, "-": rows, "|": columns}[direction]
    lines: NDArray[np.bool_] = across % 4 == 0
    return lines
