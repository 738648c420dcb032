"""An empty figure, text on it, and what Agg makes of it."""

__all__ = ("drawn", "hex_color", "new_figure", "text_choices")

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._colors import RGB

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

    from ._picture_figure import PictureFigure


def new_figure(width: int, height: int, background: RGB) -> "PictureFigure":
    """Return an empty figure with an Agg canvas.

    ``width``, ``height``: screen pixels. Returns: the figure. It draws alike whatever the user's matplotlibrc
    says.
    """
    # Loads matplotlib, which not all need.
    from ._picture_figure import PictureFigure

    return PictureFigure(width, height, hex_color(background))


def text_choices(color: RGB, font: "FontProperties", align: str = "left") -> dict[str, Any]:
    """Return what all texts tell matplotlib.

    ``color``, ``font``, ``align``: see `add_text`.
    """
    return {
        "color": hex_color(color),
        "fontproperties": font,
        "ha": align,
        "va": "baseline",
        "antialiased": True,
        "parse_math": False,
        "usetex": False,
    }


def drawn(figure: "Figure") -> NDArray[np.uint8]:
    """Return what Agg makes of a figure: RGB, (rows from the top, columns, 3)."""
    figure.canvas.draw()
    rgba: NDArray[np.uint8] = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    return rgba[..., :3].copy()


def hex_color(color: RGB) -> str:
    """Return a colour in matplotlib's notation.

    ``color``: sRGB, 0 to 255. Returns: as ``#rrggbb``.
    """
    return "#{:02x}{:02x}{:02x}".format(*color)
