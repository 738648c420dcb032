"""Marks of what catalogues have near a source."""

__all__ = ("neighbour_marks",)

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..domain import Neighbour
from ._colors import RGB
from ._marks import BLUE, YELLOW
from ._orientation import Grid

type Floats = NDArray[np.floating]

_RADIUS = 9.0
"""Of a circle, screen pixels at the usual size."""

_ARM, _GAP = 6.0, 2.0
"""How far a cross reaches, and how much of that it leaves free."""

_CORNER = 12.0
"""How far a diamond reaches."""

_HALF, _EDGE = 1.0, 1.0
"""Half of the thickness of a line, and the width of the blue edge on either side."""

_DASHES = 6
"""Dashes of a dashed circle."""


def _circle(dx: Floats, dy: Floats, scale: float) -> Floats:
    return np.abs(np.hypot(dx, dy) - _RADIUS * scale)


def _dashed_circle(dx: Floats, dy: Floats, scale: float) -> Floats:
    # The gaps have no line, and so no edge.
    dash = np.floor(np.arctan2(dy, dx) / np.pi * _DASHES).astype(np.intp) % 2 == 0
    return np.where(dash, _circle(dx, dy, scale), np.inf)


def _cross(dx: Floats, dy: Floats, scale: float) -> Floats:
    along, across = np.maximum(np.abs(dx), np.abs(dy)), np.minimum(np.abs(dx), np.abs(dy))
    beyond = np.maximum(along - _ARM * scale, _GAP * scale - along)
    return np.hypot(across, np.maximum(beyond, 0.0))


def _diamond(dx: Floats, dy: Floats, scale: float) -> Floats:
    distance: Floats = np.abs(np.abs(dx) + np.abs(dy) - _CORNER * scale) / np.sqrt(2.0)
    return distance


_MARKS: Final[Mapping[str, tuple[Callable[[Floats, Floats, float], Floats] | None, RGB]]] = {
    "trails": (None, (255, 130, 255)),
    "rejected": (_dashed_circle, (255, 160, 0)),
    "sources": (_circle, YELLOW),
    "solar-system": (_diamond, (90, 255, 90)),
    "object": (_cross, (0, 255, 255)),
}
"""How far offsets are from the lines of each mark, and its colour, in the order of painting."""


def neighbour_marks(grid: Grid, neighbours: Sequence[Neighbour], scale: float) -> NDArray[np.uint8]:
    """Return the marks of what is near a source.

    ``grid``: where the pixels of the stamp lie. ``scale``: how many times their usual size marks have.
    Returns: RGBA, (rows from the top, columns, 4), each pixel opaque or clear: lines with a blue edge, which
    no image hides, about places that they leave free.
    """
    side = grid.side
    image = np.zeros((side, side, 4), dtype=np.uint8)
    right = np.arange(side) + 0.5  # middles of the screen pixels
    reach = _CORNER * scale + _HALF * scale + _EDGE + 1.0
    for kind, (shape, color) in _MARKS.items():
        for each in neighbours:
            if each.kind != kind:
                continue
            ends = [grid.place(each.x, each.y), grid.place(*(each.end or (each.x, each.y)))]
            if not np.isfinite(ends).all():
                continue
            (x0, x1), (y0, y1) = (sorted(values) for values in zip(*ends, strict=True))
            columns = slice(*np.searchsorted(right, (x0 - reach, x1 + reach)).tolist())
            rows = slice(*np.searchsorted(right, (side - y1 - reach, side - y0 + reach)).tolist())
            x, y = right[columns][np.newaxis], side - right[rows][:, np.newaxis]
            distance = _from_line(x, y, *ends) if shape is None else shape(x - x0, y - y0, scale)
            part = image[rows, columns]
            part[distance <= _HALF * scale + _EDGE] = (*BLUE, 255)
            part[distance <= _HALF * scale] = (*color, 255)
    return image


def _from_line(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float]) -> Floats:
    """Return how far points are from a line with two ends."""
    along = np.subtract(end, start)
    length = float(along @ along) or 1.0
    part = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0.0, 1.0)
    distance: Floats = np.hypot(x - start[0] - part * along[0], y - start[1] - part * along[1])
    return distance
