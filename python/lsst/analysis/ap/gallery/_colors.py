"""How the values of pixels became colours, so that the page can show pictures between other limits."""

__all__ = ("ColorScale", "color_scales")

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..domain import PANELS


@dataclass(frozen=True, slots=True)
class ColorScale:
    """The colours of a panel."""

    a: float
    """Where an asinh stretch turns from linear to logarithmic."""
    map: tuple[tuple[int, ...], ...]
    """Red, green and blue of each level of the colour map, each rising."""


def color_scales(settings: Mapping[str, str]) -> dict[str, ColorScale]:
    """Return the colours of each panel.

    ``settings``: how the pictures were made, from their journal. Returns: by panel. A colour map of which
    red, green or blue falls anywhere is left out: a browser's filters see each alone, and could not tell
    which level it stands for.
    """
    from matplotlib import colormaps

    image = _value(settings, "colorMap")
    difference = _value(settings, "differenceColorMap")
    if difference is None and not _value(settings, "differenceSymmetric"):
        difference = image
    a = _value(settings, "asinhA")
    found = {}
    for panel in PANELS:
        name = difference if panel == "difference" else image
        if not isinstance(name, str) or name not in colormaps or not isinstance(a, float):
            continue
        colors = (colormaps[name](np.arange(256) / 255.0)[:, :3] * 255).round().astype(int)
        if (np.diff(colors, axis=0) >= 0).all():
            found[panel] = ColorScale(a, tuple(tuple(channel) for channel in colors.T.tolist()))
    return found


def _value(settings: Mapping[str, str], name: str) -> object:
    """Return a setting; `None` where an older run did not know it."""
    try:
        return ast.literal_eval(settings.get(name, "None"))
    except (ValueError, SyntaxError):
        return None
