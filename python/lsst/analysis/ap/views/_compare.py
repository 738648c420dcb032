"""The pictures of two runs of a pipeline, one above the other."""

__all__ = ("Comparison", "compare_triplets", "measure")

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Stamp, Triplet
from ..render import Limits, PictureStyle, encode_png, grid_image, panel_limits, panels_image

_APERTURE = 5.0
"""Radius in pixels of the circle in which the flux of the difference is summed."""


@dataclass(frozen=True)
class Comparison:
    """What differs between the pictures of one source in two runs."""

    picture: bytes
    """PNG: the panels of the first run, those of the second between the same
    limits, and what is left when the first is subtracted from the second."""
    noise_ratio: float
    """Noise of the difference image around the source, second to first."""
    flux_ratio: float
    """Flux of the difference image at the source, second to first."""
    words: str
    """Both in words."""


def compare_triplets(style: PictureStyle, before: Triplet, after: Triplet, name: str = "") -> Comparison:
    """Compare the stamps of one source in two runs.

    ``style``: how the stamps look. Returns: picture and numbers. Exchanged runs give the inverse ratios.
    """
    (flux_before, noise_before), (flux_after, noise_after) = measure(before), measure(after)
    noise_ratio, flux_ratio = _ratio(noise_after, noise_before), _ratio(flux_after, flux_before)
    words = f"difference: flux {flux_ratio:.3g} times ({flux_before:.4g} to {flux_after:.4g}), "
    words += f"noise {noise_ratio:.3g} times"
    size = before.science.box.width
    style = replace(style, sizes=(size,))
    limits = panel_limits(style, before, size)
    runs = [
        panels_image(style, triplet, limits=limits, titles=triplet is before) for triplet in (before, after)
    ]
    # What is left is shown with the contrast of the first run, around zero.
    centred = tuple(
        None if found is None else Limits(-(found.high - found.low) / 2, (found.high - found.low) / 2)
        for found in limits
    )
    left = panels_image(
        replace(style, image_stretch="linear", difference_stretch="linear"),
        residual(before, after),
        limits=centred,  # type: ignore[arg-type]
        titles=False,
    )
    captions = [f"{name} before".strip(), "after", f"after - before; {words}"]
    image = grid_image(style, [*runs, left], captions)
    return Comparison(encode_png(image), noise_ratio, flux_ratio, words)


def residual(before: Triplet, after: Triplet) -> Triplet:
    """Return what is left of the second run's stamps without those of the first.

    Returns: pixel by pixel; NaN where either has no data. Where the runs place the source on different
    pixels, the stamps are subtracted as they lie.
    """
    stamps: dict[str, Stamp | None] = {}
    for role in ("template", "science", "difference"):
        first, second = getattr(before, role), getattr(after, role)
        stamps[role] = None
        if first is not None and second is not None:
            stamps[role] = replace(second, array=second.array - first.array, mask=None)
    return replace(after, **stamps)  # type: ignore[arg-type]


def measure(triplet: Triplet) -> tuple[float, float]:
    """Return flux and noise of the difference stamp.

    Returns ``flux``: sum of the pixels within five pixels of the source, above the median of the others;
    ``noise``: 1.4826 times the median absolute deviation of the others, which is the standard deviation of
    Gaussian noise.
    """
    if triplet.difference is None:
        return np.nan, np.nan
    pixels: NDArray[Any] = triplet.difference.array.astype(np.float64)
    box = triplet.difference.box
    center = triplet.position or ((box.x_start + box.x_stop - 1) / 2, (box.y_start + box.y_stop - 1) / 2)
    rows, columns = np.indices(pixels.shape)
    inside = np.hypot(columns + box.x_start - center[0], rows + box.y_start - center[1]) <= _APERTURE
    around = pixels[~inside & np.isfinite(pixels)]
    within = pixels[inside & np.isfinite(pixels)]
    if not around.size or not within.size:
        return np.nan, np.nan
    level = np.median(around)
    return float((within - level).sum()), float(1.4826 * np.median(np.abs(around - level)))


def _ratio(after: float, before: float) -> float:
    return after / before if before else float("nan")
