"""Which stamps a style takes, and between which values it shows them."""

__all__ = ("PanelLimits", "central_pixels", "check_sizes", "common_limits", "panel_limits")

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..domain import Stamp, Triplet
from ._pixels import Limits, interval_limits
from ._style import PictureStyle

type PanelLimits = tuple[Limits, Limits, Limits | None]
"""Limits of template, science and difference; `None` without a difference."""


def check_sizes(style: PictureStyle, triplets: Sequence[Triplet]) -> None:
    """Refuse triplets that a style has no place for.

    Raises `ValueError` when their number or sizes are not those of the style, nor larger by the margin that
    its orientation has use for.
    """
    found = [{stamp.array.shape for stamp in triplet.stamps if stamp} for triplet in triplets]
    sides = [(size, size + 2 * style.margin(size)) for size in style.sizes]
    wanted = [({(small, small)}, {(large, large)}) for small, large in sides]
    if len(found) != len(wanted) or not all(f in w for f, w in zip(found, wanted, strict=True)):
        raise ValueError(f"triplets: stamps of shapes {found}, where the style's sizes are {style.sizes}")


def panel_limits(style: PictureStyle, triplet: Triplet, size: int) -> PanelLimits:
    """Return the values between which each panel shows its stamp.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    triplet : `~lsst.analysis.ap.domain.Triplet`
        The stamps.
    size : `int`
        Side of what is shown of them, stamp pixels.

    Returns
    -------
    limits : `tuple` [`Limits`]
        Of template, science and difference.
    """
    return common_limits(style, [triplet], size)


def common_limits(style: PictureStyle, triplets: Sequence[Triplet], size: int) -> PanelLimits:
    """Return values between which several triplets can be shown alike.

    ``triplets``: the stamps, at least one triplet. ``size``: side of what is shown of them, stamp pixels.
    Returns: of template, science and difference: what the style takes from the pixels of all of them
    together.
    """
    differences = [triplet.difference for triplet in triplets if triplet.difference is not None]
    region = style.limits_region if style.difference_limits_region is None else style.difference_limits_region
    template = _regions([triplet.template for triplet in triplets], size, style.limits_region)
    science = _regions([triplet.science for triplet in triplets], size, style.limits_region)
    difference = _regions(differences, size, region) if differences else None
    if style.image_limits:
        of_template = of_science = Limits(*style.image_limits)
    elif style.shared_limits:
        both = np.concatenate((template.ravel(), science.ravel()))
        of_template = of_science = interval_limits(both, style.image_interval, style.percentile)
    else:
        of_template = interval_limits(template, style.image_interval, style.percentile)
        of_science = interval_limits(science, style.image_interval, style.percentile)
    if difference is None:
        return of_template, of_science, None
    if style.difference_limits:
        return of_template, of_science, Limits(*style.difference_limits)
    of_difference = interval_limits(difference, style.difference_interval, style.percentile)
    if style.difference_symmetric:
        reach = max(abs(of_difference.low), abs(of_difference.high))
        of_difference = Limits(-reach, reach)
    return of_template, of_science, of_difference


def _regions(stamps: Sequence[Stamp], size: int, side: int | None) -> NDArray[np.float32]:
    """Return the central squares of stamps, one behind the other."""
    if len(stamps) == 1:
        return central_pixels(stamps[0], size, side)
    return np.concatenate([central_pixels(stamp, size, side).ravel() for stamp in stamps])


def central_pixels(stamp: Stamp, size: int, side: int | None) -> NDArray[np.float32]:
    """Return the central square of a stamp: of what is shown, or less."""
    array = stamp.array
    wanted = size if side is None else min(side, size)
    if wanted >= len(array):
        return array
    first = (len(array) - wanted) // 2
    return array[first : first + wanted, first : first + wanted]
