"""Paper that matplotlib's Agg writes and draws on, without a figure.

Figures and their artists take half of the time that matplotlib takes to load.
"""

__all__ = ("Paper",)

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._colors import RGB
from ._fonts import DPI, drawing_settings

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path


class Paper:
    """A rectangle of one colour, and what is put on it.

    ``width``, ``height``: screen pixels.
    """

    def __init__(self, width: int, height: int, color: RGB) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.path import Path

        self._agg: Any = RendererAgg(width, height, DPI)  # type: ignore[no-untyped-call]
        self.draw(Path([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], closed=True), color)

    def write(
        self, text: str, x: float, y: int, color: RGB, font: "FontProperties", align: str = "left"
    ) -> None:
        """Write a text.

        ``text``: the text, taken literally. ``x``, ``y``: screen pixels from the upper left; the end of the
        text that ``align`` names, and its baseline. ``align``: ``"left"`` or ``"center"``.
        """
        with drawing_settings():
            if align == "center":
                x -= self._agg.get_text_width_height_descent(text, font, False)[0] / 2
            self._agg.draw_text(self._pen(color), x, y, text, font, 0)

    def draw(
        self, path: "Path", color: RGB, line: float | None = None, offset: tuple[int, int] = (0, 0)
    ) -> None:
        """Fill a path, or draw along it.

        ``path``: screen pixels to the right and up. ``line``: width of a line along it, screen pixels; filled
        when not given. ``offset``: where the path starts from, counted from the lower left.
        """
        from matplotlib.transforms import Affine2D

        pen = self._pen(color)
        pen.set_linewidth((line or 0.0) * 72 / DPI)
        pen.set_joinstyle("round")
        pen.set_snap(False)
        with drawing_settings():
            face = _fractions(color) if line is None else None
            self._agg.draw_path(pen, path, Affine2D().translate(*offset), face)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """A copy: RGB, (rows from the top, columns, 3)."""
        rgba: NDArray[np.uint8] = np.asarray(self._agg.buffer_rgba())
        return rgba[..., :3].copy()

    def _pen(self, color: RGB) -> Any:
        pen = self._agg.new_gc()
        pen.set_foreground(_fractions(color), isRGBA=True)
        pen.set_antialiased(True)
        return pen


def _fractions(color: RGB) -> tuple[float, ...]:
    return (*(value / 255 for value in color), 1.0)
