"""What is laid over the pixels of a panel, in the order of painting."""

__all__ = ("Cover", "Decoration", "decorations", "first_decorations")

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._compass import compass
from ._footprint import find_footprint, outline
from ._layout import scaled_length
from ._marks import BLUE, YELLOW, Bar, Drawing, Mark, center_mark, scale_bar
from ._neighbours import neighbour_marks
from ._orientation import View
from ._shapes import Shape, letters
from ._style import PictureStyle

_LETTERS = 10.0
"""Size of words in a panel, screen pixels per em, at the usual size."""


class Cover(NamedTuple):
    """A picture over the whole panel."""

    image: NDArray[np.uint8]
    """RGBA, (rows from the top, columns, 4), each pixel opaque or clear."""


type Decoration = Cover | Mark | Drawing | Bar


def decorations(
    style: PictureStyle, view: View, side: int, scale: float, row: Mapping[str, Any] | None
) -> Iterator[Decoration]:
    """Yield what is laid over the pixels of each panel.

    ``view``: the stamps as they are shown. ``side``: of a panel, screen pixels. ``scale``: how many times its
    usual size everything has. ``row``: the source's values by APDB column name. Yields: outline of the
    footprint, marks of what is near, centre mark and bar.
    """
    grid = view.grid
    if style.footprint and (footprint := find_footprint(view.triplet, row)):
        image = outline(grid, footprint.pixels, scaled_length(1, scale))
        yield Cover(image)
        if footprint.is_box and (image[:, :, 3] != 0).any():
            yield _box_label(image, scale)
    if view.triplet.neighbours:
        yield Cover(neighbour_marks(grid, view.triplet.neighbours, scale))
    if style.center_mark != "none":
        yield from center_mark(style.center_mark, view.center, side, scale)
    pixel = view.triplet.pixel_scale
    # A larger pixel would leave the bar no length.
    if 0.0 < pixel <= 2 * grid.factor and (bar := scale_bar(side, round(grid.factor / pixel), scale)):
        yield bar


def first_decorations(style: PictureStyle, view: View) -> Iterator[Decoration]:
    """Yield what is laid over the pixels of the first panel alone."""
    if style.compass and (found := compass(view.sky_jacobian, view.grid.side, style.text_scale)):
        yield Drawing(*found)


@cache
def _box_word(scale: float) -> Shape:
    return replace(letters("box", 0.0, 0.0, _LETTERS * scale, YELLOW), edge=BLUE, edge_width=1.1 * scale)


def _box_label(image: NDArray[np.uint8], scale: float) -> Drawing:
    """Return the word that says that an outline is no more than a box, above or inside its left end."""
    rows, columns = (np.flatnonzero((image[:, :, 3] != 0).any(axis=axis)) for axis in (1, 0))
    word = _box_word(scale)
    height = round(word.extent[3] + 4 * scale)
    x = min(int(columns[0]) + 1, image.shape[1] - round(word.extent[2] + 4 * scale))
    above = int(rows[0]) - round(3 * scale)
    return Drawing(word, max(2, x), above if above > height else int(rows[0]) + height)
