"""The picture of an object's history: its light curve above a strip of stamps."""

__all__ = ("Epoch", "Measurement", "epoch_images", "history_image", "light_curve", "light_curve_series")

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._canvas import drawn, hex_color
from ._captions import significant
from ._colors import inks
from ._compose import grid_image, panels_image
from ._fonts import DPI, drawing_settings
from ._layout import DIFFERENCE, PANEL_NAMES
from ._limits import PanelLimits, central_pixels, common_limits
from ._pixels import Limits
from ._style import PictureStyle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

type Image = NDArray[np.uint8]

_HEIGHT, _SMALLEST_WIDTH = 260, 640

_CORE = 9
"""Side, in pixels, of the square in which an object is looked at: about twice the seeing."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A flux of an object."""

    mjd: float
    """When: MJD, TAI."""
    band: str

    flux: float
    """Flux on the difference image, nJy."""
    error: float
    """Its standard deviation, nJy."""
    forced: bool = False
    """Whether it was measured at the object's place whether or not something was detected there."""


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """The stamps of an object at one time."""

    mjd: float
    """When: MJD, TAI."""
    band: str

    triplet: Triplet

    detected: bool = True
    """Whether there is a DiaSource."""


def history_image(
    style: PictureStyle,
    epochs: Sequence[Epoch],
    measurements: Sequence[Measurement],
    *,
    total: int | None = None,
    name: str = "",
    panels: Sequence[int] = (DIFFERENCE,),
    columns: int = 8,
) -> Image:
    """Return the history of an object in one picture.

    Parameters
    ----------
    style : `PictureStyle`
        How stamps look, as for `panels_image`.
    epochs : `~collections.abc.Sequence` [`Epoch`]
        The stamps to show, in any order, of one size.
    measurements : `~collections.abc.Sequence` [`Measurement`]
        The points of the light curve.
    total : `int`, optional
        How many epochs there are, where only some are shown.
    name : `str`, optional
        What the object is called.
    panels : `~collections.abc.Sequence` [`int`], optional
        Numbers of the panels shown of each epoch.
    columns : `int`, optional
        Most epochs in a row.

    Returns
    -------
    image : `numpy.ndarray`
        RGB, (rows from the top, columns, 3): the light curve, then the stamps, if any, in the order of time.
        All are shown between the same limits, which are taken from all of them together, so that change is
        visible.
    """
    epochs = sorted(epochs, key=lambda epoch: epoch.mjd)
    if not epochs:
        return np.ascontiguousarray(drawn(light_curve(style, measurements, (), _SMALLEST_WIDTH, name)))
    limits, images, captions = _stamps(style, epochs, panels)
    strip = grid_image(style, images, captions, columns=columns)
    said = f"{len(epochs)} of {total} epochs" if total and total > len(epochs) else f"{len(epochs)} epochs"
    if len(panels) == 1 and (bounds := limits[panels[0]]) is not None:
        unit = next((s.unit for e in epochs if (s := e.triplet.stamps[panels[0]]) and s.unit), "(no unit)")
        low, high = significant(bounds)
        said += f"; {PANEL_NAMES[panels[0]].lower()} from {low} to {high} {unit}"
    width = max(strip.shape[1], _SMALLEST_WIDTH)
    times = [epoch.mjd for epoch in epochs]
    figure = light_curve(style, measurements, times, width, f"{name}: {said}" if name else said)
    return np.ascontiguousarray(_stacked(drawn(figure), strip, inks(style.background).background))


def epoch_images(style: PictureStyle, epochs: Sequence[Epoch], panels: Sequence[int]) -> list[Image]:
    """Return pictures of epochs, in the order of time.

    Parameters
    ----------
    style : `PictureStyle`
        How stamps look.
    epochs : `~collections.abc.Sequence` [`Epoch`]
        The stamps, in any order, of one size.
    panels : `~collections.abc.Sequence` [`int`]
        Numbers of the panels shown of each epoch.

    Returns
    -------
    images : `list` [`numpy.ndarray`]
        RGB, of one size and between the same limits, each with its date and band.
    """
    _, images, captions = _stamps(style, sorted(epochs, key=lambda epoch: epoch.mjd), panels)
    return [grid_image(style, [i], [caption]) for i, caption in zip(images, captions, strict=True)]


def _stamps(
    style: PictureStyle, epochs: Sequence[Epoch], panels: Sequence[int]
) -> tuple[tuple[Limits | None, ...], list[Image], list[str]]:
    """Return the limits of each panel, the panels of each epoch and what is said of it."""
    limits = _history_limits(style, [epoch.triplet for epoch in epochs])
    images, captions = [], []
    for epoch in epochs:
        image = panels_image(style, epoch.triplet, limits=limits, panels=panels, titles=len(panels) > 1)
        images.append(image)
        captions.append(f"{epoch.mjd:.3f} {epoch.band}" + ("" if epoch.detected else " not det."))
    return limits, images, captions


