"""Small drawings over the pixels of a panel, with smooth edges.

matplotlib's Agg turns a path into how much of each pixel it covers, and mixes
colours by that. The coverage is computed once; the mixing is done here by the
same integer arithmetic, so that the result is the same to the last bit.
"""

__all__ = ("Shape", "ShapeRaster", "letters", "on_paper", "rasterized")

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ._canvas import hex_color
from ._colors import RGB
from ._fonts import DPI, font
from ._paper import Paper

if TYPE_CHECKING:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import Transform

# Agg rounds coordinates to 1/256 pixel. So small a shift keeps points that lie
# in the middle of two such steps from going either way.
_NUDGE = 0.001

_CLOSE = 79
"""`matplotlib.path.Path.CLOSEPOLY`."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A closed path, filled, with an edge around it.

    Rasters are kept for each object, which is why it has no equals.
    """

    vertices: tuple[tuple[float, float], ...]
    """Screen pixels to the right and up from where it is put."""
    codes: tuple[int, ...]
    """What each vertex does, see `matplotlib.path.Path`."""
    color: RGB
    edge: RGB | None = None
    edge_width: float = 0.0
    """How far the edge reaches, screen pixels."""

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Its least x and y, then its greatest."""
        # The vertex that closes a path is anywhere.
        corners = np.array([v for v, code in zip(self.vertices, self.codes, strict=True) if code != _CLOSE])
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return x0, y0, x1, y1

    def moved(self, x: float, y: float) -> Self:
        """Return the same path elsewhere.

        ``x``, ``y``: how far to the right and up.
        """
        return replace(self, vertices=tuple((vx + x, vy + y) for vx, vy in self.vertices))

    def joined(self, other: Self) -> Self:
        """Return both paths as one, in the colours of the first."""
        return replace(self, vertices=self.vertices + other.vertices, codes=self.codes + other.codes)

    def path(self) -> "Path":
        """Return it as matplotlib has paths."""
        from matplotlib.path import Path

        return Path(np.array(self.vertices) + _NUDGE, self.codes)

    def patches(self, transform: "Transform") -> "list[tuple[RGB, PathPatch]]":
        """Return matplotlib's artists for it, the lowest first.

        Returns: colour and artist of the edge, where there is one, and of the filled path.
        """
        from matplotlib.patches import PathPatch

        path = self.path()
        common = {"transform": transform, "antialiased": True, "snap": False, "joinstyle": "round"}
        patches = []
        if self.edge is not None:
            width = 2 * self.edge_width * 72 / DPI
            edge = PathPatch(path, fill=False, edgecolor=hex_color(self.edge), linewidth=width, **common)
            patches.append((self.edge, edge))
        inner = PathPatch(path, facecolor=hex_color(self.color), edgecolor="none", linewidth=0, **common)
        return [*patches, (self.color, inner)]


def letters(text: str, x: float, y: float, size: float, color: RGB) -> Shape:
    """Return a text as a shape.

    ``x``, ``y``: left end of its ink and its baseline. ``size``: screen pixels per em.
    """
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), text, size=size, prop=font(True, size))
    assert path.codes is not None
    vertices = tuple((vx, vy) for vx, vy in np.asarray(path.vertices).tolist())
    shape = Shape(vertices, tuple(path.codes.tolist()), color)
    return shape.moved(x - shape.extent[0], y)


class ShapeRaster(NamedTuple):
    """A shape as pixels."""

    x: int
    """Its left end, from where it is put, screen pixels."""
    y: int
    """Its top, from where it is put, downwards."""
    layers: Sequence[tuple[RGB, NDArray[np.uint8]]]
    """Colour and coverage (0 to 255, rows from the top) of its edge and of
    itself, in the order of painting."""

    def mix(self, pixels: NDArray[np.uint8]) -> None:
        """Lay it over pixels.

        ``pixels``: RGB, (rows from the top, columns, 3), of its own size; changed.
        """
        for color, coverage in self.layers:
            # What matplotlib's fixed_blender_rgba_plain does to an opaque
            # pixel, in its 32-bit arithmetic.
            alpha = coverage[:, :, np.newaxis].astype(np.int64)
            value = pixels.astype(np.int64) * 255
            mixed = ((np.array(color) * 256 - value) * alpha + value * 256) // (255 * 256 + alpha)
            pixels[:] = np.where(alpha == 255, np.array(color), mixed)


@lru_cache(maxsize=1024)
def rasterized(shape: Shape) -> ShapeRaster:
    """Return a shape as pixels.

    ``shape``: the shape, put at a whole pixel.
    """
    reach = math.ceil(shape.edge_width) + 2
    x0, y0, x1, y1 = shape.extent
    left, bottom = math.floor(x0) - reach, math.floor(y0) - reach
    width, height = math.ceil(x1) + reach - left, math.ceil(y1) + reach - bottom
    layers = []
    for color, line in ((shape.edge, 2 * shape.edge_width), (shape.color, None)):
        if color is not None:
            # Black ink on white paper: what is left of the white is what is not covered.
            paper = Paper(width, height, (255, 255, 255))
            paper.draw(shape.path(), (0, 0, 0), line, offset=(-left, -bottom))
            layers.append((color, 255 - paper.pixels[:, :, 0]))
    ink = np.any([coverage for _, coverage in layers], axis=0)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return ShapeRaster(
        left + int(columns[0]),
        -bottom - height + int(rows[0]),
        [(color, coverage[part]) for color, coverage in layers],
    )


@lru_cache(maxsize=256)
def on_paper(shape: Shape, paper: RGB) -> NDArray[np.uint8]:
    """Return the place of a shape's raster on paper of one colour, RGB."""
    raster = rasterized(shape)
    image = np.empty((*raster.layers[0][1].shape, 3), dtype=np.uint8)
    image[:] = paper
    raster.mix(image)
    return image
