"""Where the pixels of stamps lie on the screen."""

__all__ = ("Grid",)

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..domain import Box


@dataclass(frozen=True, eq=False)
class Grid:
    """The square of screen pixels in which a stamp is shown."""

    box: Box
    """The pixels of the stamp, a square."""
    size: int
    """Side of what is shown of it, in stamp pixels: all, or, where it is rotated, the central part."""
    factor: int
    """Screen pixels along the side of a stamp pixel."""
    matrix: NDArray[np.float64] | None = None
    """What takes offsets (right, up) from the centre of the panel to offsets
    (x, y) in the stamp, both in stamp pixels; `None` where they are equal."""

    @property
    def side(self) -> int:
        """Side of the panel in screen pixels."""
        return self.size * self.factor

    def screen[T: np.generic](self, pixels: NDArray[T], outside: T) -> NDArray[T]:
        """Return the pixels of a stamp as screen pixels.

        ``pixels``: one value for each pixel of the stamp, (..., rows from the bottom, columns). ``outside``:
        value where the stamp has no pixels, beyond the corners of a rotated one. Returns: (..., rows from the
        top, columns), `side` of each. No value is new: each is that of the pixel at this place.
        """
        if self.matrix is None:
            return pixels[..., ::-1, :].repeat(self.factor, axis=-2).repeat(self.factor, axis=-1)
        rows, columns, inside = self._sampled
        return np.where(inside, pixels[..., rows, columns], outside)

    @cached_property
    def _sampled(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """Row and column in the stamp for each screen pixel, and whether there is one."""
        assert self.matrix is not None
        # The centre of a screen pixel is never on the border of two stamp
        # pixels for quarter turns; for other angles either is right.
        right = (np.arange(self.side) + 0.5) / self.factor - self.size / 2
        up = -right[:, np.newaxis]
        (a, b), (c, d) = self.matrix.tolist()
        x = np.floor(a * right + b * up + self.box.width / 2).astype(np.intp)
        y = np.floor(c * right + d * up + self.box.height / 2).astype(np.intp)
        inside = (x >= 0) & (x < self.box.width) & (y >= 0) & (y < self.box.height)
        return np.where(inside, y, 0), np.where(inside, x, 0), inside

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a position is in the panel.

        ``x``, ``y``: PARENT pixels. Returns: screen pixels from the lower left corner of the panel.
        """
        if self.matrix is None:
            right, up = x - self.box.x_start + 0.5, y - self.box.y_start + 0.5
        else:
            center = (
                (self.box.x_start + self.box.x_stop - 1) / 2,
                (self.box.y_start + self.box.y_stop - 1) / 2,
            )
            right, up = np.linalg.solve(self.matrix, np.subtract((x, y), center)) + self.size / 2
        return float(right * self.factor), float(up * self.factor)
