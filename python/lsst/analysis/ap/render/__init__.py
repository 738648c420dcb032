"""From the stamps of a DiaSource to its picture."""

__all__ = (
    "FLAG_MEANINGS",
    "FLAG_WORDS",
    "LABEL_FLAGS",
    "Epoch",
    "Limits",
    "Measurement",
    "PictureStyle",
    "Renderer",
    "draw_figure",
    "encode_png",
    "epoch_images",
    "grid_image",
    "history_image",
    "light_curve_series",
    "panel_limits",
    "panels_image",
)

from ._compose import encode_png, grid_image, panels_image
from ._figure import draw_figure
from ._flags import FLAG_MEANINGS, FLAG_WORDS, LABEL_FLAGS
from ._history import Epoch, Measurement, epoch_images, history_image, light_curve_series
from ._limits import panel_limits
from ._pixels import Limits
from ._renderer import Renderer
from ._style import PictureStyle
