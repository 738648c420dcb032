"""How stamps lie on the screen: which way up, and where their pixels are."""

__all__ = (
    "Grid",
    "View",
    "view",
)

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..domain import Box, Stamp, Triplet
from ._style import PictureStyle


@dataclass(frozen=True, eq=False)
class Grid:
    """The square of screen pixels in which a stamp is shown."""

    box: Box
    """The pixels of the stamp, a square."""
    size: int
    """Side of what is shown of it, in stamp pixels: all, or, where it is rotated, the central part."""
    factor: int
    """Screen pixels along the side of a stamp pixel."""
    matrix: NDArray[np.float64] | None = None
    """What takes offsets (right, up) from the centre of the panel to offsets
    (x, y) in the stamp, both in stamp pixels; `None` where they are equal."""

    @property
    def side(self) -> int:
        """Side of the panel in screen pixels."""
        return self.size * self.factor

    def screen[T: np.generic](self, pixels: NDArray[T], outside: T) -> NDArray[T]:
        """Return the pixels of a stamp as screen pixels.

        ``pixels``: one value for each pixel of the stamp, (..., rows from the bottom, columns). ``outside``:
        value where the stamp has no pixels, beyond the corners of a rotated one. Returns: (..., rows from the
        top, columns), `side` of each. No value is new: each is that of the pixel at this place.
        """
        if self.matrix is None:
            return pixels[..., ::-1, :].repeat(self.factor, axis=-2).repeat(self.factor, axis=-1)
        rows, columns, inside = self._sampled
        return np.where(inside, pixels[..., rows, columns], outside)

    @cached_property
    def _sampled(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """Row and column in the stamp for each screen pixel, and whether there is one."""
        assert self.matrix is not None
        # The centre of a screen pixel is never on the border of two stamp
        # pixels for quarter turns; for other angles either is right.
        right = (np.arange(self.side) + 0.5) / self.factor - self.size / 2
        up = -right[:, np.newaxis]
        (a, b), (c, d) = self.matrix.tolist()
        x = np.floor(a * right + b * up + self.box.width / 2).astype(np.intp)
        y = np.floor(c * right + d * up + self.box.height / 2).astype(np.intp)
        inside = (x >= 0) & (x < self.box.width) & (y >= 0) & (y < self.box.height)
        return np.where(inside, y, 0), np.where(inside, x, 0), inside

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a position is in the panel.

        ``x``, ``y``: PARENT pixels. Returns: screen pixels from the lower left corner of the panel.
        """
        if self.matrix is None:
            right, up = x - self.box.x_start + 0.5, y - self.box.y_start + 0.5
        else:
            center = (
                (self.box.x_start + self.box.x_stop - 1) / 2,
                (self.box.y_start + self.box.y_stop - 1) / 2,
            )
            right, up = np.linalg.solve(self.matrix, np.subtract((x, y), center)) + self.size / 2
        return float(right * self.factor), float(up * self.factor)


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
