"""What a picture looks like: each choice described once, for the style and for the configuration.

The field of the configuration with the same name, in camel case, is made from what `look` says of it.
"""

__all__ = ("FOOTPRINT_PLANES", "PictureStyle", "StyleError", "look_of")

import dataclasses
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to know of one choice besides its type and its default."""

    doc: str
    """What it decides, for people who choose."""
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The words that it can be, and what each stands for; none where it is no choice among words."""
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Earlier names of these words."""
    low: float | None = None
    """Least number that it can be."""
    high: float | None = None
    """Greatest number that it can be."""
    above: bool = False
    """Whether it must be greater than `low`."""

    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value; `None` when nothing is."""
        if self.choices:
            if new := self.renamed.get(value):
                return f"{value!r} is called {new!r} now"
            return None if value in self.choices else f"one of {', '.join(self.choices)}, not {value!r}"
        if self.low is None or value is None:
            return None
        high = math.inf if self.high is None else self.high
        if value < math.inf and self.low <= value <= high and not (self.above and value == self.low):
            return None
        upper = "" if self.high is None else f" and at most {self.high}"
        return f"{'above' if self.above else 'at least'} {self.low}{upper}, not {value!r}"


def look(default: Any, doc: str, **details: Any) -> Any:
    """Return a field of a dataclass that is described by a `Look` with these details."""
    return dataclasses.field(default=default, metadata={"look": Look(doc, **details)})


def look_of(field: dataclasses.Field[Any]) -> Look:
    """Return the description of a field that `look` made."""
    found: Look = field.metadata["look"]
    return found


_STRETCHES: Final = {
    "asinh": "Inverse hyperbolic sine: faint and bright features together.",
    "linear": "Proportional to the pixel value.",
    "log": "Logarithmic: the widest range of brightness.",
    "sqrt": "Square root: between linear and log.",
}
_INTERVALS: Final = {
    "minmax": "From the least to the greatest pixel value of the stamp.",
    "percentile": "The central pixel values of the stamp; percentile says how many.",
    "zscale": "IRAF's zscale: the contrast of the sky, bright pixels saturated.",
}

FOOTPRINT_PLANES: Final = ("DETECTED", "DETECTED_NEGATIVE")
"""Mask planes of the difference that hold the footprints of its sources."""

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

    sizes: tuple[int, ...] = look(
        (30,), "Sides of the square stamps in pixels; the picture has one row of panels for each."
    )
    add_metadata: bool = look(
        False,
        "Write five rows of catalogue values and flag words above the panels. Leave it off for volunteers, "
        "whom numbers would influence; turn it on to debug image differencing.",
    )
    image_stretch: str = look(
        "asinh",
        "How brightness follows pixel values in the template and science panels.",
        choices=_STRETCHES,
    )
    image_interval: str = look(
        "minmax",
        "Which pixel values span the colours of the template and science panels.",
        choices=_INTERVALS,
    )
    # The a of astropy.visualization.AsinhStretch.
    asinh_a: float = look(
        0.1,
        "Where the asinh stretch turns from linear to logarithmic, as a fraction of the interval.",
        low=0,
        above=True,
    )
    difference_stretch: str = look(
        "linear", "How brightness follows pixel values in the difference panel.", choices=_STRETCHES
    )
    difference_interval: str = look(
        "zscale", "Which pixel values span the colours of the difference panel.", choices=_INTERVALS
    )
    color_map: str = look("bone", "matplotlib's name of the colour map.")
    difference_color_map: str | None = look(
        None,
        "Colour map of the difference panel. When not set: colorMap, or a diverging one when "
        "differenceSymmetric is set.",
    )
    panel_pixels: int = look(
        210,
        "Wanted side of a panel in screen pixels. Each stamp is enlarged by the whole number that comes "
        "nearest, so that its pixels stay square and equal.",
        low=10,
        high=2000,
    )
    background: str = look(
        "light",
        "Colour of the paper.",
        choices={"light": "White, with dark words.", "dark": "Near black, with light words."},
    )
    percentile: float = look(
        99.5,
        "How many per cent of the pixels lie within a 'percentile' interval.",
        low=0,
        high=100,
        above=True,
    )
    limits_region: int | None = look(
        None,
        "Take the limits from the central square of this many pixels a side, so that a bright neighbour "
        "does not decide them. When not set: from the whole stamp.",
        low=1,
    )
    difference_limits_region: int | None = look(
        None, "The same for the difference panel. When not set: limitsRegion.", low=1
    )
    image_limits: tuple[float, float] | None = look(
        None,
        "Pixel values that have the first and the last colour in the template and science panels, in the "
        "unit of the images, the same for all pictures. When not set: imageInterval decides for each.",
    )
    difference_limits: tuple[float, float] | None = look(
        None, "The same for the difference panel. When not set: differenceInterval decides."
    )
    shared_limits: bool = look(
        False, "Show template and science between the same limits, so that equal shades are equal fluxes."
    )
    difference_symmetric: bool = look(
        False,
        "Give zero the middle colour of the difference's map; the map is then a diverging one unless "
        "differenceColorMap is set.",
    )
    color_bar: bool = look(False, "Draw a bar below each panel that says which colour is which pixel value.")
    orientation: str = look(
        "pixels",
        "Which way is up.",
        choices={
            "pixels": "The rows of the image.",
            "nearest-north": "The side nearest to north, with east to the left; pixels are turned and "
            "reflected whole.",
            "true-north": "North exactly, with east to the left. Each point of the panel shows the image "
            "pixel that lies there, so that no value is new; corners without data are striped where the "
            "stamp ends.",
        },
        renamed={"north-up": "nearest-north"},
    )
    compass: bool = look(False, "Show where north and east are, in the first panel.")
    center_mark: str = look(
        "none",
        "What points to the source and leaves it free.",
        choices={"none": "Nothing.", "crosshair": "Four lines.", "ticks": "Corner brackets around it."},
    )
    mask_planes: tuple[str, ...] = look(
        (),
        "Mask planes to lay over the panels, by afw's names, such as SAT or CR; the masks are read for them.",
    )
    footprint: bool = look(
        False,
        "Outline the pixels in which the source was detected, by the mask planes DETECTED and "
        "DETECTED_NEGATIVE of the difference image, whose mask is read for it. Where it has none, and the "
        "catalogue has bboxSize, the square that holds them is outlined and marked 'box'.",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        object.__setattr__(self, "mask_planes", tuple(self.mask_planes))
        for field in ("image_limits", "difference_limits"):
            self._check_limits(field)
        if not self.sizes or not all(isinstance(n, int) and 1 <= n <= 2000 for n in self.sizes):
            raise StyleError("sizes", f"one or more whole numbers from 1 to 2000, not {self.sizes!r}")
        for spec in fields(self):
            if (problem := look_of(spec).problem(getattr(self, spec.name))) is not None:
                raise StyleError(spec.name, problem)
        for field in ("color_map", "difference_color_map"):
            self._check_color_map(field)

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


# What a documentation shows stands once, where the choices are described.
PictureStyle.__doc__ = "\n".join(
    (
        inspect.cleandoc(PictureStyle.__doc__ or ""),
        "\nParameters\n----------",
        *(f"{spec.name}\n    {look_of(spec).doc}" for spec in fields(PictureStyle)),
    )
)
