"""The compass: where north and east are in a picture."""

__all__ = ("compass",)

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ._layout import scaled_length
from ._marks import BLUE, YELLOW
from ._shapes import Shape, letters

# Screen pixels at the usual size.
_ARM, _SHAFT, _HEAD, _EDGE = 20.0, 1.5, 7.0, 1.1
_LETTERS, _LETTER_DISTANCE = 11.0, 27.0
_REACH = 36

_SMALLEST_PANEL = 3 * _REACH


def compass(sky_jacobian: NDArray[np.float64], side: int, scale: float) -> tuple[Shape, int, int] | None:
    """Return the compass of a panel.

    ``sky_jacobian``: how the sky moves on the screen, see `View`. ``side``: side of the panel, screen pixels.
    ``scale``: how many times its usual size it has. Returns ``shape``: an arrow to the north and one to the
    east, with their letters; ``x, y``: where their common end is put, in the lower right corner: screen
    pixels to the right and down from the upper left corner of the panel.
    """
    if side < _SMALLEST_PANEL * scale or not np.isfinite(sky_jacobian).all():
        return None
    if not np.linalg.det(sky_jacobian):
        return None
    # Its columns are the steps on the screen to the east and to the north.
    inverse = np.linalg.inv(sky_jacobian)
    # Whole degrees, so that few compasses have to be drawn.
    east, north = (round(math.degrees(math.atan2(dy, dx))) % 360 for dx, dy in inverse.T.tolist())
    away = scaled_length(_REACH, scale)
    return _arrows(north, east, scale), side - away, side - away


@lru_cache(maxsize=720)
def _arrows(north: int, east: int, scale: float) -> Shape:
    parts = []
    for letter, degrees in (("N", north), ("E", east)):
        dx, dy = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        parts.append(_arrow(dx, dy, scale))
        away = _LETTER_DISTANCE * scale
        parts.append(_centered(letter, away * dx, away * dy, _LETTERS * scale))
    first, *others = parts
    for part in others:
        first = first.joined(part)
    return replace(first, edge=BLUE, edge_width=_EDGE * scale)


def _arrow(dx: float, dy: float, scale: float) -> Shape:
    """Return an arrow from the origin along a unit vector."""
    neck = _ARM - _HEAD
    along_and_across = (
        (0.0, _SHAFT / 2),
        (neck, _SHAFT / 2),
        (neck, _HEAD / 2),
        (_ARM, 0.0),
        (neck, -_HEAD / 2),
        (neck, -_SHAFT / 2),
        (0.0, -_SHAFT / 2),
        (0.0, 0.0),
    )
    vertices = tuple((scale * (a * dx - b * dy), scale * (a * dy + b * dx)) for a, b in along_and_across)
    # Codes of matplotlib.path.Path: MOVETO, LINETO, CLOSEPOLY.
    return Shape(vertices, (1, *[2] * (len(vertices) - 2), 79), YELLOW)


def _centered(letter: str, x: float, y: float, size: float) -> Shape:
    """Return a letter about a point."""
    shape = letters(letter, 0.0, 0.0, size, YELLOW)
    x0, y0, x1, y1 = shape.extent
    return shape.moved(x - (x0 + x1) / 2, y - (y0 + y1) / 2)
