"""Which stamps a style takes, and between which values it shows them."""

__all__ = ("check_sizes", "panel_limits")

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._stretch import Limits, interval_limits
from ._style import PictureStyle


def check_sizes(style: PictureStyle, triplets: Sequence[Triplet]) -> None:
    """Refuse triplets that a style has no place for.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
        The stamps.

    Raises
    ------
    ValueError
        Raised when their number or sizes are not those of the style.
    """
    found = [stamp.array.shape for triplet in triplets for stamp in triplet.stamps]
    wanted = [(size, size) for size in style.sizes for _ in range(3)]
    if found != wanted:
        raise ValueError(f"triplets: stamps of shapes {found}, where the style's sizes are {style.sizes}")


def panel_limits(style: PictureStyle, triplet: Triplet) -> tuple[Limits, Limits, Limits]:
    """Return the values between which each panel shows its stamp.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    triplet : `~lsst.analysis.ap.domain.Triplet`
        The stamps.

    Returns
    -------
    limits : `tuple` [`Limits`]
        Of template, science and difference.
    """
    template, science, difference = (_region(stamp.array, style.limits_region) for stamp in triplet.stamps)
    if style.shared_limits:
        both = np.concatenate((template.ravel(), science.ravel()))
        of_template = of_science = interval_limits(both, style.image_interval, style.percentile)
    else:
        of_template = interval_limits(template, style.image_interval, style.percentile)
        of_science = interval_limits(science, style.image_interval, style.percentile)
    of_difference = interval_limits(difference, style.difference_interval, style.percentile)
    if style.difference_symmetric:
        reach = max(abs(of_difference.low), abs(of_difference.high))
        of_difference = Limits(-reach, reach)
    return of_template, of_science, of_difference


def _region(array: NDArray[np.float32], side: int | None) -> NDArray[np.float32]:
    """Return the central square of a stamp."""
    size = len(array)
    if side is None or side >= size:
        return array
    first = (size - side) // 2
    return array[first : first + side, first : first + side]
