"""A picture as an ordinary matplotlib figure: the definition of the look."""

__all__ = ("draw_figure",)

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..domain import Triplet
from ._annotation import annotation, labels, reliability
from ._artists import PanelAxes
from ._canvas import hex_color, new_figure, text_choices
from ._colors import Ink, inks
from ._decorations import decorations, first_decorations
from ._fonts import drawing_settings, fitting_size, font, number_width, text_size
from ._layout import ALL_PANELS, Layout, Rect, layout
from ._limits import check_sizes, panel_limits
from ._marks import gauge
from ._orientation import view
from ._stages import Stage, stage_in_axes, stage_in_figure
from ._style import PictureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


def draw_figure(
    style: PictureStyle,
    triplets: Sequence[Triplet],
    row: Mapping[str, Any] | None,
    panels: Sequence[int] = ALL_PANELS,
    *,
    figure: "Figure | SubFigure | None" = None,
    axes: "Iterable[Axes] | None" = None,
) -> "Figure":
    """Draw a picture as an ordinary matplotlib figure.

    Parameters
    ----------
    style : `PictureStyle`
        How it looks.
    triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
        The stamps, one triplet for each of ``style.sizes``.
    row : `~collections.abc.Mapping` or `None`
        The source's values by APDB column name. Any may be missing or null.
    panels : `~collections.abc.Sequence` [`int`], optional
        Panels to draw: 0 for the template, 1 for the science image, 2 for the difference.
    figure : `matplotlib.figure.Figure` or `matplotlib.figure.SubFigure`, optional
        Where to draw the picture, as large as there is room.
    axes : `~collections.abc.Iterable` [`matplotlib.axes.Axes`], optional
        Where to draw the panels alone, without the text rows: axes of the
        panels from left to right, for one size after the other.

    Returns
    -------
    figure : `matplotlib.figure.Figure`
        The figure, made without pyplot where none was given. Drawn at its own size it is, pixel for pixel,
        the picture that `Renderer` makes. Each panel is axes with the panel's title; where stamps are shown
        as they lie in the images, their coordinates are PARENT pixels.

    Raises
    ------
    ValueError
        Raised when the triplets do not have the sizes of the style, or there
        are more or fewer axes than panels.
    """
    check_sizes(style, triplets)
    where = layout(style, tuple(panels))
    views = [view(style, triplet, size) for triplet, size in zip(triplets, style.sizes, strict=True)]
    stage: Stage
    if axes is not None:
        stage = stage_in_axes(axes, len(panels) * len(views))
    elif figure is not None:
        stage = stage_in_figure(
            figure, where.width, where.height, hex_color(inks(style.background).background)
        )
    else:
        stage = new_figure(where.width, where.height, inks(style.background).background)
    with drawing_settings():
        for number, (shown, rects) in enumerate(zip(views, where.panels, strict=True)):
            limits = panel_limits(style, shown.triplet, shown.grid.size)
            over, first = (
                list(decorations(style, shown, shown.grid.side, style.text_scale, row)),
                list(first_decorations(style, shown)),
            )
            for panel, rect in zip(panels, rects, strict=True):
                drawn = PanelAxes(stage.place(rect), style, where, panel, shown, stage.scale_with_size)
                drawn.draw(limits[panel], [*over, *first] if panel == panels[0] else over)
                if number == 0:
                    drawn.draw_title()
                if style.color_bar and limits[panel] is not None:
                    below = Rect(rect.x, rect.y + rect.height + where.bar_space, rect.width, where.bar_height)
                    drawn.draw_color_bar(stage.place_beside(drawn.axes, rect, below))
        if style.add_metadata and axes is None:
            _draw_header(stage, where, inks(style.background), row)
    whole: Figure = stage.target.get_figure(root=True)
    return whole


def _draw_header(stage: Stage, where: Layout, ink: Ink, row: Mapping[str, Any] | None) -> None:
    """Draw the text rows."""
    from matplotlib.patches import Rectangle

    def from_below(y: int) -> int:
        return where.height - y

    if row and (score := reliability(row)) is not None:
        for rect, color in gauge(where, ink, score):
            x, y = rect.x, from_below(rect.y + rect.height)
            patch = Rectangle(
                (x, y),
                rect.width,
                rect.height,
                transform=stage.pixels,
                facecolor=hex_color(color),
                edgecolor="none",
                linewidth=0,
                antialiased=False,
            )
            stage.target.add_artist(patch)
    for item in (*labels(ink), *(annotation(row, ink) if row else ())):
        text, size = item.text, text_size(where.scale)
        if not item.number:
            text, size = fitting_size(text, item.bold, where.scaled(item.width), size)
        x = where.header_x + where.scaled(item.x)
        if item.right:
            x -= number_width(text, item.bold, size)
        y = from_below(where.baselines[item.line])
        choices = text_choices(item.color, font(item.bold, size))
        stage.scale_with_size(stage.target.text(x, y, text, transform=stage.pixels, **choices))
