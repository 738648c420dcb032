"""Stamps turned so that north is up, without touching a pixel value."""

__all__ = ("oriented",)

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..domain import Stamp, Triplet
from ._style import PictureStyle

_TURNS = tuple(
    turn
    for a in (1, -1)
    for b in (1, -1)
    for turn in (np.array([[a, 0], [0, b]]), np.array([[0, a], [b, 0]]))
)
"""The eight ways to lay a square on itself, as matrices from new pixel
offsets (x, y) to old ones."""


def oriented(style: PictureStyle, triplet: Triplet) -> Triplet:
    """Return a triplet as a style wants it turned.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    triplet : `~lsst.analysis.ap.domain.Triplet`
        Square stamps.

    Returns
    -------
    triplet : `~lsst.analysis.ap.domain.Triplet`
        Itself, or for ``north-up`` the same pixels after that turn by a
        multiple of 90 degrees and, where needed, that reflection which bring
        north nearest to up and east nearest to left.
    """
    jacobian = np.asarray(triplet.sky_jacobian)
    if style.orientation != "north-up" or not np.isfinite(jacobian).all():
        return triplet
    turn = max(_TURNS, key=lambda turn: (jacobian @ turn)[1, 1] - (jacobian @ turn)[0, 0])
    if (turn == np.eye(2)).all():
        return triplet
    position = triplet.position
    if position is not None:
        box = triplet.science.box
        center = np.array([(box.x_start + box.x_stop - 1) / 2, (box.y_start + box.y_stop - 1) / 2])
        x, y = (center + turn.T @ (np.array(position) - center)).tolist()
        position = (x, y)
    template, science, difference = (_turned(stamp, turn) for stamp in triplet.stamps)
    return Triplet(template, science, difference, sky_jacobian=jacobian @ turn, position=position)


def _turned(stamp: Stamp, turn: NDArray[np.int_]) -> Stamp:
    def pixels[T: np.generic](array: NDArray[T]) -> NDArray[T]:
        if turn[0, 0]:
            return np.ascontiguousarray(array[:: turn[1, 1], :: turn[0, 0]])
        return np.ascontiguousarray(array.T[:: turn[0, 1], :: turn[1, 0]])

    mask = None if stamp.mask is None else pixels(stamp.mask)
    return replace(stamp, array=pixels(stamp.array), mask=mask)
