"""What is painted over the pixels of a panel, as rectangles of one colour."""

__all__ = ("HATCH_COLORS", "Mark", "gauge", "hatch", "scale_bar", "screen_pixels_per_arcsecond")

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._annotation import RELIABILITY_WIDTH, RELIABILITY_X
from ._colors import RGB, Ink
from ._layout import Layout, Rect

HATCH_COLORS: tuple[RGB, RGB] = ((201, 188, 170), (152, 134, 112))
"""Colours of the stripes that stand for missing data."""

_STRIPE = 4
_BAR_YELLOW: RGB = (255, 236, 0)
_BAR_BLUE: RGB = (0, 0, 255)
_BAR_INSET = 3
_BAR_BORDER = 3
_BAR_THICKNESS = 3


class Mark(NamedTuple):
    """A filled rectangle."""

    rect: Rect
    color: RGB


def screen_pixels_per_arcsecond(sky_jacobian: NDArray[np.float64], factor: int) -> float:
    """Return how long an arcsecond is in a picture.

    Parameters
    ----------
    sky_jacobian : `numpy.ndarray`
        How the sky moves with the pixels, see
        `~lsst.analysis.ap.domain.Triplet`.
    factor : `int`
        Screen pixels along the side of an image pixel.

    Returns
    -------
    length : `float`
        Screen pixels; infinite or NaN where the scale is unknown.
    """
    (a, b), (c, d) = sky_jacobian.tolist()
    area = abs(a * d - b * c)
    return float(factor / math.sqrt(area)) if area else math.inf


def scale_bar(panel: Rect, pixels_per_arcsecond: float) -> Iterator[Mark]:
    """Yield the bar that is one arcsecond long.

    Parameters
    ----------
    panel : `Rect`
        The panel in whose lower left corner it lies.
    pixels_per_arcsecond : `float`
        Screen pixels.

    Yields
    ------
    mark : `Mark`
        The blue frame, then the yellow bar. Nothing where the scale is
        unknown or the panel narrower than an arcsecond.
    """
    if not 0.5 <= pixels_per_arcsecond < math.inf:
        return
    length = round(pixels_per_arcsecond)
    width, height = length + 2 * _BAR_BORDER, _BAR_THICKNESS + 2 * _BAR_BORDER
    if width + 2 * _BAR_INSET > panel.width or height + 2 * _BAR_INSET > panel.height:
        return
    x, y = panel.x + _BAR_INSET, panel.y + panel.height - _BAR_INSET - height
    yield Mark(Rect(x, y, width, height), _BAR_BLUE)
    yield Mark(Rect(x + _BAR_BORDER, y + _BAR_BORDER, length, _BAR_THICKNESS), _BAR_YELLOW)


@lru_cache(maxsize=8)
def hatch(width: int, height: int) -> NDArray[np.uint8]:
    """Return the stripes that stand for missing data, over a whole panel.

    Parameters
    ----------
    width, height : `int`
        Size of the panel, screen pixels.

    Returns
    -------
    image : `numpy.ndarray`
        RGB, (rows from the top, columns, 3). Diagonal stripes in screen
        pixels: whatever the colour map, no sky looks so.
    """
    rows, columns = np.indices((height, width))
    stripe = (rows + columns) // _STRIPE % 2
    image: NDArray[np.uint8] = np.array(HATCH_COLORS, dtype=np.uint8)[stripe]
    return image


def gauge(where: Layout, ink: Ink, score: float) -> Iterator[Mark]:
    """Yield the bar under the reliability whose length says it again.

    Parameters
    ----------
    where : `Layout`
        The layout, with text rows.
    ink : `Ink`
        Colours.
    score : `float`
        Reliability, 0 to 1.

    Yields
    ------
    mark : `Mark`
        The empty rail, then the filled part where there is one.
    """
    x, y = where.header_x + RELIABILITY_X, where.baselines[4] + 3
    yield Mark(Rect(x, y, RELIABILITY_WIDTH, 3), ink.rail)
    filled = round(RELIABILITY_WIDTH * min(1.0, max(0.0, score)))
    if filled:
        yield Mark(Rect(x, y, filled, 3), ink.likely if score >= 0.5 else ink.unlikely)
