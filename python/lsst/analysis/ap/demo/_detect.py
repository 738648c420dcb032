"""Detection of sources of either sign on a difference image."""

__all__ = ("detect",)

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from photutils.segmentation import SourceCatalog, detect_sources
from scipy import ndimage
from scipy.signal import oaconvolve

from ._draw import psf_stamp
from ._images import Images

_GROWTH = 3
"""Pixels by which footprints grow beyond the threshold."""


def detect(images: Images, threshold: float) -> tuple[pd.DataFrame, NDArray[np.int32]]:
    """Find sources with a matched filter, and set the DETECTED planes of the difference.

    Returns a row for each footprint, and at each pixel the ``label`` of its footprint, 0 outside. The columns
    ``x``, ``y``, ``snr`` and ``flux`` (nJy) are those of a point at the strongest peak, ``x_other`` and so on
    of the strongest of the opposite sign, positions counted from the first pixel; ``area`` and ``side`` are
    the footprint's, pixels.
    """
    image, variance = images.difference.image.array, images.difference.variance.array
    profile = psf_stamp(images.raw.psf, images.exposure.jacobian, 21)[::-1, ::-1]
    signal = oaconvolve(np.nan_to_num(image), profile, mode="same")
    noise = oaconvolve(np.nan_to_num(variance), profile**2, mode="same")
    # Beside pixels without data the noise would vanish.
    noise = np.sqrt(noise.clip(0.05 * np.nanmedian(variance) * (profile**2).sum()))
    snr = np.where(np.isnan(image), 0.0, signal / noise)

    disk = np.hypot(*np.mgrid[-_GROWTH : _GROWTH + 1, -_GROWTH : _GROWTH + 1]) <= _GROWTH
    either = np.zeros(snr.shape, dtype=bool)
    for plane, signed in (("DETECTED", snr), ("DETECTED_NEGATIVE", -snr)):
        footprints = ndimage.binary_dilation(signed > threshold, disk)
        images.difference.mask.set(plane, footprints)
        either |= footprints
    if not either.any():
        return pd.DataFrame(), np.zeros(either.shape, dtype=np.int32)
    segments = detect_sources(either.astype(np.float64), 0.5, n_pixels=1)
    found = SourceCatalog(snr, segments)
    is_negative = found.max_value < -found.min_value
    highest = np.stack([found.max_value_xindex, found.max_value_yindex])
    lowest = np.stack([found.min_value_xindex, found.min_value_yindex])
    table = pd.DataFrame({"label": found.labels, "area": found.area.value.astype(int)})
    table["side"] = 1 + np.maximum(found.bbox_xmax - found.bbox_xmin, found.bbox_ymax - found.bbox_ymin)
    for suffix, (x, y) in (
        ("", np.where(is_negative, lowest, highest)),
        ("_other", np.where(is_negative, highest, lowest)),
    ):
        table[f"x{suffix}"], table[f"y{suffix}"] = x, y
        table[f"snr{suffix}"], table[f"flux{suffix}"] = snr[y, x], signal[y, x] / (profile**2).sum()
    return table, segments.data
