"""Stamps to PNG files."""

__all__ = ("Renderer",)

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .._version import software_version
from ..domain import CutoutsError, Triplet
from ._captions import WARPED_COADD
from ._layout import ALL_PANELS, DIFFERENCE, PANEL_NAMES, layout
from ._limits import PanelLimits, check_sizes, panel_limits
from ._numbers import whole_number
from ._orientation import view
from ._paint import paint
from ._png import png_file
from ._style import PictureStyle

MAXIMUM_BYTES = 1_000_000
"""Zooniverse refuses files that are larger."""


@dataclass(frozen=True)
class Renderer:
    """Makes the pictures of one style.

    Each is, pixel for pixel, what matplotlib draws for `draw_figure`; only the parts that differ between
    pictures are computed, the others and the rasters of all letters come from matplotlib once per process.
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
            The source's values by APDB column name. Any may be missing or null.

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
        return self._render(triplets, row, ALL_PANELS)

    def render_panels(
        self, triplets: Sequence[Triplet], row: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        """Return each panel as a picture of its own, for flipping through.

        Parameters
        ----------
        triplets, row
            See `render`.

        Returns
        -------
        pngs : `dict` [`str`, `bytes`]
            PNG files of one size by the names template, science and difference.

        Raises
        ------
        CutoutsError, ValueError
            See `render`.
        """
        return {PANEL_NAMES[panel].lower(): self._render(triplets, row, (panel,)) for panel in ALL_PANELS}

    def _render(
        self, triplets: Sequence[Triplet], row: Mapping[str, Any] | None, shown: tuple[int, ...]
    ) -> bytes:
        style = self.style
        check_sizes(style, triplets)
        views = [view(style, triplet, size) for triplet, size in zip(triplets, style.sizes, strict=True)]
        limits = [panel_limits(style, each.triplet, each.grid.size) for each in views]
        with paint(style, shown, views, limits, row) as sheet:
            png = png_file(sheet, list(_texts(style, views[0].triplet, limits, row, shown)))
        if len(png) >= MAXIMUM_BYTES:
            raise CutoutsError(
                f"the picture would have {len(png)} bytes, and Zooniverse takes less than {MAXIMUM_BYTES}: "
                "choose smaller or fewer sizes, or smaller panels"
            )
        return png


def _texts(
    style: PictureStyle,
    triplet: Triplet,
    limits: Sequence[PanelLimits],
    row: Mapping[str, Any] | None,
    shown: tuple[int, ...],
) -> Iterator[tuple[str, str]]:
    """Yield keyword and text of what a picture says of itself."""
    yield "Software", f"lsst-analysis-ap {software_version()}"
    for name in ("diaSourceId", "visit", "detector"):
        value = row.get(name) if row else None
        if value is not None and type(value) is not int:
            value = whole_number(value)
        if value is not None:
            yield name, str(value)
    if triplet.template_source:
        yield "Template", f"{WARPED_COADD} of {triplet.template_source}"
    for size, of_size in zip(style.sizes, limits, strict=True):
        said = []
        for panel in shown:
            stamp, of_panel = triplet.stamps[panel], of_size[panel]
            if stamp is None or of_panel is None:
                said.append(f"{PANEL_NAMES[panel]} not stored")
                continue
            stretch = style.difference_stretch if panel == DIFFERENCE else style.image_stretch
            unit = f" {stamp.unit}" if stamp.unit else ""
            said.append(
                f"{PANEL_NAMES[panel]} {stretch} from {of_panel.low:.7g} to {of_panel.high:.7g}{unit}"
            )
        yield f"Stretch {size}x{size}", ", ".join(said)
    yield from _places(style, shown)


@lru_cache(maxsize=64)
def _places(style: PictureStyle, shown: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    """Return keyword and text of where the panels of each size lie."""
    return tuple(
        (
            f"Panels {size}x{size}",
            ", ".join(
                f"{PANEL_NAMES[n]} {' '.join(map(str, rect))}" for n, rect in zip(shown, rects, strict=True)
            ),
        )
        for size, rects in zip(style.sizes, layout(style, shown).panels, strict=True)
    )
