"""Lanczos resampling of many small images in one pass."""

__all__ = ("Mosaic", "resample")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDER = 3
"""Half width of the kernel, pixels: afw's Warper ``lanczos3``, which the pipelines use for templates."""

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
    """Their variances; 1 where nobody asked for them."""
    bits: NDArray[np.uint32]
    """Mask bits of the nearest pixel."""


def resample(
    mosaic: Mosaic,
    starts: NDArray[np.intp],
    widths: NDArray[np.intp],
    x: Floats,
    y: Floats,
    *,
    with_variance: bool,
) -> Resampled:
    """Resample images of a mosaic.

    ``starts``, ``widths``: for each position the first pixel of its image in the mosaic, and how many columns
    the image has, shape (N,). ``x``, ``y``: positions, counted from the centre of the first pixel of each
    image, shape (N,). All taps around each of them lie on its image. ``with_variance``: whether variances are
    wanted. Returns: values by the normalised kernel of 6x6 pixels. Pixels without data have no weight, but
    where one of the four around a position has none there is no value, as afw's mask says.
    """
    column, row = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    kernel_x, kernel_y = _kernel(x - column), _kernel(y - row)
    first = starts + (row + FIRST) * widths + column + FIRST
    across = np.arange(TAPS)
    is_whole = bool(mosaic.valid.all())
    valid = mosaic.valid.astype(np.float32)
    value, variance, weight = np.zeros((3, len(x)))
    for tap in range(TAPS):
        # A row of taps of all positions at once; the kernel is a product.
        places = (first + tap * widths)[:, np.newaxis] + across
        along = kernel_y[:, tap]
        value += along * _sum(kernel_x, np.take(mosaic.values, places))
        if with_variance:
            variance += along**2 * _sum(kernel_x**2, np.take(mosaic.variances, places))
        if not is_whole:
            weight += along * _sum(kernel_x, np.take(valid, places))
    nearest = starts + np.rint(y).astype(np.intp) * widths + np.rint(x).astype(np.intp)
    if not is_whole:  # otherwise the weights add up to 1
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(_is_surrounded(mosaic.valid, starts, widths, x, y), value / weight, np.nan)
            variance = variance / weight**2
    return Resampled(value, variance if with_variance else np.ones(len(x)), mosaic.bits[nearest])


def _kernel(fraction: Floats) -> NDArray[np.float32]:
    """Return normalised weights of the taps, shape (N, TAPS)."""
    distance = fraction[:, np.newaxis] - np.arange(FIRST, FIRST + TAPS)
    # Sums of a truncated kernel differ from 1 with the fraction: a flat sky would ripple.
    kernel = np.sinc(distance) * np.sinc(distance / ORDER)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), dtype=np.float32)


def _sum(kernel: NDArray[np.float32], pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("nt,nt->n", kernel, pixels))


def _is_surrounded(
    valid: NDArray[np.bool_], starts: NDArray[np.intp], widths: NDArray[np.intp], x: Floats, y: Floats
) -> NDArray[np.bool_]:
    """Return which positions have data in all pixels of the linear interpolation."""
    surrounded = np.ones(len(x), dtype=bool)
    for row in _neighbours(y):
        for column in _neighbours(x):
            surrounded &= valid[starts + row * widths + column]
    return surrounded


def _neighbours(position: Floats) -> tuple[NDArray[np.intp], ...]:
    """Return the pixels before and after a position, on both sides of one that is close."""
    low, high = np.floor(position - CLOSE), np.floor(position + CLOSE)
    return tuple(pixel.astype(np.intp) for pixel in (low, low + 1, high + 1))
