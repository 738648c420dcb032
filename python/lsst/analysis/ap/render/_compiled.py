"""Pictures from their template: what `draw_figure` draws, without drawing."""

__all__ = ("compose",)

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._annotation import TextItem, annotation, reliability
from ._fonts import TEXT_SIZE, fitting_size
from ._glyphs import number_font, word
from ._layout import Rect
from ._marks import Mark, gauge, hatch, scale_bar
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
) -> Scanlines:
    """Put a picture together.

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

    Returns
    -------
    scanlines : `numpy.ndarray`
        Filtered lines of a PNG file.
    """
    scanlines = template.scanlines.copy()
    if style.add_metadata and row:
        _write_annotation(scanlines, template, row)
    for n, triplet in enumerate(triplets):
        _paint_panels(scanlines, style, template, triplet, limits[n], template.layout.panels[n])
    return scanlines


def _write_annotation(scanlines: Scanlines, template: Template, row: Mapping[str, Any]) -> None:
    where, ink = template.layout, template.ink
    score = reliability(row)
    if score is not None:
        for mark in gauge(where, ink, score):
            _paint_mark(scanlines, mark)
    for item in annotation(row, ink):
        _write(scanlines, item, where.header_x, where.baselines[item.line], ink.background)


def _write(
    scanlines: Scanlines, item: TextItem, header_x: int, baseline: int, background: tuple[int, int, int]
) -> None:
    x = header_x + item.x
    text, size = item.text, TEXT_SIZE
    if item.number:
        font = number_font(item.color, item.bold, background)
        if item.right:
            x -= font.width(text)
        if font.usable:
            font.write(scanlines, text, 1 + 3 * x, baseline)
            return
    else:
        text, size = fitting_size(text, item.bold, item.width)
    raster = word(text, item.color, item.bold, size, background)
    if raster is not None:
        height, width = raster.pixels.shape
        top, start = baseline + raster.y, 1 + 3 * (x + raster.x)
        scanlines[top : top + height, start : start + width] = raster.pixels


def _paint_panels(
    scanlines: Scanlines,
    style: PictureStyle,
    template: Template,
    triplet: Triplet,
    limits: Sequence[Limits],
    panels: Sequence[Rect],
) -> None:
    """Paint three panels side by side."""
    size = triplet.science.box.height
    factor = style.enlargement(size)
    top, side = panels[0].y, panels[0].height
    marks = [mark for panel in panels for mark in scale_bar(panel, factor / triplet.pixel_scale)]
    split = np.zeros(size, dtype=bool)
    for mark in marks:
        split[(mark.rect.y - top) // factor : (mark.rect.y + mark.rect.height - 1 - top) // factor + 1] = True

    painted = []
    for index, (stamp, limit, panel) in enumerate(zip(triplet.stamps, limits, panels, strict=True)):
        pixels = stamp.array[::-1]
        stretch = style.difference_stretch if index == 2 else style.image_stretch
        table = template.color_tables[index == 2]
        level = levels(pixels, limit, stretch, style.asinh_a)
        missing = None
        if not np.isfinite(level.sum()) or not np.isfinite(pixels).all():
            missing = ~np.isfinite(pixels)
            level[missing] = 0.0
            split |= missing.any(axis=1)
        level *= len(table)
        choice = level.astype(np.intp)
        np.minimum(choice, len(table) - 1, out=choice)
        colors = table[choice.ravel()].reshape(size, size, 3).repeat(factor, axis=1).reshape(size, -1)
        start = 1 + 3 * panel.x
        scanlines[top : top + side : factor, start : start + 3 * side] = colors
        painted.append((panel, colors, missing))

    for first, last in _runs(split):
        lines = scanlines[top + first * factor : top + last * factor]
        lines[:] = template.empty_line
        for panel, colors, missing in painted:
            start = 1 + 3 * panel.x
            block = colors[first:last].repeat(factor, axis=0)
            if missing is not None and missing[first:last].any():
                where = missing[first:last].repeat(factor, axis=0).repeat(factor, axis=1)
                stripes = hatch(panel)[first * factor : last * factor]
                block.reshape(*where.shape, 3)[where] = stripes[where]
            lines[:, start : start + 3 * side] = block
    for mark in marks:
        _paint_mark(scanlines, mark)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last plus one of each run of true flags."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _paint_mark(scanlines: Scanlines, mark: Mark) -> None:
    rect = mark.rect
    start = 1 + 3 * rect.x
    lines = scanlines[rect.y : rect.y + rect.height, start : start + 3 * rect.width]
    lines[:] = np.tile(np.array(mark.color, dtype=np.uint8), rect.width)
