"""From pixel values to levels of a colour map, as astropy.visualization does it."""

__all__ = ("Limits", "levels", "limits", "zscale")

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Pixels = NDArray[np.floating]

LOG_A = 1000.0
"""The ``a`` of `astropy.visualization.LogStretch` by default."""


class Limits(NamedTuple):
    """The values that get the first and the last colour of a map."""

    low: float
    high: float


def limits(pixels: Pixels, interval: str) -> Limits:
    """Return the values between which a stamp is shown.

    Parameters
    ----------
    pixels : `numpy.ndarray`
        Pixel values of any shape. NaN and infinity do not count.
    interval : `str`
        ``"minmax"``, ``"percentile"`` or ``"zscale"``.

    Returns
    -------
    limits : `Limits`
        With ``low < high`` always: a stamp without two different values has
        its value as ``low`` and one more as ``high``, one without any value
        0 and 1.
    """
    values = np.asarray(pixels, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return Limits(0.0, 1.0)
    if interval == "zscale":
        low, high = zscale(values)
    else:
        low, high = float(values.min()), float(values.max())
    if not low < high:
        high = max(low + 1.0, float(np.nextafter(low, np.inf)))
    return Limits(low, high)


def zscale(values: Pixels) -> tuple[float, float]:
    """Return the limits of IRAF's zscale algorithm.

    Parameters
    ----------
    values : `numpy.ndarray`
        Finite values, at least one.

    Returns
    -------
    low, high : `float`
        What `astropy.visualization.ZScaleInterval` returns.
    """
    from astropy.visualization import ZScaleInterval

    low, high = ZScaleInterval().get_limits(values)
    return float(low), float(high)


def levels(pixels: Pixels, limits: Limits, stretch: str, asinh_a: float) -> Pixels:
    """Return where in a colour map each pixel lies.

    Parameters
    ----------
    pixels : `numpy.ndarray`
        Pixel values.
    limits : `Limits`
        Values that become 0 and 1.
    stretch : `str`
        ``"asinh"``, ``"linear"``, ``"log"`` or ``"sqrt"``.
    asinh_a : `float`
        Softening of the asinh stretch.

    Returns
    -------
    levels : `numpy.ndarray`
        From 0 to 1, NaN where the pixel is NaN.
    """
    result = np.subtract(pixels, limits.low, dtype=np.float64)
    result /= limits.high - limits.low
    np.clip(result, 0.0, 1.0, out=result)
    if stretch == "asinh":
        result /= asinh_a
        np.arcsinh(result, out=result)
        result /= np.arcsinh(1.0 / asinh_a)
    elif stretch == "log":
        result *= LOG_A
        result += 1.0
        np.log(result, out=result)
        result /= np.log(LOG_A + 1.0)
    elif stretch == "sqrt":
        np.sqrt(result, out=result)
    return result
