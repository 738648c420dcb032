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

    color_map: str = "bone"
    """Name of matplotlib's colour map for template and science."""

    difference_color_map: str | None = None
    """Colour map of the difference; `None` for the same as the others."""

    panel_pixels: int = 210
    """Wanted side of a panel in screen pixels. Stamp pixels are enlarged by
    the whole number that comes nearest."""

    background: str = "light"
    """Paper of the picture: light or dark."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        if not self.sizes or not all(isinstance(n, int) and 1 <= n <= 2000 for n in self.sizes):
            raise ValueError(f"sizes: one or more whole numbers from 1 to 2000, not {self.sizes!r}")
        self._check_choice("image_stretch", STRETCHES)
        self._check_choice("difference_stretch", STRETCHES)
        self._check_choice("image_interval", INTERVALS)
        self._check_choice("difference_interval", INTERVALS)
        self._check_choice("background", ("light", "dark"))
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
