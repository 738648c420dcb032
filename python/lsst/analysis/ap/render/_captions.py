"""What is written about single panels: titles, limits, what is missing."""

__all__ = ("WARPED_COADD", "PanelText", "captions", "message", "significant", "title")

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..domain import Stamp
from ._annotation import printable
from ._fonts import TITLE_SIZE, fitting_size, number_width, text_size, text_width
from ._layout import DIFFERENCE, PANEL_NAMES, TITLE_OVERHANG, Layout
from ._numbers import fit_number, scientific
from ._pixels import Limits, unstretched
from ._style import PictureStyle

WARPED_COADD = "warped coadd"
"""What a template is called that was not made for the subtraction."""

NO_DIFFERENCE = ("no difference", "image stored")
"""What a panel says in place of a difference."""

_BLANK = 4
_READABLE, _SMALLEST = 9.5, 6.5


class PanelText(NamedTuple):
    """A text in or about a panel."""

    text: str
    x: int
    """Its end, or its middle where ``centered``, in screen pixels from the left edge of the panel."""
    y: int
    """Its baseline, in screen pixels down from the upper edge of the panel."""
    size: float
    centered: bool = False
    number: bool = False
    """Whether it consists of `NUMBER_CHARACTERS`."""


def title(panel: int, side: int, where: Layout, *, is_warped: bool) -> PanelText:
    """Return the title of a panel.

    ``side``: its side, screen pixels. ``is_warped``: whether the template is a warped coadd. Returns: as
    large as there is room for.
    """
    name = PANEL_NAMES[panel]
    if panel == 0 and is_warped:
        name += f": {WARPED_COADD}"
    room = side + where.scaled(TITLE_OVERHANG)
    text, size = fitting_size(name, False, room, where.scale * TITLE_SIZE)
    return PanelText(text, side // 2, where.title_baseline - where.panels[0][0].y, size, centered=True)


def message(side: int, where: Layout) -> Iterator[PanelText]:
    """Yield the lines in the middle of a panel that say that there is no difference."""
    wanted = text_size(where.scale)
    size = min(fitting_size(line, False, side, wanted)[1] for line in NO_DIFFERENCE)
    for n, line in enumerate(NO_DIFFERENCE):
        text, _ = fitting_size(line, False, side, size)
        yield PanelText(text, side // 2, side // 2 + round(1.4 * size * n), size, centered=True)


def captions(
    style: PictureStyle, stamp: Stamp, panel: int, limits: Limits, side: int, where: Layout
) -> Iterator[PanelText]:
    """Yield what stands below a panel: its limits and their unit.

    ``limits``: the values that have the first and the last colour. Yields: numbers and words, one behind the
    other, or below the ends and the middle of a colour bar.
    """
    if not where.caption_space:
        return
    y = side + where.caption_space
    largest = text_size(where.scale)
    if not np.isfinite(stamp.array).any():
        yield PanelText("no data", side // 2, y, fitting_size("no data", False, side, largest)[1], True)
        return
    unit = printable(stamp.unit or "") or "(no unit)"
    if style.color_bar:
        stretch = style.difference_stretch if panel == DIFFERENCE else style.image_stretch
        half = unstretched(0.5, limits, stretch, style.asinh_a)
        low, middle, high = significant((limits.low, half, limits.high))
        choices = [[(0.0, [low]), (0.5, [middle]), (1.0, [high, unit])]]
        choices += [[(0.0, [low]), (1.0, [high, unit])], [(0.0, [low]), (1.0, [high])]]
    else:
        low, high = significant(limits)
        choices = [[(0.5, [low, "to", high, unit])], [(0.5, [low, "to", high])]]
    # Rather less than what is hard to read, but rather that than nothing.
    for smallest in (_READABLE * where.scale, _SMALLEST):
        for groups in choices:
            size = largest
            while size >= smallest:
                if (texts := _placed(groups, size, y, side)) is not None:
                    yield from texts
                    return
                size -= 0.5


def significant(values: Sequence[float]) -> list[str]:
    """Return values to the decimals that give the largest four digits, in powers of ten if that is long."""
    largest = max(map(abs, values))
    exponent = math.floor(math.log10(largest)) if largest else 0
    if -3 <= exponent < 7:
        return [fit_number(value, 20, max(0, 3 - exponent)) for value in values]
    return [scientific(value, 3) if value else "0" for value in values]


def _placed(
    groups: Sequence[tuple[float, Sequence[str]]], size: float, y: int, side: int
) -> list[PanelText] | None:
    """Return groups of words below a panel, each at the left (0), in the
    middle (0.5) or at the right (1) of it; `None` where they do not fit.
    """
    texts = []
    end = 0
    for align, words in groups:
        widths = [_width(word, size) for word in words]
        x = round(align * (side - sum(widths) - _BLANK * (len(words) - 1)))
        if x < end:
            return None
        for word, width in zip(words, widths, strict=True):
            texts.append(PanelText(word, x, y, size, number=_is_number(word)))
            x += width + _BLANK
        end = x
    return texts if end - _BLANK <= side else None


def _width(word: str, size: float) -> int:
    return number_width(word, False, size) if _is_number(word) else math.ceil(text_width(word, False, size))


def _is_number(word: str) -> bool:
    return word[-1:].isdigit() and word.lstrip("+-")[:1].isdigit()
