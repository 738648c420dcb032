"""The fonts of a picture: DejaVu Sans as it comes with matplotlib."""

__all__ = (
    "CENTERING",
    "DPI",
    "NUMBER_CHARACTERS",
    "NUMBER_LABEL",
    "TEXT_SIZE",
    "TITLE_SIZE",
    "drawing_settings",
    "fitting_size",
    "font",
    "number_width",
    "text_size",
    "text_width",
)

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

DPI = 64
"""Resolution of the figure. A power of two, so that sizes in pixels survive
the way through matplotlib's inches exactly."""

TEXT_SIZE = 13.0
"""Height of the letters in the text rows at the usual size, screen pixels per em."""

_DIGIT_WIDTH = 8
"""Width of each digit at `TEXT_SIZE`, on which the places of numbers rest; no
other character of a number but the plus sign is wider."""

NUMBER_LABEL = "RB:"
"""What stands before the number of the reliability."""

NUMBER_CHARACTERS = f"0123456789.-+e{NUMBER_LABEL}"
"""What numbers are made of, the label of the reliability last."""

TITLE_SIZE = 16.0
"""The same for the titles."""

_STEP = 0.25

CENTERING = 0.001
"""How far right of its middle a text is centred, screen pixels. Letters are
placed in steps of 1/64 pixel, and half a width is often half a step: so small
a shift keeps rounding errors from deciding which step it is."""

_SMALLEST_SIZE = 6.0


@cache
def _settings() -> Any:
    import matplotlib

    settings = {
        "agg.path.chunksize": 0,
        "image.composite_image": True,
        "path.effects": [],
        "path.simplify": True,
        "path.sketch": None,
        "text.hinting": "default",
        "text.usetex": False,
    }
    if tuple(int(n) for n in matplotlib.__version__.split(".")[:2]) < (3, 11):
        # Newer versions always hint at whole pixels.
        settings["text.hinting_factor"] = 1
    return settings


@contextmanager
def drawing_settings() -> Iterator[None]:
    """Let matplotlib draw alike for every user, whatever the matplotlibrc says about drawing."""
    import matplotlib

    chosen = _settings()
    users = {name: matplotlib.rcParams[name] for name in chosen}
    # matplotlib.rc_context copies all of them, which takes longer than to measure a text.
    matplotlib.rcParams.update(chosen)
    try:
        yield
    finally:
        matplotlib.rcParams.update(users)


@cache
def font(bold: bool, size: float) -> "FontProperties":
    """Return a font.

    ``size``: screen pixels per em.
    """
    import matplotlib
    from matplotlib.font_manager import FontProperties

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return FontProperties(
        # The name and weight are for what keeps text as text, such as SVG.
        family="DejaVu Sans",
        weight="bold" if bold else "normal",
        fname=Path(matplotlib.get_data_path(), "fonts", "ttf", name),
        size=size * 72 / DPI,
    )


@cache
def text_size(scale: float) -> float:
    """Return the size of text in pictures that are drawn larger.

    ``scale``: how many times the usual size everything has. Returns: the largest at which a number takes no
    more than its share of room: hinting makes each digit a whole number of pixels wide.
    """
    size = TEXT_SIZE * scale
    while _advance("0", False, size) > _DIGIT_WIDTH * scale:
        size -= _STEP
    return size


@lru_cache(maxsize=4096)
def text_width(text: str, bold: bool, size: float) -> float:
    """Return how wide matplotlib draws a text, screen pixels."""
    from matplotlib.backends.backend_agg import RendererAgg

    with drawing_settings():
        renderer: Any = RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]
        width, _, _ = renderer.get_text_width_height_descent(text, font(bold, size), False)
    return float(width)


@lru_cache(maxsize=4096)
def fitting_size(text: str, bold: bool, width: int, size: float) -> tuple[str, float]:
    """Return the text and the size at which it fits a place.

    ``width``: room in screen pixels. Returns ``text``: the text, cut short with an ellipsis where no size
    would fit; ``size``: the wanted size, or as much smaller as needed.
    """
    while text_width(text, bold, size) > width:
        if size > _SMALLEST_SIZE:
            size -= 0.5
        elif len(text) > 1:
            text = text.rstrip("\N{HORIZONTAL ELLIPSIS}")[:-1] + "\N{HORIZONTAL ELLIPSIS}"
        else:
            break
    return text, size


@cache
def _advance(character: str, bold: bool, size: float) -> int:
    # Between digits, because the width of a single one is that of its ink.
    return round(text_width(f"0{character}0", bold, size) - text_width("00", bold, size))


@cache
def _advances(bold: bool, size: float) -> dict[str, int]:
    return {character: _advance(character, bold, size) for character in NUMBER_CHARACTERS}


def number_width(text: str, bold: bool, size: float) -> int:
    """Return how much room a number takes: the hinted advances of its characters, screen pixels."""
    return sum(map(_advances(bold, size).__getitem__, text))
