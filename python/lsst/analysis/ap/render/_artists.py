"""Panels as matplotlib's axes."""

__all__ = ("PanelAxes",)

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain import Stamp
from ._canvas import hex_color, text_choices
from ._captions import PanelText, captions, message, title
from ._colors import RGB, inks
from ._decorations import Cover, Decoration
from ._fonts import CENTERING, font
from ._layout import DIFFERENCE, Layout, Rect
from ._marks import Bar, Drawing, Mark
from ._orientation import View
from ._overlay import overlay
from ._pixels import Limits, color_bar
from ._style import PictureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform


@dataclass(frozen=True, eq=False)
class PanelAxes:
    """Axes that become a panel.

    All is placed as parts of the axes' sides, so that it stays in its place whatever their size.
    """

    axes: "Axes"
    style: PictureStyle
    where: Layout
    panel: int
    """Number of the panel."""
    view: View
    """The stamps as they are shown."""
    keep: Callable[..., None]
    """Takes artists that have a size in points, and keeps it in proportion."""

    def draw(self, limits: Limits | None, over: Iterable[Decoration]) -> None:
        """Draw the panel, without its title.

        ``limits``: the values between which it is shown; `None` without a stamp. ``over``: what is laid over
        its pixels.
        """
        self.axes.set_axis_off()
        ink = inks(self.style.background)
        stamp, side = self.view.triplet.stamps[self.panel], self.view.grid.side
        if stamp is None or limits is None:
            self._decorate(Mark(Rect(0, 0, side, side), ink.rail), 1)
            for text in message(side, self.where):
                self.write(text, ink.text)
            return
        self._show(stamp, limits)
        for order, decoration in enumerate(over, start=2):
            self._decorate(decoration, order)
        for text in captions(self.style, stamp, self.panel, limits, side, self.where):
            self.write(text, ink.text)

    def draw_title(self) -> None:
        """Give the axes the title of the panel."""
        side = self.view.grid.side
        is_warped = bool(self.view.triplet.template_source)
        text = title(self.panel, side, self.where, is_warped=is_warped)
        artist = self.axes.set_title(
            text.text,
            x=(text.x + CENTERING) / side,
            y=1.0 - text.y / side,
            pad=0.0,
            **text_choices(inks(self.style.background).text, font(False, text.size), "center"),
        )
        self.keep(artist)

    def _show(self, stamp: Stamp, limits: Limits) -> None:
        """Draw the pixels of a stamp, and what covers some of them."""
        from matplotlib import colormaps

        grid = self.view.grid
        if grid.matrix is None:
            pixels = stamp.array
            box = stamp.box
            extent = (box.x_start - 0.5, box.x_stop - 0.5, box.y_start - 0.5, box.y_stop - 0.5)
        else:
            pixels = grid.screen(stamp.array, np.float32(np.nan))[::-1]
            extent = (-0.5, grid.size - 0.5, -0.5, grid.size - 0.5)
        is_difference = self.panel == DIFFERENCE
        name = self.style.shown_difference_color_map if is_difference else self.style.color_map
        self.axes.imshow(
            np.ma.masked_invalid(pixels),
            origin="lower",
            extent=extent,
            interpolation="nearest",
            interpolation_stage="data",
            aspect="auto",
            cmap=colormaps[name],
            norm=_norm(self.style, limits, is_difference),
        )
        if (cover := overlay(self.style, stamp, grid)) is not None:
            self._decorate(Cover(cover), 1)

    def _decorate(self, decoration: Decoration, order: int) -> None:
        from matplotlib.patches import Rectangle

        if isinstance(decoration, Cover):
            extent = self.axes.get_images()[0].get_extent() if self.axes.get_images() else None
            self.axes.imshow(
                decoration.image,
                origin="upper",
                extent=extent,
                interpolation="nearest",
                aspect="auto",
                zorder=order,
            )
        elif isinstance(decoration, Mark):
            rect = decoration.rect
            patch = Rectangle(
                (rect.x, -rect.y - rect.height),
                rect.width,
                rect.height,
                transform=self._from_corner(0, 0),
                facecolor=hex_color(decoration.color),
                edgecolor="none",
                linewidth=0,
                antialiased=False,
                zorder=order,
            )
            self.axes.add_artist(patch)
        elif isinstance(decoration, Bar):
            for part in decoration.parts:
                self._decorate(part, order)
        else:
            self._draw_shape(decoration, order)

    def _draw_shape(self, drawing: Drawing, order: int) -> None:
        for _, patch in drawing.shape.patches(self._from_corner(drawing.x, drawing.y)):
            patch.set_zorder(order)
            self.axes.add_artist(patch)
            self.keep(patch)

    def _from_corner(self, x: int, y: int) -> "Transform":
        """Return the transform from screen pixels, right and up, of which
        (0, 0) is so far right and down from the upper left corner.
        """
        from matplotlib.transforms import Affine2D

        side = self.view.grid.side
        return Affine2D().translate(x, side - y).scale(1 / side) + self.axes.transAxes

    def write(self, text: PanelText, color: RGB) -> None:
        """Write in or about the panel."""
        choices = text_choices(color, font(False, text.size), "center" if text.centered else "left")
        artist = self.axes.text(
            text.x + (CENTERING if text.centered else 0),
            -text.y,
            text.text,
            transform=self._from_corner(0, 0),
            zorder=100,
            **choices,
        )
        self.keep(artist)

    def draw_color_bar(self, axes: "Axes") -> None:
        """Draw the colours of the panel in other axes."""
        axes.set_axis_off()
        line = color_bar(self.style, self.panel, self.view.grid.side)
        axes.imshow(line[np.newaxis], extent=(0.0, 1.0, 0.0, 1.0), interpolation="nearest", aspect="auto")


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
