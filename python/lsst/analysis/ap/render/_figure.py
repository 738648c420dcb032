"""A picture as an ordinary matplotlib figure: the definition of the look."""

__all__ = ("draw_figure",)

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain import Stamp, Triplet
from ._annotation import TextItem, annotation, labels, reliability
from ._colors import RGB, inks
from ._fonts import DPI, TITLE_SIZE, drawing_settings, fitting_size, font
from ._layout import PANEL_NAMES, Layout, Rect, layout
from ._marks import Mark, gauge, hatch, scale_bar
from ._stretch import Limits, limits
from ._style import PictureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    figure = _new_figure(where, ink.background)
    with drawing_settings():
        for triplet, panels in zip(triplets, where.panels, strict=True):
            shown = panel_limits(style, triplet)
            for stamp, panel, limit, index in zip(triplet.stamps, panels, shown, range(3), strict=True):
                axes = _add_axes(figure, where, panel)
                _show(axes, style, stamp, panel, limit, difference=index == 2)
                for mark in scale_bar(panel, style.enlargement(stamp.box.width) / triplet.pixel_scale):
                    _add_mark(figure, where, mark)
        for name, panel in zip(PANEL_NAMES, where.panels[0], strict=True):
            _add_text(
                figure,
                where,
                name,
                panel.x + panel.width // 2,
                where.title_baseline,
                ink.text,
                font(False, TITLE_SIZE),
                "center",
            )
        if style.add_metadata:
            items = [*labels(ink), *(annotation(row, ink) if row else ())]
            for item in items:
                _add_item(figure, where, item)
            if row and (score := reliability(row)) is not None:
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
        limits(triplet.template.array, style.image_interval),
        limits(triplet.science.array, style.image_interval),
        limits(triplet.difference.array, style.difference_interval),
    )


def _new_figure(where: Layout, background: RGB) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure that draws alike whatever the user's matplotlibrc says."""

        def draw(self, renderer: Any) -> None:
            with drawing_settings():
                super().draw(renderer)

    figure = Picture(
        figsize=(where.width / DPI, where.height / DPI),
        dpi=DPI,
        facecolor=_hex(background),
        edgecolor="none",
        linewidth=0,
        frameon=True,
    )
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    return figure


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
        axes.imshow(hatch(panel), origin="upper", extent=extent, interpolation="nearest", aspect="auto")
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
    text, size = fitting_size(item.text, item.bold, item.width)
    _add_text(
        figure,
        where,
        text,
        where.header_x + item.x,
        where.baselines[item.line],
        item.color,
        font(item.bold, size),
        "right" if item.right else "left",
    )


def _add_text(
    figure: "Figure", where: Layout, text: str, x: int, y: int, color: RGB, font: Any, align: str
) -> None:
    from matplotlib.transforms import IdentityTransform

    figure.text(
        x,
        where.height - y,
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
