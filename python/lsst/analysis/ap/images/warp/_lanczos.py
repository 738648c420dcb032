"""Lanczos resampling of many small images in one pass."""

__all__ = ("Mosaic", "resample")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDER = 3
"""Half width of the kernel, pixels: afw's Warper ``lanczos3``, which the
pipelines use for templates."""

FIRST, TAPS = 1 - ORDER, 2 * ORDER
"""The taps around a position are the pixels ``floor(x) + FIRST`` and on."""

CLOSE = 0.01
"""Pixels. A position that is as close to a pixel's centre as this may lie on
either side of it: afw interpolates positions between those that it computes."""


@dataclass(frozen=True)
class Mosaic:
    """Pixels of some images, one after the other in one array."""

    values: NDArray[np.float32]
    """Pixel values, 0 where there are none, shape (P,)."""

    variances: NDArray[np.float32]
    """Variances, 0 where there are no values, shape (P,)."""

    valid: NDArray[np.bool_]
    """Whether there is a value, shape (P,)."""

    bits: NDArray[np.uint32]
    """Mask bits, shape (P,)."""


@dataclass(frozen=True)
class Resampled:
    """What a mosaic has at some positions."""

    values: Floats
    """Values, NaN where there is none."""

    variances: Floats
    """Their variances."""

    bits: NDArray[np.uint32]
    """Mask bits of the nearest pixel."""


def resample(
    mosaic: Mosaic, starts: NDArray[np.intp], widths: NDArray[np.intp], x: Floats, y: Floats
) -> Resampled:
    """Resample images of a mosaic.

    Parameters
    ----------
    mosaic : `Mosaic`
        The images.
    starts, widths : `numpy.ndarray`
        For each position the first pixel of its image in the mosaic, and how
        many columns the image has, shape (N,).
    x, y : `numpy.ndarray`
        Positions, counted from the centre of the first pixel of each image,
        shape (N,). All taps around each of them lie on its image.

    Returns
    -------
    resampled : `Resampled`
        Values by the normalised kernel of 6x6 pixels. Pixels without data have
        no weight, but where one of the four around a position has none there
        is no value, as afw's mask says.
    """
    column, row = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    kernel_x, kernel_y = _kernel(x - column), _kernel(y - row)
    first = starts + (row + FIRST) * widths + column + FIRST
    across = np.arange(TAPS)
    is_whole = bool(mosaic.valid.all())
    need_x, need_y = _needed(x - column), _needed(y - row)
    value = np.zeros(len(x))
    variance = np.zeros(len(x))
    weight = np.ones(len(x)) if is_whole else np.zeros(len(x))
    has_all = np.ones(len(x), dtype=bool)
    for tap in range(TAPS):
        places = (first + tap * widths)[:, np.newaxis] + across
        kernel = kernel_x * kernel_y[:, tap, np.newaxis]
        value += np.einsum("nt,nt->n", kernel, mosaic.values[places])
        variance += np.einsum("nt,nt,nt->n", kernel, kernel, mosaic.variances[places])
        if not is_whole:
            valid = mosaic.valid[places]
            weight += np.einsum("nt,nt->n", kernel, valid)
            has_all &= (valid | ~need_x).all(axis=1) | ~need_y[:, tap]
    nearest = starts + np.rint(y).astype(np.intp) * widths + np.rint(x).astype(np.intp)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(has_all, value / weight, np.nan)
        variance = variance / weight**2
    return Resampled(value, variance, mosaic.bits[nearest])


def _kernel(fraction: Floats) -> Floats:
    """Return normalised weights of the taps, shape (N, TAPS)."""
    distance = fraction[:, np.newaxis] - np.arange(FIRST, FIRST + TAPS)
    kernel = np.sinc(distance) * np.sinc(distance / ORDER)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


def _needed(fraction: Floats) -> NDArray[np.bool_]:
    """Return which taps are those of the linear interpolation, shape (N, TAPS)."""
    distance = np.abs(fraction[:, np.newaxis] - np.arange(FIRST, FIRST + TAPS))
    return np.asarray(distance < 1.0 + CLOSE)
