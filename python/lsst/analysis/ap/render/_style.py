"""Everything that decides how a picture looks."""

__all__ = ("FOOTPRINT_PLANES", "RENAMED", "PictureStyle", "StyleError")

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

STRETCHES: Final = ("asinh", "linear", "log", "sqrt")
INTERVALS: Final = ("minmax", "percentile", "zscale")
ORIENTATIONS: Final = ("pixels", "nearest-north", "true-north")

FOOTPRINT_PLANES: Final = ("DETECTED", "DETECTED_NEGATIVE")
"""Mask planes of the difference that hold the footprints of its sources."""

RENAMED: Final[Mapping[str, str]] = {"north-up": "nearest-north"}
"""Earlier names of orientations."""

_USUAL_PANEL = 210
"""Side of a panel, screen pixels, beside which text has its usual size."""


class StyleError(ValueError):
    """A value that no picture can have.

    ``field``: the field of the style that has it.
    """

    def __init__(self, field: str, cause: str) -> None:
        super().__init__(field, cause)
        self.field = field
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.field}: {self.cause}"


@dataclass(frozen=True)
class PictureStyle:
    """How a picture looks, apart from the source in it.

    Raises
    ------
    StyleError
        Raised, naming the field, for a value that no picture can have.
    """

    sizes: tuple[int, ...] = (30,)
    """Sides of the stamps in pixels; one row of panels for each."""
    add_metadata: bool = False
    """Whether text rows with the catalogue's values stand above the panels."""
    image_stretch: str = "asinh"
    """Stretch of template and science: asinh, linear, log or sqrt."""
    image_interval: str = "minmax"
    """Limits of template and science: minmax, percentile or zscale."""
    asinh_a: float = 0.1
    """Where an asinh stretch turns from linear to logarithmic, as a part of
    the interval; the ``a`` of `astropy.visualization.AsinhStretch`."""
    difference_stretch: str = "linear"
    """Stretch of the difference."""
    difference_interval: str = "zscale"
    """Limits of the difference."""
    percentile: float = 99.5
    """Part of the pixels, in per cent, between the limits of a percentile interval."""
    limits_region: int | None = None
    """Side in pixels of the central square from which limits are taken; `None` for the whole stamp."""
    difference_limits_region: int | None = None
    """The same for the difference; `None` for that of the others."""
    image_limits: tuple[float, float] | None = None
    """Lower and upper limit of template and science, in the unit of the
    pixels; `None` to take them from the pixels."""
    difference_limits: tuple[float, float] | None = None
    """Lower and upper limit of the difference."""
    shared_limits: bool = False
    """Whether template and science are shown between the same limits."""
    difference_symmetric: bool = False
    """Whether zero has the middle colour of the difference's map."""
    color_map: str = "bone"
    """Name of matplotlib's colour map for template and science."""
    difference_color_map: str | None = None
    """Colour map of the difference; `None` for the same as the others, or, where zero is in the middle, for a
    diverging one from purple to orange that stays apart in every common form of colour blindness."""
    panel_pixels: int = 210
    """Wanted side of a panel in screen pixels. Stamp pixels are enlarged by
    the whole number that comes nearest."""
    background: str = "light"
    """Paper of the picture: light or dark."""
    color_bar: bool = False
    """Whether a bar below each panel says which colour is which value."""
    orientation: str = "pixels"
    """``pixels`` for stamps as they lie in the images; ``nearest-north`` for the turn by a multiple of 90
    degrees and the reflection that bring north nearest to up and east to left; ``true-north`` for north up
    and east left exactly, each point of the screen showing the pixel that lies there."""
    compass: bool = False
    """Whether the first panel shows where north and east are."""
    center_mark: str = "none"
    """What shows the source's place and leaves it free: none, crosshair or ticks."""
    mask_planes: tuple[str, ...] = ()
    """Mask planes to show, by afw's names, where stamps come with masks."""
    footprint: bool = False
    """Whether the source's footprint is outlined: its pixels where these are known, else, marked as a box,
    the square that holds them (``bboxSize`` of the row)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        object.__setattr__(self, "mask_planes", tuple(self.mask_planes))
        for field in ("image_limits", "difference_limits"):
            self._check_limits(field)
        if not self.sizes or not all(isinstance(n, int) and 1 <= n <= 2000 for n in self.sizes):
            raise StyleError("sizes", f"one or more whole numbers from 1 to 2000, not {self.sizes!r}")
        self._check_choice("image_stretch", STRETCHES)
        self._check_choice("difference_stretch", STRETCHES)
        self._check_choice("image_interval", INTERVALS)
        self._check_choice("difference_interval", INTERVALS)
        self._check_choice("background", ("light", "dark"))
        if new := RENAMED.get(self.orientation):
            raise StyleError("orientation", f"{self.orientation!r} is called {new!r} now")
        self._check_choice("orientation", ORIENTATIONS)
        self._check_choice("center_mark", ("none", "crosshair", "ticks"))
        if not 0 < self.percentile <= 100:
            raise StyleError("percentile", f"above 0 and up to 100, not {self.percentile!r}")
        for field in ("limits_region", "difference_limits_region"):
            if (side := getattr(self, field)) is not None and side < 1:
                raise StyleError(field, f"at least 1, not {side!r}")
        if not 0 < self.asinh_a < float("inf"):
            raise StyleError("asinh_a", f"a positive number, not {self.asinh_a!r}")
        if not 10 <= self.panel_pixels <= 2000:
            raise StyleError("panel_pixels", f"from 10 to 2000, not {self.panel_pixels!r}")
        for field in ("color_map", "difference_color_map"):
            self._check_color_map(field)

    def _check_choice(self, field: str, choices: tuple[str, ...]) -> None:
        if getattr(self, field) not in choices:
            raise StyleError(field, f"one of {', '.join(choices)}, not {getattr(self, field)!r}")

    def _check_limits(self, field: str) -> None:
        limits = getattr(self, field)
        if limits is None:
            return
        limits = tuple(float(limit) for limit in limits)
        if len(limits) != 2 or not -math.inf < limits[0] < limits[1] < math.inf:
            raise StyleError(field, f"two numbers, the lower first, not {limits!r}")
        object.__setattr__(self, field, limits)

    def _check_color_map(self, field: str) -> None:
        name = getattr(self, field)
        if name is None or name == "bone":
            return
        from matplotlib import colormaps

        if name not in colormaps:
            raise StyleError(field, f"the name of a matplotlib colour map, not {name!r}")

    @property
    def shown_difference_color_map(self) -> str:
        """Colour map of the difference, whatever decides it."""
        return self.difference_color_map or ("PuOr_r" if self.difference_symmetric else self.color_map)

    @property
    def planes(self) -> tuple[str, ...]:
        """The mask planes that stamps should come with: those to show, and
        those that hold the footprint where it is to be outlined.
        """
        return tuple(dict.fromkeys((*self.mask_planes, *(FOOTPRINT_PLANES if self.footprint else ()))))

    @property
    def text_scale(self) -> float:
        """How many times its usual size text has, in steps of a half."""
        panel = max(size * self.enlargement(size) for size in self.sizes)
        return max(1.0, panel * 2 // _USUAL_PANEL / 2)

    def enlargement(self, size: int) -> int:
        """Return the screen pixels along the side of one image pixel.

        Returns: at least 1. The largest stamps come nearest to `panel_pixels`, the others to the size of
        their panels.
        """
        largest = max(self.sizes)
        side = largest * max(1, round(self.panel_pixels / largest))
        return max(1, round(side / size))

    def margin(self, size: int) -> int:
        """Return how much larger stamps may be on each side.

        Returns: what a stamp needs so that after a true rotation no corner is without data: half of its
        diagonal, less half of its side. 0 for other orientations.
        """
        return math.ceil(size * (math.sqrt(0.5) - 0.5)) if self.orientation == "true-north" else 0
