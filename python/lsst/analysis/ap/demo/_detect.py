"""Detection of sources of either sign on a difference image."""

__all__ = ("THRESHOLD", "Detection", "detect", "significance_map")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ._draw import convolve
from ._images import MaskedPixels
from ._psf import MoffatPsf

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]

THRESHOLD = 5.0
"""Least signal-to-noise ratio of a peak."""

_GROWTH = 3
"""Pixels by which footprints grow beyond the threshold."""

_LONGEST = 70
"""Footprints longer than this, in pixels, are cut at their peaks."""

_CENTRAL_REJECT = ("NO_DATA", "BAD")
"""A source whose 3x3 central pixels are all in one of these is no source."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A footprint with a peak; positions count from the first pixel."""

    x: int
    """Column of the strongest peak."""
    y: int
    """Row of the strongest peak."""
    signal_to_noise: float
    """At the peak; negative where the source is fainter than the template."""
    opposite: tuple[int, int, float] | None
    """Column, row and signal-to-noise ratio of the strongest peak of the
    other sign, when there is a significant one in the footprint."""
    box: tuple[slice, slice]
    """Rows and columns of the footprint."""
    footprint: BoolArray
    """Which pixels of the box belong to the footprint."""


def detect(difference: MaskedPixels, psf: MoffatPsf) -> tuple[list[Detection], BoolArray, BoolArray]:
    """Find sources on a difference image with a matched filter.

    Parameters
    ----------
    difference : `MaskedPixels`
        The difference image.
    psf : `MoffatPsf`
        Its PSF.

    Returns
    -------
    detections : `list` [`Detection`]
        Ordered by row, then column, of the peak.
    positive, negative : `numpy.ndarray` [`bool`]
        Pixels of positive and of negative footprints.
    """
    significance = significance_map(difference, psf)
    disk = np.hypot(*np.mgrid[-_GROWTH : _GROWTH + 1, -_GROWTH : _GROWTH + 1]) <= _GROWTH
    positive = ndimage.binary_dilation(significance > THRESHOLD, disk)
    negative = ndimage.binary_dilation(significance < -THRESHOLD, disk)
    labels, _ = ndimage.label(positive | negative, np.ones((3, 3), dtype=bool))
    unusable = [ndimage.binary_erosion(difference.mask[plane], np.ones((3, 3))) for plane in _CENTRAL_REJECT]
    detections = []
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        detections += _split(significance, labels[box] == index, box)
    detections = [
        detection for detection in detections if not any(bad[detection.y, detection.x] for bad in unusable)
    ]
    return sorted(detections, key=lambda detection: (detection.y, detection.x)), positive, negative


def significance_map(difference: MaskedPixels, psf: MoffatPsf) -> FloatArray:
    """Return the signal-to-noise ratio of a point source at every pixel.

    The numerator is the image correlated with the PSF, the denominator the
    square root of its variance, the variance correlated with the square of
    the PSF.

    Parameters
    ----------
    difference : `MaskedPixels`
        The difference image.
    psf : `MoffatPsf`
        Its PSF.

    Returns
    -------
    significance : `numpy.ndarray`
        Zero where there are no data.
    """
    blank = np.isnan(difference.image)
    profile = psf.stamp(10)
    signal = convolve(np.where(blank, 0.0, difference.image), profile)
    variance = convolve(np.where(blank, 0.0, difference.variance), profile**2)
    floor = 0.05 * float(np.nanmedian(difference.variance) * (profile**2).sum())
    return np.where(blank, 0.0, signal / np.sqrt(np.maximum(variance, floor)))


def _split(significance: FloatArray, footprint: BoolArray, box: tuple[slice, slice]) -> list[Detection]:
    """Make the detections of one footprint: one, or several of a long one."""
    here = np.where(footprint, significance[box], 0.0)
    top, left = box[0].start, box[1].start
    if max(footprint.shape) <= _LONGEST:
        return [_detection(here, footprint, box)]
    height = np.abs(here)
    is_peak = (height == ndimage.maximum_filter(height, 25)) & (height > THRESHOLD)
    rows, columns = np.nonzero(is_peak)
    brightest = np.argsort(-height[rows, columns], kind="stable")[:4]
    result = []
    for row, column in zip(rows[brightest], columns[brightest], strict=True):
        part = (
            slice(max(row - 15, 0), min(row + 16, footprint.shape[0])),
            slice(max(column - 15, 0), min(column + 16, footprint.shape[1])),
        )
        whole = (
            slice(top + part[0].start, top + part[0].stop),
            slice(left + part[1].start, left + part[1].stop),
        )
        result.append(_detection(here[part], footprint[part], whole))
    return result


def _detection(here: FloatArray, footprint: BoolArray, box: tuple[slice, slice]) -> Detection:
    """Describe the strongest peak of a footprint and its opposite."""
    peak = np.unravel_index(np.argmax(np.abs(here)), here.shape)
    sign = np.sign(here[peak])
    other = np.unravel_index(np.argmin(sign * here), here.shape)
    top, left = box[0].start, box[1].start
    opposite = (int(left + other[1]), int(top + other[0]), float(here[other]))
    return Detection(
        x=int(left + peak[1]),
        y=int(top + peak[0]),
        signal_to_noise=float(here[peak]),
        opposite=opposite if -sign * here[other] > THRESHOLD else None,
        box=box,
        footprint=footprint,
    )