def _history_limits(style: PictureStyle, triplets: Sequence[Triplet]) -> PanelLimits:
    """Return limits between which an object can be seen to change, however bright it is.

    Those of zscale are the limits of the noise, where a bright object is white at every epoch. So the
    difference reaches as far as the object itself does at any epoch.
    """
    template, science, difference = common_limits(style, triplets, triplets[0].science.box.width)
    if difference is None or style.difference_limits or style.difference_interval != "zscale":
        return template, science, difference
    stamps = [triplet.difference for triplet in triplets if triplet.difference is not None]
    pixels = np.concatenate(
        [central_pixels(stamp, len(stamp.array), _CORE).ravel() for stamp in stamps], dtype=float
    )
    low, high = np.nanmin(pixels, initial=difference.low), np.nanmax(pixels, initial=difference.high)
    if style.difference_symmetric:
        low, high = -max(-low, high), max(-low, high)
    return template, science, Limits(float(low), float(high))


def light_curve_series(measurements: Sequence[Measurement]) -> dict[str, list[Measurement]]:
    """Return what belongs together in a light curve.

    Parameters
    ----------
    measurements : `~collections.abc.Sequence` [`Measurement`]
        The points; those that are not finite are left out.

    Returns
    -------
    series : `dict` [`str`, `list` [`Measurement`]]
        By label, of each band in order of wavelength, the forced ones and then the others, which lie above.
    """
    found: dict[str, list[Measurement]] = {}
    for m in sorted(measurements, key=lambda m: ("ugrizy".find(m.band[:1]) % 7, m.band, not m.forced)):
        if np.isfinite((m.mjd, m.flux, m.error)).all():
            found.setdefault(f"{m.band} forced" if m.forced else m.band, []).append(m)
    return found


def light_curve(
    style: PictureStyle,
    measurements: Sequence[Measurement],
    shown: Sequence[float],
    width: int,
    title: str,
) -> "Figure":
    """Draw a light curve by band, with errors.

    ``measurements``: the points; those that are not finite are left out. ``shown``: times whose stamps are
    shown, MJD, which are ticked at the lower edge. ``width``: width of the figure, screen pixels. Returns:
    the figure, made without pyplot, in the colours and with the symbols of `lsst.utils.plotting`.
    Measurements at the place of the object that are no detections are open symbols.
    """
    from matplotlib import style as matplotlib_style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from lsst.utils.plotting import get_multiband_plot_colors, get_multiband_plot_symbols

    ink = inks(style.background)
    colors = get_multiband_plot_colors(dark_background=style.background == "dark")
    symbols = get_multiband_plot_symbols()
    # A user's matplotlibrc does not count, as for all pictures.
    with matplotlib_style.context("default"), drawing_settings():
        figure = Figure(figsize=(width / DPI, _HEIGHT / DPI), dpi=DPI, facecolor=hex_color(ink.background))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((90 / width, 50 / _HEIGHT, 1 - 190 / width, 1 - 85 / _HEIGHT))
        axes.set_facecolor(hex_color(ink.background))
        axes.axhline(0.0, color=hex_color(ink.rail), linewidth=1.0, zorder=0)
        usable = light_curve_series(measurements)
        for label, points in usable.items():
            band, forced = points[0].band, points[0].forced
            color = colors.get(band, hex_color(ink.label))
            axes.errorbar(
                [m.mjd for m in points],
                [m.flux for m in points],
                yerr=[m.error for m in points],
                fmt=symbols.get(band, "o"),
                color=color,
                markerfacecolor=hex_color(ink.background) if forced else color,
                markersize=5,
                elinewidth=1.0,
                label=label,
            )
        axes.plot(
            shown, [0.02] * len(shown), "|", transform=axes.get_xaxis_transform(), color=hex_color(ink.text)
        )
        axes.set_xlabel("MJD (TAI)")
        axes.set_ylabel("difference flux (nJy)")
        axes.ticklabel_format(useOffset=False)
        axes.tick_params(colors=hex_color(ink.text))
        for title_of_axis in (axes.xaxis.label, axes.yaxis.label):
            title_of_axis.set_color(hex_color(ink.text))
        for spine in axes.spines.values():
            spine.set_color(hex_color(ink.text))
        axes.set_title(title, loc="left", color=hex_color(ink.text), fontsize=13 * 72 / DPI)
        if usable:
            axes.legend(
                loc="center left",
                bbox_to_anchor=(1.0, 0.5),
                frameon=False,
                labelcolor=hex_color(ink.text),
                fontsize=11 * 72 / DPI,
            )
        figure.canvas.draw()
    return figure


def _stacked(above: Image, below: Image, background: tuple[int, int, int]) -> Image:
    """Return two pictures below each other."""
    width = max(above.shape[1], below.shape[1])
    image = np.empty((above.shape[0] + below.shape[0], width, 3), dtype=np.uint8)
    image[:] = background
    image[: above.shape[0], : above.shape[1]] = above
    image[above.shape[0] :, : below.shape[1]] = below
    return image
