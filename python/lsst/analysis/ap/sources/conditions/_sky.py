"""Regions of the sky, as conditions on the columns ``ra`` and ``dec``."""

__all__ = ("circle", "polygon")

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...domain import CutoutsError
from ._expression import And, Arithmetic, Call, Column, Comparison, Expression, Literal


def circle(ra: float, dec: float, radius: float) -> Expression:
    """Return the condition that a source lies in a circle.

    Parameters
    ----------
    ra, dec : `float`
        Centre, ICRS degrees.
    radius : `float`
        Angular radius in degrees, inclusive, from 0 to 180.

    Returns
    -------
    condition : `Expression`
        The haversine formula, which is exact for small and for large circles
        (R. W. Sinnott, Sky and Telescope 68, 158, 1984).

    Raises
    ------
    CutoutsError
        Raised when there is no such circle.
    """
    _check(ra, dec)
    if not 0.0 < radius <= 180.0:
        raise CutoutsError(
            f"The radius of the circle is {radius} degrees; it must be above 0 and at most 180."
        )
    east = _square(_half_sine(Column("ra"), ra))
    north = _square(_half_sine(Column("dec"), dec))
    cosines = _times(Literal(float(np.cos(np.radians(dec)))), Call("cos", Call("radians", Column("dec"))))
    haversine = Arithmetic("+", north, _times(cosines, east))
    return Comparison("<=", haversine, Literal(float(np.sin(np.radians(radius) / 2) ** 2)))


def polygon(corners: Sequence[tuple[float, float]]) -> Expression:
    """Return the condition that a source lies in a convex polygon.

    Parameters
    ----------
    corners : `~collections.abc.Sequence` [`tuple` [`float`, `float`]]
        Right ascension and declination of three corners or more, ICRS degrees, in order, either way round.
        The sides are parts of great circles, and belong to the polygon.

    Returns
    -------
    condition : `Expression`
        A source is inside when it lies on the inner side of every side.

    Raises
    ------
    CutoutsError
        Raised when these are not the corners of a convex polygon smaller than a hemisphere.
    """
    for ra, dec in corners:
        _check(ra, dec)
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners = corners[:-1]
    if len(corners) < 3:
        raise CutoutsError(f"The polygon has {len(corners)} corners; it needs at least 3.")
    lon, lat = np.radians(np.array(corners, dtype=np.float64)).T
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    # The difference is exact where the product of two near vectors is not.
    poles = np.cross(vectors, np.roll(vectors, -1, axis=0) - vectors)
    lengths = np.linalg.norm(poles, axis=1, keepdims=True)
    if np.any(lengths < 1e-14):
        raise CutoutsError("Two neighbouring corners of the polygon are the same or opposite on the sky.")
    poles /= lengths
    sides = vectors @ poles.T  # which side of each side each corner is on
    if np.all(sides <= 1e-14):
        poles, sides = -poles, -sides
    if np.any(sides < -1e-14) or np.all(np.abs(sides) < 1e-14):
        raise CutoutsError(
            "The corners are not those of a convex polygon smaller than a hemisphere, in order. "
            "Select a larger convex one, or the parts one by one."
        )
    return And(tuple(_inside(pole) for pole in poles))


def _inside(pole: NDArray[np.float64]) -> Expression:
    ra, dec = Call("radians", Column("ra")), Call("radians", Column("dec"))
    x, y, z = (Literal(float(part)) for part in pole)
    along = Arithmetic("+", _times(x, Call("cos", ra)), _times(y, Call("sin", ra)))
    height = Arithmetic("+", _times(Call("cos", dec), along), _times(z, Call("sin", dec)))
    # 1e-14 of a radian keeps the corners and sides themselves inside.
    return Comparison(">=", height, Literal(-1e-14))


def _half_sine(column: Expression, center: float) -> Expression:
    difference = Arithmetic("-", column, Literal(float(center)))
    return Call("sin", Arithmetic("/", Call("radians", difference), Literal(2.0)))


def _square(expression: Expression) -> Expression:
    return _times(expression, expression)


def _times(left: Expression, right: Expression) -> Expression:
    return Arithmetic("*", left, right)


def _check(ra: float, dec: float) -> None:
    if not (-360.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
        raise CutoutsError(f"There is no position ra = {ra}, dec = {dec} degrees on the sky.")
