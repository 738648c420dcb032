"""A picture as an ordinary matplotlib figure: the definition of the look."""

__all__ = ("draw_figure", "draw_frame", "figure_png")

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain import Stamp, Triplet
from ._annotation import TextItem, annotation, labels, reliability
from ._canvas import add_text, hex_color, new_figure
from ._colors import inks
from ._compass import compass
from ._fonts import TEXT_SIZE, TITLE_SIZE, drawing_settings, fitting_size, font, number_width
from ._layout import ALL_PANELS, DIFFERENCE, PANEL_NAMES, TITLE_OVERHANG, Layout, Rect, layout
from ._marks import Mark, gauge, panel_marks
from ._orientation import oriented
from ._overlay import overlay
from ._panels import check_sizes, panel_limits
from ._stretch import Limits
from ._style import PictureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_figure(
    style: PictureStyle,
    triplets: Sequence[Triplet],
    row: Mapping[str, Any] | None,
    panels: Sequence[int] = ALL_PANELS,
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
        Panels to draw: 0 for the template, 1 for the science image, 2 for
        the difference.

    Returns
    -------
    figure : `matplotlib.figure.Figure`
        The figure, without pyplot. Drawn at its own resolution it is, pixel
        for pixel, the picture that `Renderer` makes.

    Raises
    ------
    ValueError
        Raised when the triplets do not have the sizes of the style.
    """
    check_sizes(style, triplets)
    where = layout(style, tuple(panels))
    ink = inks(style.background)
    figure = draw_frame(style, panels)
    with drawing_settings():
        for triplet, rects in zip(triplets, where.panels, strict=True):
            turned = oriented(style, triplet)
            limits = panel_limits(style, turned)
            for panel, rect in zip(panels, rects, strict=True):
                axes = _add_axes(figure, where, rect)
                _show(axes, style, turned.stamps[panel], limits[panel], panel == DIFFERENCE)
                for mark in panel_marks(style, turned, row, rect):
                    _add_mark(figure, where, mark)
                if style.compass and (patch := compass(turned.sky_jacobian, rect)) is not None:
                    x, y = patch.rect.x, where.height - patch.rect.y - patch.rect.height
                    figure.figimage(patch.image, x, y, origin="upper", zorder=2)
        if style.add_metadata and row:
            for item in annotation(row, ink):
                _add_item(figure, where, item)
            if (score := reliability(row)) is not None:
                for mark in gauge(where, ink, score):
                    _add_mark(figure, where, mark)
    return figure


def draw_frame(style: PictureStyle, panels: Sequence[int] = ALL_PANELS) -> "Figure":
    """Draw what all pictures of a style have in common.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    panels : `~collections.abc.Sequence` [`int`], optional
        Panels to draw, see `draw_figure`.

    Returns
    -------
    figure : `matplotlib.figure.Figure`
        The titles and the labels of the values.
    """
    where = layout(style, tuple(panels))
    ink = inks(style.background)
    figure = new_figure(where.width, where.height, ink.background)
    with drawing_settings():
        for panel, rect in zip(panels, where.panels[0], strict=True):
            x = rect.x + rect.width // 2
            title, size = fitting_size(PANEL_NAMES[panel], False, rect.width + TITLE_OVERHANG, TITLE_SIZE)
            add_text(figure, title, x, where.title_baseline, ink.text, font(False, size), "center")
        if style.add_metadata:
            for item in labels(ink):
                _add_item(figure, where, item)
    return figure


def figure_png(figure: "Figure") -> bytes:
    """Return a figure as a PNG file, drawn by matplotlib.

    Parameters
    ----------
    figure : `matplotlib.figure.Figure`
        From `draw_figure`.

    Returns
    -------
    png : `bytes`
        The file.
    """
    buffer = BytesIO()
    figure.canvas.print_png(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def _add_axes(figure: "Figure", where: Layout, panel: Rect) -> "Axes":
    from matplotlib.transforms import Bbox

    axes = figure.add_axes((0, 0, 1, 1))
    bottom = where.height - panel.y - panel.height
    axes.set_position(
        Bbox.from_extents(
            _fraction(panel.x, where.width),
            _fraction(bottom, where.height),
            _fraction(panel.x + panel.width, where.width),
            _fraction(bottom + panel.height, where.height),
        )
    )
    axes.set_axis_off()
    return axes


def _fraction(pixel: int, total: int) -> float:
    """Return the fraction that gives the pixel exactly when multiplied back."""
    fraction = pixel / total
    neighbours = (fraction, np.nextafter(fraction, 0.0), np.nextafter(fraction, 1.0))
    return float(next((f for f in neighbours if f * total == pixel), fraction))


def _show(axes: "Axes", style: PictureStyle, stamp: Stamp, limits: Limits, difference: bool) -> None:
    """Draw the pixels of a stamp, and what covers some of them."""
    from matplotlib import colormaps

    extent = (-0.5, stamp.box.width - 0.5, -0.5, stamp.box.height - 0.5)
    name = style.shown_difference_color_map if difference else style.color_map
    axes.imshow(
        np.ma.masked_invalid(stamp.array),
        origin="lower",
        extent=extent,
        interpolation="nearest",
        interpolation_stage="data",
        aspect="auto",
        cmap=colormaps[name],
        norm=_norm(style, limits, difference),
    )
    cover = overlay(style, stamp, style.enlargement(stamp.box.width))
    if cover is not None:
        axes.imshow(cover, origin="upper", extent=extent, interpolation="nearest", aspect="auto")


def _norm(style: PictureStyle, limits: Limits, difference: bool) -> Any:
    from astropy import visualization

    name = style.difference_stretch if difference else style.image_stretch
    match name:
        case "asinh":
            stretch = visualization.AsinhStretch(style.asinh_a)
        case "log":
            stretch = visualization.LogStretch()
        case "sqrt":
            stretch = visualization.SqrtStretch()
        case _:
            stretch = visualization.LinearStretch()
    # clip=True would unmask the pixels without data.
    return visualization.ImageNormalize(vmin=limits.low, vmax=limits.high, stretch=stretch, clip=False)


def _add_item(figure: "Figure", where: Layout, item: TextItem) -> None:
    text, size = (item.text, TEXT_SIZE) if item.number else fitting_size(item.text, item.bold, item.width)
    x = where.header_x + item.x - (number_width(text, item.bold) if item.right else 0)
    y = where.baselines[item.line]
    add_text(figure, text, x, y, item.color, font(item.bold, size))


def _add_mark(figure: "Figure", where: Layout, mark: Mark) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.transforms import IdentityTransform

    rect = mark.rect
    patch = Rectangle(
        (rect.x, where.height - rect.y - rect.height),
        rect.width,
        rect.height,
        transform=IdentityTransform(),
        facecolor=hex_color(mark.color),
        edgecolor="none",
        linewidth=0,
        antialiased=False,
    )
    figure.add_artist(patch)
