"""From pixel values to colours on the screen, limits and stretches as astropy.visualization has them."""

__all__ = (
    "Limits",
    "color_bar",
    "enlarged_colors",
    "interval_limits",
    "levels",
    "unstretched",
    "zscale",
)

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._layout import DIFFERENCE
from ._orientation import Grid
from ._style import PictureStyle

type Pixels = NDArray[np.floating]

LOG_A = 1000.0
"""The ``a`` of `astropy.visualization.LogStretch` by default."""

# The parameters of IRAF's zscale, and of astropy's ZScaleInterval by default.
_SAMPLES, _CONTRAST, _MAX_REJECT, _MIN_PIXELS, _REJECT_SIGMA, _ITERATIONS = 1000, 0.25, 0.5, 5, 2.5, 5


class Limits(NamedTuple):
    """The values that get the first and the last colour of a map."""

    low: float
    high: float


def interval_limits(pixels: Pixels, interval: str, percentile: float) -> Limits:
    """Return the values between which a stamp is shown.

    ``pixels``: pixel values of any shape. NaN and infinity do not count. ``interval``: ``"minmax"``,
    ``"percentile"`` or ``"zscale"``. ``percentile``: part of the pixels, in per cent, that lies between the
    limits of a percentile interval. Returns: with ``low < high`` always: a stamp without two different values
    has its value as ``low`` and one more as ``high``, one without any value 0 and 1.
    """
    low, high = float(pixels.min()), float(pixels.max())
    if not high - low < np.inf:
        pixels = pixels[np.isfinite(pixels)]
        if not pixels.size:
            return Limits(0.0, 1.0)
        low, high = float(pixels.min()), float(pixels.max())
    if interval == "zscale":
        low, high = zscale(pixels.ravel())
    elif interval == "percentile":
        outside = (100.0 - percentile) / 2
        low, high = (float(v) for v in np.percentile(pixels, (outside, 100.0 - outside)))
    if not low < high:
        high = max(low + 1.0, float(np.nextafter(low, np.inf)))
    return Limits(low, high)


def zscale(values: Pixels) -> tuple[float, float]:
    """Return the limits of IRAF's zscale algorithm.

    ``values``: finite values, at least one, in one dimension. Returns: what
    `astropy.visualization.ZScaleInterval` returns, with its default parameters, but for rounding. A line is
    fitted to the sorted values, and outliers are rejected.
    """
    stride = int(max(1.0, values.size / _SAMPLES))
    samples = np.sort(values[::stride][:_SAMPLES])
    count = samples.size
    low, high = samples[0], samples[-1]
    minimum = max(_MIN_PIXELS, int(count * _MAX_REJECT))
    if count < minimum or not low < high:
        return float(low), float(high)

    # 1, x, y, x**2 and xy as rows, with x and y about their centres.
    moments = _moments(count).copy()
    moments[2] = samples
    moments[2] -= samples[count // 2]
    np.multiply(moments[1], moments[2], out=moments[4])
    good = moments[0].copy()
    slope, bad, width = 0.0, 0, max(1, int(count * 0.01))
    for _ in range(_ITERATIONS):
        n, sum_x, sum_y, sum_xx, sum_xy = moments.dot(good).tolist()
        if n < minimum:
            break
        slope = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x)
        square = np.array(((slope * sum_x - sum_y) / n, -slope, 1.0)).dot(moments[:3])
        square *= square
        # The residuals of a fitted line have no mean.
        outside = square > _REJECT_SIGMA**2 * (float(square.dot(good)) / n)
        # Rejected samples are bytes of one long integer, whose neighbours are
        # rejected too, and theirs in every further round.
        rejected = bad | int.from_bytes(outside.tobytes(), "little")
        if rejected:
            rejected = _grown(rejected, width, count)
        if rejected == bad:
            break
        bad = rejected
        good[np.frombuffer(bad.to_bytes(count, "little"), dtype=np.bool_)] = 0.0
    if count - bad.bit_count() >= minimum:
        center = (count - 1) // 2
        # Half of the sum in the samples' own precision, as numpy.median does.
        median = (
            samples[center] if count % 2 else (samples[center] + samples[center + 1]) / samples.dtype.type(2)
        )
        reach = slope / _CONTRAST
        low = max(low, float(median) - (center - 1) * reach)
        high = min(high, float(median) + (count - center) * reach)
    return float(low), float(high)


@lru_cache(maxsize=16)
def _moments(count: int) -> Pixels:
    """Return 1, x, 0, x**2 and 0 as rows, with x about its centre."""
    x = np.arange(count) - (count - 1) / 2
    return np.stack([np.ones(count), x, np.zeros(count), x * x, np.zeros(count)])


