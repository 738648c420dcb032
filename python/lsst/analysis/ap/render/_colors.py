"""Colours of text that can be read, by the contrast rule of WCAG 2."""

__all__ = ("MINIMUM_CONTRAST", "Ink", "contrast", "inks", "readable")

import colorsys
from dataclasses import dataclass
from functools import cache

type RGB = tuple[int, int, int]

MINIMUM_CONTRAST = 4.5
"""Contrast that WCAG 2.2 asks of ordinary text at level AA (criterion 1.4.3)."""

_NAMED: dict[str, RGB] = {
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "chocolate": (210, 105, 30),
    "darkcyan": (0, 139, 139),
    "goldenrod": (218, 165, 32),
    "gray": (128, 128, 128),
    "green": (0, 128, 0),
    "indigo": (75, 0, 130),
    "magenta": (255, 0, 255),
    "orange": (255, 165, 0),
    "red": (255, 0, 0),
    "steelblue": (0, 96, 176),
    "vermilion": (190, 70, 0),
    "white": (255, 255, 255),
}

_BACKGROUNDS: dict[str, tuple[RGB, RGB]] = {
    "light": ((255, 255, 255), (0, 0, 0)),
    "dark": ((18, 18, 18), (240, 240, 240)),
}


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours of everything written on one background."""

    background: RGB
    """Colour of the paper."""
    text: RGB
    """Values and titles."""
    label: RGB
    """Labels of values."""
    warning: RGB
    """Labels of measurements with a flag."""
    likely: RGB
    """Reliability of one half and more: blue."""
    unlikely: RGB
    """Reliability below one half: vermilion. Blue and vermilion stay apart
    in every common form of colour blindness (Okabe & Ito 2008)."""
    rail: RGB
    """Empty part of the reliability gauge."""

    def flag(self, color: str) -> RGB:
        """Return a named colour, darker or lighter where it could not be read here."""
        return readable(_NAMED[color], self.background)


def _luminance(color: RGB) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: RGB, second: RGB) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it.

    ``first``, ``second``: sRGB colours, 0 to 255. Returns: between 1 and 21.
    """
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@cache
def readable(color: RGB, background: RGB) -> RGB:
    """Return the nearest colour of the same hue that can be read.

    ``color``: wanted colour, sRGB, 0 to 255. Returns: ``color`` itself where its contrast is
    `MINIMUM_CONTRAST` or more, otherwise its hue darker (on a light background) or lighter.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*(v / 255 for v in color))
    step = -0.005 if _luminance(background) > 0.18 else 0.005
    while contrast(color, background) < MINIMUM_CONTRAST:
        lightness = min(1.0, max(0.0, lightness + step))
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
        color = (round(255 * red), round(255 * green), round(255 * blue))
    return color


@cache
def inks(background: str) -> Ink:
    """Return the colours for a kind of background.

    ``background``: ``"light"`` or ``"dark"``.
    """
    paper, text = _BACKGROUNDS[background]

    def on_paper(name: str) -> RGB:
        return readable(_NAMED[name], paper)

    middle = 215 if background == "light" else 70
    return Ink(
        background=paper,
        text=text,
        label=on_paper("gray"),
        warning=on_paper("red"),
        likely=on_paper("steelblue"),
        unlikely=on_paper("vermilion"),
        rail=(middle, middle, middle),
    )
