"""Where a picture is drawn: a figure of its own, somebody's figure or somebody's axes."""

__all__ = ("Stage", "enlarge", "stage_in_axes", "stage_in_figure")

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ._fonts import DPI
from ._layout import Rect

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.transforms import Transform


class Stage(Protocol):
    """What takes the parts of a picture."""

    @property
    def target(self) -> Any:
        """The figure or part of a figure that text rows are added to."""
        ...

    @property
    def pixels(self) -> "Transform":
        """From screen pixels of the picture, to the right and up from its
        lower left corner, to those of the display.
        """
        ...

    def place(self, rect: Rect) -> "Axes":
        """Return axes for a panel.

        ``rect``: where it lies, screen pixels of the picture.
        """
        ...

    def place_beside(self, axes: "Axes", panel: Rect, rect: Rect) -> "Axes":
        """Return axes that go with those of a panel.

        ``panel``, ``rect``: where the panel lies, and where the new axes are to lie.
        """
        ...

    def scale_with_size(self, *artists: Any) -> None:
        """Keep letters and lines in proportion to the picture.

        ``*artists``: what has a size in points, that of the picture's own size.
        """
        ...


@dataclass(frozen=True, eq=False)
class _Part:
    """Somebody's figure, in which a picture is as large as there is room."""

    target: Any
    pixels: "Transform"
    to_fraction: "Transform"
    """From screen pixels of the picture, like ``pixels``, to parts of the figure."""
    height: int
    """Own height of the picture, screen pixels."""
    growth: float
    """How much larger than its own size it is, in inches."""

    def place(self, rect: Rect) -> "Axes":
        base = self.height - rect.y - rect.height
        corners = ((rect.x, base), (rect.x + rect.width, base + rect.height))
        (x0, y0), (x1, y1) = self.to_fraction.transform(corners).tolist()
        axes: Axes = self.target.add_axes((x0, y0, x1 - x0, y1 - y0))
        return axes

    def place_beside(self, axes: "Axes", panel: Rect, rect: Rect) -> "Axes":
        return self.place(rect)

    def scale_with_size(self, *artists: Any) -> None:
        enlarge(artists, self.growth)


def stage_in_figure(figure: "Figure | SubFigure", width: int, height: int, background: str) -> Stage:
    """Return a part of somebody's figure.

    ``width``, ``height``: own size of the picture, screen pixels. ``background``: colour of the paper below
    the picture. Returns: the picture lies in the middle of the figure.
    """
    from matplotlib.patches import Rectangle
    from matplotlib.transforms import Affine2D

    step = min(figure.bbox.width / width, figure.bbox.height / height)
    x_part, y_part = step / figure.bbox.width, step / figure.bbox.height
    left, bottom = (1 - x_part * width) / 2, (1 - y_part * height) / 2
    to_fraction = Affine2D().scale(x_part, y_part).translate(left, bottom)
    pixels = to_fraction + figure.transSubfigure
    paper = Rectangle((0, 0), width, height, transform=pixels, facecolor=background, zorder=-10)
    figure.add_artist(paper)
    return _Part(figure, pixels, to_fraction, height, step * DPI / figure.dpi)


class _GivenAxes:
    """Somebody's axes, one for each panel."""

    def __init__(self, axes: "Sequence[Axes]") -> None:
        self.target: Any = axes[0].get_figure(root=False)
        self.pixels = axes[0].transAxes  # without text rows nothing is placed by it
        self._left = list(axes)
        self._growth = 1.0

    def place(self, rect: Rect) -> "Axes":
        axes = self._left.pop(0)
        self._growth = axes.bbox.width / rect.width * DPI / self.target.dpi
        return axes

    def place_beside(self, axes: "Axes", panel: Rect, rect: Rect) -> "Axes":
        x, y = rect.x - panel.x, panel.y + panel.height - rect.y - rect.height
        bounds = (x / panel.width, y / panel.height, rect.width / panel.width, rect.height / panel.height)
        return axes.inset_axes(bounds)

    def scale_with_size(self, *artists: Any) -> None:
        enlarge(artists, self._growth)


def stage_in_axes(axes: "Iterable[Axes]", count: int) -> Stage:
    """Return somebody's axes as a stage.

    ``axes``: axes of the panels, in the order in which these are drawn. ``count``: how many there have to be.
    Returns: takes one panel after the other. Raises `ValueError` when there are more or fewer axes.
    """
    given = list(axes)
    if len(given) != count:
        raise ValueError(f"axes: {len(given)} for {count} panels")
    return _GivenAxes(given)


def enlarge(artists: Iterable[Any], growth: float) -> None:
    """Make letters and lines larger.

    ``artists``: texts, and patches with lines. ``growth``: how many times.
    """
    for artist in artists:
        if hasattr(artist, "set_fontsize"):
            artist.set_fontsize(artist.get_fontsize() * growth)
        else:
            artist.set_linewidth(artist.get_linewidth() * growth)
