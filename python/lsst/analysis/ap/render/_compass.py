"""The compass: where north and east are in a panel."""

__all__ = ("Patch", "compass")

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._canvas import add_text, drawn, hex_color, new_figure
from ._fonts import font
from ._layout import Rect
from ._marks import BLUE, YELLOW

_SIDE = 37
_INSET = 3
_LENGTH = 8


class Patch(NamedTuple):
    """A small picture and where it lies."""

    rect: Rect

    image: NDArray[np.uint8]
    """RGB, (rows from the top, columns, 3)."""


def compass(sky_jacobian: NDArray[np.float64], panel: Rect) -> Patch | None:
    """Return the compass of a panel.

    Parameters
    ----------
    sky_jacobian : `numpy.ndarray`
        How the sky moves with the pixels, see
        `~lsst.analysis.ap.domain.Triplet`.
    panel : `Rect`
        The panel in whose lower right corner it lies.

    Returns
    -------
    patch : `Patch` or `None`
        `None` where the directions are unknown or the panel is too small.
    """
    if panel.width < 3 * _SIDE or not np.isfinite(sky_jacobian).all() or not np.linalg.det(sky_jacobian):
        return None
    inverse = np.linalg.inv(sky_jacobian)
    # Whole degrees, so that few compasses have to be drawn.
    east, north = (round(math.degrees(math.atan2(dy, dx))) % 360 for dx, dy in inverse.T.tolist())
    x = panel.x + panel.width - _INSET - _SIDE
    y = panel.y + panel.height - _INSET - _SIDE
    return Patch(Rect(x, y, _SIDE, _SIDE), _drawn(north, east))


@lru_cache(maxsize=720)
def _drawn(north: int, east: int) -> NDArray[np.uint8]:
    from matplotlib.lines import Line2D
    from matplotlib.transforms import IdentityTransform

    figure = new_figure(_SIDE, _SIDE, BLUE)
    center = _SIDE / 2
    for letter, angle in (("N", north), ("E", east)):
        dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        line = Line2D(
            [center, center + _LENGTH * dx],
            [center, center + _LENGTH * dy],
            transform=IdentityTransform(),
            color=hex_color(YELLOW),
            linewidth=1.5,
            solid_capstyle="round",
        )
        figure.add_artist(line)
        reach = _LENGTH + 5.5
        x, y = center + reach * dx, center + reach * dy
        add_text(figure, letter, round(x), _SIDE - round(y) + 3, YELLOW, font(True, 9.0), "center")
    return drawn(figure)
