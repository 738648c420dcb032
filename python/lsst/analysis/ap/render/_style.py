"""Everything that decides how a picture looks."""

__all__ = ("PictureStyle",)

from dataclasses import dataclass

STRETCHES = ("asinh", "linear", "log", "sqrt")
INTERVALS = ("minmax", "percentile", "zscale")


@dataclass(frozen=True)
class PictureStyle:
    """How a picture looks, apart from the source in it.

    Raises
    ------
    ValueError
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
    """Part of the pixels, in per cent, between the limits of a percentile
    interval."""

    limits_region: int | None = None
    """Side in pixels of the central square from which limits are taken;
    `None` for the whole stamp."""

    shared_limits: bool = False
    """Whether template and science are shown between the same limits."""

    difference_symmetric: bool = False
    """Whether zero has the middle colour of the difference's map."""

    color_map: str = "bone"
    """Name of matplotlib's colour map for template and science."""

    difference_color_map: str | None = None
    """Colour map of the difference; `None` for the same as the others, or,
    where zero is in the middle, for a diverging one from purple to orange
    that stays apart in every common form of colour blindness."""

    panel_pixels: int = 210
    """Wanted side of a panel in screen pixels. Stamp pixels are enlarged by
    the whole number that comes nearest."""

    background: str = "light"
    """Paper of the picture: light or dark."""

    orientation: str = "pixels"
    """``pixels`` for stamps as they lie in the images, ``north-up`` for the
    turn and reflection that bring north nearest to up and east to left."""

    compass: bool = False
    """Whether each panel shows where north and east are."""

    center_mark: str = "none"
    """What shows the source's place and leaves it free: none, crosshair or
    ticks."""

    mask_planes: tuple[str, ...] = ()
    """Mask planes to show, by afw's names, where stamps come with masks."""

    footprint: bool = False
    """Whether the square that holds the source's footprint is outlined,
    where the row has ``bboxSize``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        object.__setattr__(self, "mask_planes", tuple(self.mask_planes))
        if not self.sizes or not all(isinstance(n, int) and 1 <= n <= 2000 for n in self.sizes):
            raise ValueError(f"sizes: one or more whole numbers from 1 to 2000, not {self.sizes!r}")
        self._check_choice("image_stretch", STRETCHES)
        self._check_choice("difference_stretch", STRETCHES)
        self._check_choice("image_interval", INTERVALS)
        self._check_choice("difference_interval", INTERVALS)
        self._check_choice("background", ("light", "dark"))
        self._check_choice("orientation", ("pixels", "north-up"))
        self._check_choice("center_mark", ("none", "crosshair", "ticks"))
        if not 0 < self.percentile <= 100:
            raise ValueError(f"percentile: above 0 and up to 100, not {self.percentile!r}")
        if self.limits_region is not None and self.limits_region < 1:
            raise ValueError(f"limits_region: at least 1, not {self.limits_region!r}")
        if not 0 < self.asinh_a < float("inf"):
            raise ValueError(f"asinh_a: a positive number, not {self.asinh_a!r}")
        if not 10 <= self.panel_pixels <= 2000:
            raise ValueError(f"panel_pixels: from 10 to 2000, not {self.panel_pixels!r}")
        for field in ("color_map", "difference_color_map"):
            self._check_color_map(field)

    def _check_choice(self, field: str, choices: tuple[str, ...]) -> None:
        if getattr(self, field) not in choices:
            raise ValueError(f"{field}: one of {', '.join(choices)}, not {getattr(self, field)!r}")

    def _check_color_map(self, field: str) -> None:
        name = getattr(self, field)
        if name is None or name == "bone":
            return
        from matplotlib import colormaps

        if name not in colormaps:
            raise ValueError(f"{field}: the name of a matplotlib colour map, not {name!r}")

    @property
    def shown_difference_color_map(self) -> str:
        """Colour map of the difference, whatever decides it."""
        return self.difference_color_map or ("PuOr_r" if self.difference_symmetric else self.color_map)

    def enlargement(self, size: int) -> int:
        """Return the screen pixels along the side of one image pixel.

        Parameters
        ----------
        size : `int`
            Side of the stamp.

        Returns
        -------
        factor : `int`
            At least 1. The largest stamps come nearest to `panel_pixels`,
            the others to the size of their panels.
        """
        largest = max(self.sizes)
        side = largest * max(1, round(self.panel_pixels / largest))
        return max(1, round(side / size))
