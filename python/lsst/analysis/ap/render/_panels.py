"""Which stamps a style takes, and between which values it shows them."""

__all__ = ("check_sizes", "panel_limits")

from collections.abc import Sequence

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
    return (
        interval_limits(triplet.template.array, style.image_interval, 99.0),
        interval_limits(triplet.science.array, style.image_interval, 99.0),
        interval_limits(triplet.difference.array, style.difference_interval, 99.0),
    )
