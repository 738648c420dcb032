"""Stamps to PNG files."""

__all__ = ("Renderer",)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..domain import CutoutsError, Triplet
from ._figure import draw_figure, figure_png
from ._style import PictureStyle

MAXIMUM_BYTES = 1_000_000
"""Zooniverse refuses files that are larger."""


@dataclass(frozen=True)
class Renderer:
    """Makes the pictures of one style."""

    style: PictureStyle
    """How they look."""

    def render(self, triplets: Sequence[Triplet], row: Mapping[str, Any] | None = None) -> bytes:
        """Return a picture.

        Parameters
        ----------
        triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
            The stamps, one triplet for each size of the style.
        row : `~collections.abc.Mapping`, optional
            The source's values by APDB column name.

        Returns
        -------
        png : `bytes`
            A PNG file; the same input gives the same bytes.

        Raises
        ------
        CutoutsError
            Raised when the file would be larger than Zooniverse allows.
        ValueError
            Raised when the triplets do not have the sizes of the style.
        """
        png = figure_png(draw_figure(self.style, triplets, row))
        if len(png) >= MAXIMUM_BYTES:
            raise CutoutsError(
                f"the picture would have {len(png)} bytes, and Zooniverse takes less than {MAXIMUM_BYTES}: "
                "choose smaller or fewer sizes, or smaller panels"
            )
        return png
