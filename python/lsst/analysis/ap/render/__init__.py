"""From the stamps of a DiaSource to its picture."""

__all__ = ("PictureStyle", "Renderer", "draw_figure")

from ._figure import draw_figure
from ._renderer import Renderer
from ._style import PictureStyle
