"""Pictures from their template: what `draw_figure` draws, without drawing."""

__all__ = ("compose",)

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._annotation import TextItem, annotation, reliability
from ._colors import RGB
from ._deflate import Segment, deflated
from ._fonts import fitting_size
from ._glyphs import Raster, number_font, word
from ._layout import Rect
from ._marks import Mark, gauge, hatch, scale_bar, screen_pixels_per_arcsecond
from ._stretch import Limits, levels
from ._style import PictureStyle
from ._template import Template

type Scanlines = NDArray[np.uint8]


def compose(
    style: PictureStyle,
    template: Template,
    triplets: Sequence[Triplet],
    limits: Sequence[Sequence[Limits]],
    row: Mapping[str, Any] | None,
) -> Iterator[Segment]:
    """Yield a picture from top to bottom.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    template : `Template`
        Made for it.
    triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
        The stamps, one triplet for each size of the style.
    limits : `~collections.abc.Sequence`
        For each triplet the limits of its three panels.
    row : `~collections.abc.Mapping` or `None`
        The source's values by APDB column name.

    Yields
    ------
    segment : `Segment`
        Filtered and compressed lines of a PNG file.
    """
    if style.add_metadata:
        lines = template.text_lines
        if row:
            lines = lines.copy()
            _write_annotation(lines, template, row)
        yield deflated(lines)
    yield template.fixed[0]
    for n, triplet in enumerate(triplets):
        yield from _panels(style, template, n, triplet, limits[n])
        yield template.fixed[n + 1]


def _write_annotation(scanlines: Scanlines, template: Template, row: Mapping[str, Any]) -> None:
    where, ink = template.layout, template.ink
    score = reliability(row)
    if score is not None:
        for mark in gauge(where, ink, score):
            _paint_mark(scanlines, mark)
    for item in annotation(row, ink):
        _write(scanlines, item, where.header_x, where.baselines[item.line], ink.background)


def _write(scanlines: Scanlines, item: TextItem, header_x: int, baseline: int, background: RGB) -> None:
    text, _, x, width, color, bold, right, is_number = item
    x += header_x
    if is_number:
        font = number_font(color, bold, background)
        if right:
            x -= font.width(text)
        if font.usable:
            font.write(scanlines, text, 1 + 3 * x, baseline)
            return
    raster = _word(text, color, bold, width, background)
    if raster is not None:
        pixels, left, top = raster
        top += baseline
        start = 1 + 3 * (x + left)
        scanlines[top : top + len(pixels), start : start + pixels.shape[1]] = pixels


