"""The outline of the pixels in which a source was detected."""

__all__ = ("Footprint", "find_footprint", "outline")

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._marks import BLUE, YELLOW
from ._numbers import number
from ._orientation import Grid
from ._overlay import flagged_pixels
from ._style import FOOTPRINT_PLANES

_REACH = 2
"""How far from the source, in pixels along either axis, detected pixels may
begin and still be its own: between the lobes of a dipole there may be none."""


class Footprint(NamedTuple):
    """Where a source was detected."""

    pixels: NDArray[np.bool_]
    """Of the stamps' shape."""
    is_box: bool
    """Whether it is but the square that holds the pixels."""


def find_footprint(triplet: Triplet, row: Mapping[str, Any] | None) -> Footprint | None:
    """Return the footprint of a source, as well as it is known.

    ``row``: the source's values by APDB column name. Returns: the pixels that the triplet says; else those of
    the difference's mask planes DETECTED and DETECTED_NEGATIVE that hang together at the source; else the
    square that ``bboxSize`` gives.
    """
    pixels = triplet.footprint
    if pixels is None:
        pixels = _detected_pixels(triplet)
    if pixels is not None:
        return Footprint(pixels, is_box=False)
    side = number(row.get("bboxSize")) if row else None
    if side is None or side < 1:
        return None
    x, y = _source(triplet)
    # As `Box.from_center` does it, which is afw's rule.
    columns, rows = (math.floor(v - side / 2 + 1) for v in (x, y))
    pixels = np.zeros(triplet.science.box.shape, dtype=np.bool_)
    pixels[max(0, rows) : max(0, rows + round(side)), max(0, columns) : max(0, columns + round(side))] = True
    return Footprint(pixels, is_box=True)


def _detected_pixels(triplet: Triplet) -> NDArray[np.bool_] | None:
    """Return the detected pixels about the source that touch each other."""
    from scipy import ndimage

    if triplet.difference is None:
        return None
    planes = [flagged_pixels(triplet.difference, name) for name in FOOTPRINT_PLANES]
    known = [plane for plane in planes if plane is not None]
    if not known:
        return None
    # A footprint's pixels touch by sides or corners, as afw joins spans.
    labels, _ = ndimage.label(np.any(known, axis=0), structure=np.ones((3, 3)))
    x, y = (round(v) for v in _source(triplet))
    near = labels[max(0, y - _REACH) : max(0, y + _REACH + 1), max(0, x - _REACH) : max(0, x + _REACH + 1)]
    ours = np.unique(near[near > 0])
    return np.isin(labels, ours) if ours.size else None


def _source(triplet: Triplet) -> tuple[float, float]:
    """Return where the source is in the arrays, (x, y)."""
    box = triplet.science.box
    if triplet.position is None:
        return (box.width - 1) / 2, (box.height - 1) / 2
    return triplet.position[0] - box.x_start, triplet.position[1] - box.y_start


def outline(grid: Grid, pixels: NDArray[np.bool_], thickness: int) -> NDArray[np.uint8]:
    """Return the outline of some pixels of a stamp.

    ``pixels``: of the stamp's shape. ``thickness``: of each of the lines, screen pixels. Returns: RGBA, (rows
    from the top, columns, 4), each pixel opaque or clear: a yellow line just inside, between blue ones, which
    no image hides. There is no line where the pixels reach the border of the panel.
    """
    inside = grid.screen(pixels, np.False_)
    line = inside & ~_shrunk(inside, thickness)
    near = ~_shrunk(~line, thickness)
    image = np.zeros((grid.side, grid.side, 4), dtype=np.uint8)
    image[near] = (*BLUE, 255)
    image[line] = (*YELLOW, 255)
    return image


def _shrunk(pixels: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Return pixels without those that have others so near, corners included."""
    for _ in range(steps):
        padded = np.pad(pixels, 1, mode="edge")
        rows = padded[:-2] & padded[1:-1] & padded[2:]
        pixels = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    return pixels
