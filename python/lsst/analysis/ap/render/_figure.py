"""A picture as an ordinary matplotlib figure: the definition of the look."""

__all__ = ("add_text", "draw_figure", "draw_frame", "drawn", "figure_png", "new_figure")

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Stamp, Triplet
from ._annotation import TextItem, annotation, labels, reliability
from ._colors import RGB, inks
from ._fonts import DPI, TEXT_SIZE, TITLE_SIZE, drawing_settings, fitting_size, font, number_width
from ._layout import PANEL_NAMES, Layout, Rect, layout
from ._marks import Mark, gauge, hatch, scale_bar, screen_pixels_per_arcsecond
from ._panels import check_sizes, panel_limits
from ._stretch import Limits
from ._style import PictureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties


def draw_figure(style: PictureStyle, triplets: Sequence[Triplet], row: Mapping[str, Any] | None) -> "Figure":
    """Draw a picture as an ordinary matplotlib figure.

    Parameters
    ----------
    style : `PictureStyle`
        How it looks.
    triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
        The stamps, one triplet for each of ``style.sizes``.
    row : `~collections.abc.Mapping` or `None`
        The source's values by APDB column name. Any may be missing or null.

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
    where = layout(style)
    ink = inks(style.background)
    figure = draw_frame(style)
    with drawing_settings():
        for triplet, panels in zip(triplets, where.panels, strict=True):
            shown = panel_limits(style, triplet)
            factor = style.enlargement(triplet.science.box.width)
            arcsecond = screen_pixels_per_arcsecond(triplet.sky_jacobian, factor)
            for stamp, panel, limit, index in zip(triplet.stamps, panels, shown, range(3), strict=True):
                axes = _add_axes(figure, where, panel)
                _show(axes, style, stamp, panel, limit, difference=index == 2)
                for mark in scale_bar(panel, arcsecond):
                    _add_mark(figure, where, mark)
        if style.add_metadata and row:
            for item in annotation(row, ink):
                _add_item(figure, where, item)
            if (score := reliability(row)) is not None:
                for mark in gauge(where, ink, score):
                    _add_mark(figure, where, mark)
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


def draw_frame(style: PictureStyle) -> "Figure":
    """Draw what all pictures of a style have in common.

    Parameters
    ----------
    style : `PictureStyle`
        The style.

    Returns
    -------
    figure : `matplotlib.figure.Figure`
        The titles and the labels of the values.
    """
    where = layout(style)
    ink = inks(style.background)
    figure = new_figure(where.width, where.height, ink.background)
    with drawing_settings():
        for name, panel in zip(PANEL_NAMES, where.panels[0], strict=True):
            x = panel.x + panel.width // 2
            add_text(figure, name, x, where.title_baseline, ink.text, font(False, TITLE_SIZE), "center")
        if style.add_metadata:
            for item in labels(ink):
                _add_item(figure, where, item)
    return figure


def new_figure(width: int, height: int, background: RGB) -> "Figure":
    """Return an empty figure with an Agg canvas.

    Parameters
    ----------
    width, height : `int`
        Screen pixels.
    background : `tuple` [`int`]
        Colour of the paper.

    Returns
    -------
    figure : `matplotlib.figure.Figure`
        The figure. It draws alike whatever the user's matplotlibrc says.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Picture(Figure):
        def draw(self, renderer: Any) -> None:
            with drawing_settings():
                super().draw(renderer)

    figure = Picture(
        figsize=(width / DPI, height / DPI),
        dpi=DPI,
        facecolor=_hex(background),
        edgecolor="none",
        linewidth=0,
        frameon=True,
    )
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    return figure


def drawn(figure: "Figure") -> NDArray[np.uint8]:
    """Return what Agg makes of a figure.

    Parameters
    ----------
    figure : `matplotlib.figure.Figure`
        From this module.

    Returns
    -------
    image : `numpy.ndarray`
        RGB, (rows from the top, columns, 3).
    """
    figure.canvas.draw()
    rgba: NDArray[np.uint8] = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    return rgba[..., :3].copy()


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


def _show(
    axes: "Axes", style: PictureStyle, stamp: Stamp, panel: Rect, limits: Limits, difference: bool
) -> None:
    """Draw the pixels of a stamp, and stripes where it has none."""
    from matplotlib import colormaps

    missing = ~np.isfinite(stamp.array)
    extent = (-0.5, stamp.box.width - 0.5, -0.5, stamp.box.height - 0.5)
    if missing.any():
        axes.imshow(
            hatch(panel.width, panel.height),
            origin="upper",
            extent=extent,
            interpolation="nearest",
            aspect="auto",
        )
    name = (style.difference_color_map if difference else None) or style.color_map
    color_map = colormaps[name].with_extremes(bad=(0, 0, 0, 0))
    axes.imshow(
        np.ma.masked_array(stamp.array, missing),
        origin="lower",
        extent=extent,
        interpolation="nearest",
        interpolation_stage="data",
        aspect="auto",
        cmap=color_map,
        norm=_norm(style, limits, difference),
    )


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


def add_text(
    figure: "Figure", text: str, x: int, y: int, color: RGB, font: "FontProperties", align: str = "left"
) -> None:
    """Write a text on a figure.

    Parameters
    ----------
    figure : `matplotlib.figure.Figure`
        The figure, from `new_figure`.
    text : `str`
        The text, taken literally.
    x, y : `int`
        Screen pixels from the upper left; the end of the text that ``align``
        names, and its baseline.
    color : `tuple` [`int`]
        Its colour.
    font : `matplotlib.font_manager.FontProperties`
        Its font.
    align : `str`, optional
        ``"left"`` or ``"center"``.
    """
    from matplotlib.transforms import IdentityTransform

    figure.text(
        x,
        round(figure.bbox.height) - y,
        text,
        transform=IdentityTransform(),
        color=_hex(color),
        fontproperties=font,
        ha=align,
        va="baseline",
        antialiased=True,
        parse_math=False,
        usetex=False,
    )


def _add_mark(figure: "Figure", where: Layout, mark: Mark) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.transforms import IdentityTransform

    rect = mark.rect
    patch = Rectangle(
        (rect.x, where.height - rect.y - rect.height),
        rect.width,
        rect.height,
        transform=IdentityTransform(),
        facecolor=_hex(mark.color),
        edgecolor="none",
        linewidth=0,
        antialiased=False,
    )
    figure.add_artist(patch)


def _hex(color: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
