"""The values that pass between the rooms of this package.

A `SourceBatch` goes from ``sources`` to ``images``, a `Triplet` from
``images`` to ``render``. This module imports no library and no other module of
this package: every command loads it before it knows what is asked for.
"""

__all__ = (
    "PANELS",
    "Box",
    "CutoutsError",
    "DetectorVisit",
    "Neighbour",
    "SourceBatch",
    "Stamp",
    "Triplet",
    "UnreadableError",
)

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

PANELS: Final = ("template", "science", "difference")
"""The three panels of a picture, from left to right."""


class CutoutsError(Exception):
    """A problem that the person running the tool can act on.

    Its message names the thing, the cause and the remedy in one line, which
    is all that a command prints. All errors for wrong input derive from it.

    Parameters
    ----------
    *args : `object`
        The message.
    choices : `tuple` [`str`, ...], optional
        Names of the arguments or configuration fields that the message tells
        to set. A command adds how it spells them.
    """

    def __init__(self, *args: object, choices: tuple[str, ...] = ()) -> None:
        super().__init__(*args)
        self.choices = choices


class UnreadableError(CutoutsError):
    """A file or dataset that cannot be read, perhaps for a moment only."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels, in PARENT coordinates.

    PARENT coordinates count from the corner of the detector: the first pixel of an image whose ``xy0`` is
    (1200, 800) is (1200, 800), and the centre of a pixel is at its integer position. Intervals are half-open.
    """

    x_start: int
    """First column."""
    x_stop: int
    """One past the last column."""
    y_start: int
    """First row."""
    y_stop: int
    """One past the last row."""

    def __post_init__(self) -> None:
        if self.x_stop <= self.x_start or self.y_stop <= self.y_start:
            raise ValueError(
                f"Box has no pixels: x {self.x_start}:{self.x_stop}, y {self.y_start}:{self.y_stop}"
            )

    @classmethod
    def from_center(cls, x: float, y: float, width: int, height: int | None = None) -> Self:
        """Return the box of a given size that afw would cut around a point.

        Parameters
        ----------
        x, y : `float`
            Centre, PARENT pixels.
        width, height : `int`
            Size in pixels; a square when ``height`` is not given.

        Returns
        -------
        box : `Box`
            Per axis the first pixel is ``floor(center - size/2 + 1)``, the rule of
            `lsst.geom.Box2I.makeCenteredBox`, on which ``Exposure.getCutout`` stands.
        """
        height = width if height is None else height
        x_start = math.floor(x - width / 2 + 1)
        y_start = math.floor(y - height / 2 + 1)
        return cls(x_start, x_start + width, y_start, y_start + height)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.x_stop - self.x_start

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.y_stop - self.y_start

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of an array of these pixels, (rows, columns)."""
        return self.height, self.width

    def intersection(self, other: Self) -> Self | None:
        """Return the pixels that both boxes hold.

        Parameters
        ----------
        other : `Box`
            The other box.

        Returns
        -------
        box : `Box` or `None`
            `None` when they share no pixel.
        """
        if (
            self.x_start <= other.x_start
            and other.x_stop <= self.x_stop
            and self.y_start <= other.y_start
            and other.y_stop <= self.y_stop
        ):
            return other  # nearly every stamp lies wholly on its image
        x_start, x_stop = max(self.x_start, other.x_start), min(self.x_stop, other.x_stop)
        y_start, y_stop = max(self.y_start, other.y_start), min(self.y_stop, other.y_stop)
        if x_stop <= x_start or y_stop <= y_start:
            return None
        return type(self)(x_start, x_stop, y_start, y_stop)

    def slices_within(self, outer: Self) -> tuple[slice, slice]:
        """Return where this box lies in an array of the pixels of another.

        Parameters
        ----------
        outer : `Box`
            A box that contains this one.

        Returns
        -------
        slices : `tuple` [`slice`, `slice`]
            Rows, then columns.

        Raises
        ------
        ValueError
            Raised when a part of this box lies outside ``outer``.
        """
        if self.intersection(outer) != self:
            raise ValueError(f"{self} is not inside {outer}")
        return (
            slice(self.y_start - outer.y_start, self.y_stop - outer.y_start),
            slice(self.x_start - outer.x_start, self.x_stop - outer.x_start),
        )


@dataclass(frozen=True, slots=True)
class DetectorVisit:
    """The data ID of one exposed detector, the natural unit of work."""

    instrument: str
    """Name of the instrument as the butler knows it."""
    visit: int
    """Visit ID."""
    detector: int
    """Detector ID."""

    def __str__(self) -> str:
        return f"{{instrument: {self.instrument!r}, visit: {self.visit}, detector: {self.detector}}}"


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """DiaSources whose stamps come from the same three images."""

    data_id: DetectorVisit | None
    """Where the sources were found; `None` when their rows do not say."""
    rows: "pa.Table"
    """One row per DiaSource, columns by their APDB names; ``diaSourceId``, ``ra`` and ``dec`` (degrees) are
    always there. A row without an identifier has in its place the number of the row, negative."""
    reasons: Mapping[int, str] = field(default_factory=dict)
    """Why rows can have no picture, by row number: their values cannot be read. Most rows have none."""

    def take(self, rows: Sequence[int]) -> "SourceBatch":
        """Return some of the sources.

        Parameters
        ----------
        rows : sequence of `int`
            Row numbers.

        Returns
        -------
        batch : `SourceBatch`
            Those rows, in that order, with their reasons.
        """
        reasons = {new: self.reasons[old] for new, old in enumerate(rows) if old in self.reasons}
        return SourceBatch(self.data_id, self.rows.take(list(rows)), reasons)


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """The pixels of one image around a source."""

    array: "NDArray[np.float32]"
    """Pixel values, (rows, columns), row 0 at the bottom of the sky picture.
    NaN where there are no data: off the image, or NaN in it."""
    box: Box
    """Where the pixels lie, PARENT pixels."""
    mask: "NDArray[np.uint32] | None" = None
    """Mask bits of the same shape; `None` when nobody asked for them."""
    mask_planes: Mapping[str, int] = field(default_factory=dict)
    """Bit number of each mask plane, by afw's name (``"SAT"``, ``"EDGE"``)."""
    unit: str | None = None
    """Unit of the pixels as the image's header has it (``"nJy"``, ``"adu"``); `None` where it has none."""
    variance: "NDArray[np.float32] | None" = None
    """Variance of the pixels, NaN where there are no data; `None` when nobody
    asked for it, or the image has none."""
    psf: "NDArray[np.float64] | None" = None
    """Image of the point-spread function at the source, whose middle pixel is
    the source; `None` when nobody asked for it, or the image has none."""

    def __post_init__(self) -> None:
        if self.array.shape != self.box.shape:
            raise ValueError(f"Array of shape {self.array.shape} does not fill {self.box}")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Something that a catalogue has near a source."""

    kind: str
    """What it is, a word of the configuration field ``showNeighbours``."""
    x: float
    """Where it is in the science image, PARENT pixels."""
    y: float
    """Where it is in the science image, PARENT pixels."""
    end: tuple[float, float] | None = None
    """The other end of a line, (x, y) in PARENT pixels; `None` for a point."""


@dataclass(frozen=True, slots=True, eq=False)
class Triplet:
    """The stamps of one DiaSource at one size."""

    template: Stamp
    """From the template, warped to the pixels of the science image."""
    science: Stamp
    """From the science image."""
    difference: Stamp | None
    """From the difference image; `None` where nobody requires one and none is stored."""
    sky_jacobian: "NDArray[np.float64]"
    """How the sky moves with the pixels at the source, arcseconds per pixel:
    ``[[d(east)/dx, d(east)/dy], [d(north)/dx, d(north)/dy]]``."""
    position: tuple[float, float] | None = None
    """Where the source is in the science image, (x, y) in PARENT pixels; `None` when nobody looked."""
    template_source: str = ""
    """Which patches of coadds the template stamp was warped from; empty where
    the repository has a template of the detector, whose PSF is matched."""
    footprint: "NDArray[np.bool_] | None" = None
    """Pixels of the source's footprint, of the stamps' shape; `None` when nobody looked."""
    sky_map: Any = None
    """What takes ICRS degrees to PARENT pixels of the science image, with ``sky_to_pixel(ra, dec)`` of
    arrays; `None` where nothing does."""
    neighbours: tuple[Neighbour, ...] = ()
    """What is near, of the kinds that somebody asked for."""

    @property
    def stamps(self) -> tuple[Stamp, Stamp, Stamp | None]:
        """The stamps in the order of the picture."""
        return self.template, self.science, self.difference

    @property
    def pixel_scale(self) -> float:
        """Side of a pixel in arcseconds: the root of its area, NaN where unknown."""
        (a, b), (c, d) = self.sky_jacobian.tolist()
        return math.sqrt(abs(a * d - b * c))
