"""Figures of matplotlib that keep a picture together at any size."""

__all__ = ("PictureFigure",)

from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from ._fonts import DPI, drawing_settings
from ._layout import Rect
from ._stages import enlarge


class PictureFigure(Figure):
    """A picture as a figure.

    Its artists are placed in screen pixels of the picture's own size. When the figure is given another size,
    the picture becomes larger or smaller as a whole, letters included, and stays in the middle.

    ``width``, ``height``: own size in screen pixels.
    """

    def __init__(self, width: int, height: int, background: str) -> None:
        super().__init__(
            figsize=(width / DPI, height / DPI),
            dpi=DPI,
            facecolor=background,
            edgecolor="none",
            linewidth=0,
            frameon=True,
        )
        self.set_layout_engine("none")
        FigureCanvasAgg(self)
        self.own_size = width, height
        """Width and height of the picture, screen pixels."""
        self.pixels = Affine2D()
        """From screen pixels of the picture, to the right and up from its
        lower left corner, to those of the display."""
        self._places: dict[Axes, Rect] = {}
        self._scaled: list[Text | Patch] = []
        self._fitted = (*self.own_size, 1.0)

    @property
    def target(self) -> Figure:
        # Docstring inherited.
        return self

    def place(self, rect: Rect) -> Axes:
        # Docstring inherited. They stay there when the figure's size is changed.
        axes = self.add_axes((0.0, 0.0, 1.0, 1.0))
        self._places[axes] = rect
        self._place_axes(axes, 0.0, 0.0, 1.0, *self.own_size)
        return axes

    def place_beside(self, axes: Axes, panel: Rect, rect: Rect) -> Axes:
        # Docstring inherited.
        return self.place(rect)

    def scale_with_size(self, *artists: Text | Patch) -> None:
        # Docstring inherited.
        self._scaled.extend(artists)

    def draw(self, renderer: Any) -> None:
        """Draw the figure."""
        self._fit()
        with drawing_settings():
            super().draw(renderer)

    def _fit(self) -> None:
        """Bring the picture to the size of the figure."""
        # Not the figure's own box, which is another while a tight one is saved.
        (x0, y0), (x1, y1) = self.transFigure.transform(((0.0, 0.0), (1.0, 1.0))).tolist()
        (width, height), (own_width, own_height) = (x1 - x0, y1 - y0), self.own_size
        step = min(width / own_width, height / own_height)
        left, bottom = (width - step * own_width) / 2, (height - step * own_height) / 2
        self.pixels.set_matrix(np.array([[step, 0.0, x0 + left], [0.0, step, y0 + bottom], [0.0, 0.0, 1.0]]))
        # Points are converted by the resolution anyway: what counts is the size in inches.
        in_points = width * DPI / self.dpi, height * DPI / self.dpi, step * DPI / self.dpi
        if np.allclose(in_points, self._fitted, rtol=1e-9):
            return
        growth = in_points[2] / self._fitted[2]
        enlarge(self._scaled, growth)
        for axes in self._places:
            self._place_axes(axes, left, bottom, step, width, height)
        self._fitted = in_points

    def _place_axes(
        self, axes: Axes, left: float, bottom: float, step: float, width: float, height: float
    ) -> None:
        from matplotlib.transforms import Bbox

        rect = self._places[axes]
        base = self.own_size[1] - rect.y - rect.height
        x0, x1 = (left + step * x for x in (rect.x, rect.x + rect.width))
        y0, y1 = (bottom + step * y for y in (base, base + rect.height))
        axes.set_position(
            Bbox.from_extents(
                _fraction(x0, width), _fraction(y0, height), _fraction(x1, width), _fraction(y1, height)
            )
        )

    def _repr_png_(self) -> bytes:
        """Return what a notebook displays."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=self.dpi)
        return buffer.getvalue()


def _fraction(part: float, whole: float) -> float:
    """Return the fraction that gives the part exactly when multiplied back, where there is one."""
    fraction = part / whole
    neighbours = (fraction, np.nextafter(fraction, 0.0), np.nextafter(fraction, 1.0))
    return float(next((f for f in neighbours if f * whole == part), fraction))