def _panels(
    style: PictureStyle, template: Template, n: int, triplet: Triplet, limits: Sequence[Limits]
) -> Iterator[Segment]:
    """Yield a row of three panels."""
    panels, code = template.layout.panels[n], template.panel_codes[n]
    size, top = triplet.science.box.height, panels[0].y
    factor = style.enlargement(size)
    pixels = np.array([stamp.array[::-1] for stamp in triplet.stamps])
    finite = np.isfinite(pixels)
    missing = None if finite.all() else ~finite
    numbers = color_numbers(style, template, pixels, missing, limits)

    arcsecond = screen_pixels_per_arcsecond(triplet.sky_jacobian, factor)
    marks = [mark for panel in panels for mark in scale_bar(panel, arcsecond)]
    # Rows of stamp pixels in which not all screen lines are alike.
    split = np.zeros(size, dtype=bool) if missing is None else missing.any(axis=(0, 2))
    if code is None:
        split[:] = True
    for mark in marks:
        first, last = mark.rect.y - top, mark.rect.y + mark.rect.height - 1 - top
        split[first // factor : last // factor + 1] = True

    for first, last, is_split in _runs(split):
        if code is not None and not is_split:
            yield code.segment(numbers[:, first:last])
            continue
        rows = np.empty((last - first, factor, template.empty_line.size), dtype=np.uint8)
        rows[:] = template.empty_line
        blocks = template.colors.take(numbers[:, first:last].repeat(factor, axis=2), axis=0)
        for panel, block in zip(panels, blocks, strict=True):
            start = 1 + 3 * panel.x
            rows[:, :, start : start + 3 * panel.width] = block.reshape(last - first, 1, -1)
        lines = rows.reshape(-1, template.empty_line.size)
        if missing is not None:
            for panel, absent in zip(panels, missing[:, first:last], strict=True):
                _stripe(lines, panel, absent, factor, first * factor)
        offset = top + first * factor
        for mark in marks:
            if first * factor <= mark.rect.y - top < last * factor:
                _paint_mark(lines, mark, offset)
        # Most lines differ little from the one above: PNG's Up filter.
        lines[1:] -= lines[:-1].copy()
        lines[1:, 0] = 2
        yield deflated(lines)


def color_numbers(
    style: PictureStyle,
    template: Template,
    pixels: NDArray[np.floating],
    missing: NDArray[np.bool_] | None,
    limits: Sequence[Limits],
) -> NDArray[np.intp]:
    """Return which colour each stamp pixel has.

    Parameters
    ----------
    style, template
        See `compose`.
    pixels : `numpy.ndarray`
        Pixel values, (panels, rows, columns).
    missing : `numpy.ndarray` or `None`
        Pixels without data; they get any colour.
    limits : `~collections.abc.Sequence` [`Limits`]
        Limits of each panel.

    Returns
    -------
    numbers : `numpy.ndarray`
        Indices into ``template.colors``, of the same shape.
    """
    level = np.empty(pixels.shape)
    level[:2] = levels(pixels[:2], limits[:2], style.image_stretch, style.asinh_a)
    level[2:] = levels(pixels[2:], limits[2:], style.difference_stretch, style.asinh_a)
    if missing is not None:
        level[missing] = 0.0
    for index, count in enumerate(template.counts):
        level[index] *= count
    numbers = level.astype(np.intp)
    for index, (count, offset) in enumerate(zip(template.counts, template.offsets, strict=True)):
        # The upper limit itself has the last colour.
        np.minimum(numbers[index], count - 1, out=numbers[index])
        if offset:
            numbers[index] += offset
    return numbers


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int, bool]]:
    """Yield first, last plus one and value of each run of equal flags."""
    first = 0
    for last in (*(np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist(), len(flags)):
        yield first, last, bool(flags[first])
        first = last


def _stripe(scanlines: Scanlines, panel: Rect, missing: NDArray[np.bool_], factor: int, first: int) -> None:
    """Paint stripes where a panel has no data; ``first`` is the number of
    the first scanline in the panel.
    """
    if missing.any():
        where = missing.repeat(factor, axis=0).repeat(factor, axis=1)
        start = 1 + 3 * panel.x
        part = scanlines[:, start : start + 3 * panel.width].reshape(*where.shape, 3)
        part[where] = hatch(panel.width, panel.height)[first : first + len(scanlines)][where]
        scanlines[:, start : start + 3 * panel.width] = part.reshape(len(scanlines), -1)


def _paint_mark(scanlines: Scanlines, mark: Mark, offset: int = 0) -> None:
    """Fill a rectangle; ``offset`` is the number of the first scanline."""
    rect = mark.rect
    top, start = rect.y - offset, 1 + 3 * rect.x
    scanlines[top : top + rect.height, start : start + 3 * rect.width] = _line(mark.color, rect.width)


@lru_cache(maxsize=1024)
def _line(color: RGB, width: int) -> NDArray[np.uint8]:
    """Return a line of one colour."""
    return np.tile(np.array(color, dtype=np.uint8), width)


@lru_cache(maxsize=8192)
def _word(text: str, color: RGB, bold: bool, width: int, background: RGB) -> Raster | None:
    """Return the raster of a text that fits its place."""
    text, size = fitting_size(text, bold, width)
    return word(text, color, bold, size, background)
