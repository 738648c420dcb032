"""Stamps turned so that north is up, without a new pixel value."""

__all__ = ("View", "view")

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..domain import Stamp, Triplet
from ._grid import Grid
from ._style import PictureStyle

_TURNS = tuple(
    turn
    for a in (1, -1)
    for b in (1, -1)
    for turn in (np.array([[a, 0], [0, b]]), np.array([[0, a], [b, 0]]))
)
"""The eight ways to lay a square on itself, as matrices from new pixel offsets (x, y) to old ones."""


@dataclass(frozen=True, eq=False)
class View:
    """Stamps as they are shown."""

    triplet: Triplet
    """The stamps, after a turn by quarters where one is wanted."""
    grid: Grid
    """Where their pixels lie on the screen."""
    sky_jacobian: NDArray[np.float64]
    """How the sky moves on the screen, arcseconds per stamp pixel to the
    right and up: ``[[d(east)/dx, d(east)/dy], [d(north)/dx, d(north)/dy]]``."""

    @property
    def center(self) -> tuple[float, float]:
        """Where the source is in the panel, screen pixels to the right and up from its lower left corner."""
        box = self.triplet.science.box
        middle = (box.x_start + box.x_stop - 1) / 2, (box.y_start + box.y_stop - 1) / 2
        return self.grid.place(*(self.triplet.position or middle))


def view(style: PictureStyle, triplet: Triplet, size: int) -> View:
    """Return a triplet as a style wants it turned.

    ``size``: side of what is shown of them, stamp pixels. Returns: the stamps and where their pixels are
    shown. Where the directions on the sky are unknown nothing is turned.
    """
    jacobian = np.asarray(triplet.sky_jacobian)
    factor = style.enlargement(size)
    matrix = None
    if style.orientation != "pixels" and np.isfinite(jacobian).all():
        if style.orientation == "nearest-north":
            triplet = _nearest_north(triplet)
            jacobian = np.asarray(triplet.sky_jacobian)
        elif style.orientation == "true-north" and (scale := triplet.pixel_scale) > 0:
            # Right is west and up is north, by as much as a pixel is large.
            shown = np.array([[-scale, 0.0], [0.0, scale]])
            matrix = np.linalg.solve(jacobian, shown)
            jacobian = shown
    if matrix is None and triplet.science.box.width > size:
        matrix = np.eye(2)
    return View(triplet, Grid(triplet.science.box, size, factor, matrix), jacobian)


def _nearest_north(triplet: Triplet) -> Triplet:
    """Turn stamps by quarters, and reflect them where needed."""
    jacobian = np.asarray(triplet.sky_jacobian)
    # How far up north lies, and how far left east, after each of the turns.
    turn = max(_TURNS, key=lambda turn: (jacobian @ turn)[1, 1] - (jacobian @ turn)[0, 0])
    if (turn == np.eye(2)).all():
        return triplet
    box = triplet.science.box
    center = np.array([(box.x_start + box.x_stop - 1) / 2, (box.y_start + box.y_stop - 1) / 2])

    def turned(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (center + turn.T @ (np.array(point) - center)).tolist()
        return x, y

    neighbours = []
    for each in triplet.neighbours:
        x, y = turned((each.x, each.y))
        neighbours.append(replace(each, x=x, y=y, end=None if each.end is None else turned(each.end)))
    return replace(
        triplet,
        template=_turned(triplet.template, turn),
        science=_turned(triplet.science, turn),
        difference=None if triplet.difference is None else _turned(triplet.difference, turn),
        sky_jacobian=jacobian @ turn,
        position=None if triplet.position is None else turned(triplet.position),
        footprint=None if triplet.footprint is None else _turned_pixels(triplet.footprint, turn),
        sky_map=None,  # that of the pixels before the turn
        neighbours=tuple(neighbours),
    )


def _turned(stamp: Stamp, turn: NDArray[np.int_]) -> Stamp:
    mask = None if stamp.mask is None else _turned_pixels(stamp.mask, turn)
    return replace(stamp, array=_turned_pixels(stamp.array, turn), mask=mask)


def _turned_pixels[T: np.generic](pixels: NDArray[T], turn: NDArray[np.int_]) -> NDArray[T]:
    if turn[0, 0]:
        return np.ascontiguousarray(pixels[:: turn[1, 1], :: turn[0, 0]])
    return np.ascontiguousarray(pixels.T[:: turn[0, 1], :: turn[1, 0]])