def _grown(flags: int, width: int, count: int) -> int:
    """Return what ``numpy.convolve(flags, numpy.ones(width, bool), "same")``
    makes of flags that are the bytes of an integer.
    """
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        flags |= flags << 8 * step
        reach += step
    return (flags >> 8 * ((width - 1) // 2)) & ((1 << 8 * count) - 1)


def levels(pixels: Pixels, limits: Sequence[Limits], stretches: Sequence[str], asinh_a: float) -> Pixels:
    """Return where in a colour map each pixel lies.

    ``pixels``: pixel values of several stamps, (stamps, rows, columns). ``limits``: for each stamp the values
    that become 0 and 1. ``stretches``: for each stamp ``"asinh"``, ``"linear"``, ``"log"`` or ``"sqrt"``.
    Returns: from 0 to 1, NaN where the pixel is NaN.
    """
    bounds = np.array(limits)[:, :, np.newaxis, np.newaxis]
    result: Pixels = np.subtract(pixels, bounds[:, 0], dtype=np.float64)
    result /= bounds[:, 1] - bounds[:, 0]
    result.clip(0.0, 1.0, out=result)
    first = 0
    for stretch, group in groupby(stretches):
        last = first + len(list(group))
        _stretch(result[first:last], stretch, asinh_a)
        first = last
    return result


def _stretch(values: Pixels, stretch: str, asinh_a: float) -> None:
    """Stretch values from 0 to 1 in place, by astropy's steps."""
    if stretch == "asinh":
        values /= asinh_a
        np.arcsinh(values, out=values)
        values /= np.arcsinh(1.0 / asinh_a)
    elif stretch == "log":
        values *= LOG_A
        values += 1.0
        np.log(values, out=values)
        values /= np.log(LOG_A + 1.0)
    elif stretch == "sqrt":
        np.sqrt(values, out=values)


def unstretched(level: float, limits: Limits, stretch: str, asinh_a: float) -> float:
    """Return the pixel value that lies at a place in a colour map.

    ``level``: the place, 0 to 1. Returns: what `levels` makes ``level`` of.
    """
    match stretch:
        case "asinh":
            level = asinh_a * math.sinh(level * math.asinh(1.0 / asinh_a))
        case "log":
            level = math.expm1(level * math.log1p(LOG_A)) / LOG_A
        case "sqrt":
            level **= 2
    return limits.low + level * (limits.high - limits.low)


def enlarged_colors(
    style: PictureStyle,
    panels: Sequence[int],
    pixels: NDArray[np.floating],
    limits: Sequence[Limits],
    grid: Grid,
    *,
    has_holes: bool,
) -> NDArray[np.uint8]:
    """Return the screen lines of panels, each line that differs once.

    ``pixels``: pixel values, (panels, rows from the bottom, columns). ``limits``: for each panel the values
    between which it is shown. ``grid``: where the pixels lie. ``has_holes``: whether there are pixels without
    data. Returns: RGB as bytes one after the other, (panels, rows from the top, 3 * side): a line for each
    row of stamp pixels, or, where these are rotated, for each row of the screen. Pixels without data have any
    colour.
    """
    maps, counts = _color_maps(style, tuple(panels))
    stretches = [style.difference_stretch if p == DIFFERENCE else style.image_stretch for p in panels]
    level = levels(pixels, limits, stretches, style.asinh_a)
    if has_holes:
        level[~np.isfinite(level)] = 0.0
    # matplotlib's colour maps cut 0 to 1 in as many steps as there are colours.
    level *= counts
    numbers = level.astype(np.intp)
    if grid.matrix is None:
        numbers, factor = numbers[:, ::-1], grid.factor
    else:
        numbers, factor = grid.screen(numbers, np.intp(0)), 1
    if len(set(maps)) == 1:
        lines = _enlarged_table(maps[0], factor).take(numbers)
    else:
        lines = np.array(
            [_enlarged_table(name, factor).take(each) for name, each in zip(maps, numbers, strict=True)]
        )
    return lines.view(np.uint8)


def color_bar(style: PictureStyle, panel: int, width: int) -> NDArray[np.uint8]:
    """Return all colours of a panel beside each other.

    ``width``: screen pixels. Returns: RGB of each column, (columns, 3).
    """
    table = _color_table(_color_map(style, panel))
    return table[(2 * np.arange(width) + 1) * len(table) // (2 * width)]


def _color_map(style: PictureStyle, panel: int) -> str:
    return style.shown_difference_color_map if panel == DIFFERENCE else style.color_map


@lru_cache(maxsize=64)
def _color_table(name: str) -> NDArray[np.uint8]:
    from matplotlib import colormaps

    color_map = colormaps[name]
    table: NDArray[np.uint8] = color_map(np.arange(color_map.N), bytes=True)[:, :3]
    return np.ascontiguousarray(table)


@lru_cache(maxsize=64)
def _color_maps(style: PictureStyle, panels: tuple[int, ...]) -> tuple[list[str], NDArray[np.float32]]:
    """Return the colour maps of some panels, and how many colours each has, (panels, 1, 1)."""
    names = [_color_map(style, panel) for panel in panels]
    counts = np.array([len(_color_table(name)) for name in names], dtype=np.float32)
    return names, counts[:, np.newaxis, np.newaxis]


@lru_cache(maxsize=256)
def _enlarged_table(name: str, factor: int) -> NDArray[np.void]:
    """Return each colour repeated, as one item, and the last one once more for the upper limit itself.

    Taking a few long items is several times faster than taking each byte.
    """
    colors = _color_table(name)
    table = np.repeat(np.concatenate((colors, colors[-1:]))[:, np.newaxis], factor, axis=1)
    return table.reshape(-1).view(f"V{3 * factor}")
