"""Pixels through astropy, for every kind of plane that has no faster way."""

__all__ = ("read_with_astropy",)

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from ...domain import Box
from ._errors import ImageFileError
from ._hdus import Hdu
from ._stream import ByteStream


def read_with_astropy(hdu: Hdu, boxes: Sequence[Box]) -> list[NDArray[Any]]:
    """Return parts of an image.

    ``hdu``: an image, compressed or not. ``boxes``: what to read, LOCAL pixels: the first pixel of the image
    is (0, 0). All of them lie on the image. Returns: one array per box, physical values. Raises
    `ImageFileError` if astropy cannot read them.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(ByteStream(hdu.source), lazy_load_hdus=True, memmap=False) as hdus:
                return _read(hdus[hdu.index], boxes)
    except ImageFileError:
        raise
    except Exception as error:
        raise ImageFileError(
            hdu.source.name,
            f"has unreadable pixels in HDU {hdu.index}: {type(error).__name__}: {error}",
        ) from error


def _read(image: Any, boxes: Sequence[Box]) -> list[NDArray[Any]]:
    slices = [(slice(box.y_start, box.y_stop), slice(box.x_start, box.x_stop)) for box in boxes]
    # One box at a time decodes shared tiles again for every box; past the
    # cost of the whole plane that is a loss.
    *_, height, width = image.shape
    *_, tile_height, tile_width = getattr(image, "tile_shape", (1, width))
    planes = (0,) * (len(image.shape) - 2)
    tiles = sum(_touched(box, tile_height, tile_width) for box in boxes)
    # Sections of integers with BLANK fail in astropy 8.0.
    has_blank = image.header["BITPIX"] > 0 and "BLANK" in image.header
    if has_blank or tiles > math.ceil(height / tile_height) * math.ceil(width / tile_width):
        whole = image.data
        return [np.array(whole[(*planes, *part)]) for part in slices]
    return [np.array(image.section[(*planes, *part)]) for part in slices]


def _touched(box: Box, tile_height: int, tile_width: int) -> int:
    rows = (box.y_stop - 1) // tile_height - box.y_start // tile_height + 1
    columns = (box.x_stop - 1) // tile_width - box.x_start // tile_width + 1
    return rows * columns
