"""From the stamps of a DiaSource to its picture."""

__all__ = ("FLAG_MEANINGS", "FLAG_WORDS", "LABEL_FLAGS", "PictureStyle", "Renderer", "draw_figure")

from ._figure import draw_figure
from ._flags import FLAG_MEANINGS, FLAG_WORDS, LABEL_FLAGS
from ._renderer import Renderer
from ._style import PictureStyle
