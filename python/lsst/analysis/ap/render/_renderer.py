"""Stamps to PNG files."""

__all__ = ("Renderer",)

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..domain import CutoutsError, Triplet
from ._compiled import compose
from ._deflate import zlib_stream
from ._layout import PANEL_NAMES
from ._numbers import whole_number
from ._panels import check_sizes, panel_limits
from ._png import png_file
from ._stretch import Limits
from ._style import PictureStyle
from ._template import compile_template

MAXIMUM_BYTES = 1_000_000
"""Zooniverse refuses files that are larger."""


@dataclass(frozen=True)
class Renderer:
    """Makes the pictures of one style.

    Each is, pixel for pixel, what matplotlib draws for `draw_figure`; only
    the parts that differ between pictures are computed, the others and the
    rasters of all letters come from matplotlib once per process.
    """

    style: PictureStyle
    """How they look."""

    def render(self, triplets: Sequence[Triplet], row: Mapping[str, Any] | None = None) -> bytes:
        """Return a picture.

        Parameters
        ----------
        triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
            The stamps, one triplet for each size of the style.
        row : `~collections.abc.Mapping`, optional
            The source's values by APDB column name. Any may be missing or
            null.

        Returns
        -------
        png : `bytes`
            A PNG file; the same input gives the same bytes. Its text chunks
            say which source it shows, and between which values.

        Raises
        ------
        CutoutsError
            Raised when the file would be larger than Zooniverse allows.
        ValueError
            Raised when the triplets do not have the sizes of the style.
        """
        check_sizes(self.style, triplets)
        limits = [panel_limits(self.style, triplet) for triplet in triplets]
        template = compile_template(self.style)
        pixels = zlib_stream(compose(self.style, template, triplets, limits, row))
        where = template.layout
        png = png_file(where.width, where.height, _texts(self.style, limits, row), pixels)
        if len(png) >= MAXIMUM_BYTES:
            raise CutoutsError(
                f"the picture would have {len(png)} bytes, and Zooniverse takes less than {MAXIMUM_BYTES}: "
                "choose smaller or fewer sizes, or smaller panels"
            )
        return png


@cache
def _software() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"lsst-analysis-ap {version('lsst-analysis-ap')}"
    except PackageNotFoundError:
        return "lsst-analysis-ap"


def _texts(
    style: PictureStyle, limits: Sequence[Sequence[Limits]], row: Mapping[str, Any] | None
) -> Iterator[tuple[str, str]]:
    """Yield keyword and text of what a picture says of itself."""
    yield "Software", _software()
    for name in ("diaSourceId", "visit", "detector"):
        value = whole_number(row.get(name)) if row else None
        if value is not None:
            yield name, str(value)
    for size, of_size in zip(style.sizes, limits, strict=True):
        for panel, limit in zip(PANEL_NAMES, of_size, strict=True):
            difference = panel == PANEL_NAMES[2]
            stretch = style.difference_stretch if difference else style.image_stretch
            yield f"{panel} {size}x{size}", f"{stretch} from {limit.low:.7g} to {limit.high:.7g}"
