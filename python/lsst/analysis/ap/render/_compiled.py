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
from ._compass import Patch, compass
from ._deflate import Segment, deflated
from ._fonts import fitting_size
from ._glyphs import Raster, number_font, word
from ._layout import DIFFERENCE, Rect
from ._marks import Mark, gauge, panel_marks
from ._overlay import overlay
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
        The stamps, one triplet for each size of the style, oriented.
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
        yield from _panels(style, template, n, triplet, limits[n], row)
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
    style: PictureStyle,
    template: Template,
    n: int,
    triplet: Triplet,
    limits: Sequence[Limits],
    row: Mapping[str, Any] | None,
) -> Iterator[Segment]:
    """Yield a row of panels."""
    panels, code = template.layout.panels[n], template.panel_codes[n]
    stamps = [triplet.stamps[panel] for panel in template.shown]
    size, top = stamps[0].box.height, panels[0].y
    factor = style.enlargement(size)
    pixels = np.array([stamp.array[::-1] for stamp in stamps])
    missing = None if np.isfinite(pixels).all() else ~np.isfinite(pixels)
    numbers = color_numbers(style, template, pixels, missing, limits)

    covers: list[NDArray[np.uint8] | None] = [None] * len(panels)
    # Rows of stamp pixels in which not all screen lines are alike.
    split = np.full(size, code is None)
    if missing is not None or style.mask_planes:
        for index, stamp in enumerate(stamps):
            cover = covers[index] = overlay(style, stamp, factor)
            if cover is not None:
                split |= cover[:, :, 3].reshape(size, -1).any(axis=1)
    marks = [mark for panel in panels for mark in panel_marks(style, triplet, row, panel)]
    found = [compass(triplet.sky_jacobian, panel) for panel in panels] if style.compass else []
    patches = [patch for patch in found if patch is not None]
    covered = [mark.rect for mark in marks] + [patch.rect for patch in patches]
    for y, height in {(rect.y, rect.height) for rect in covered}:
        first, last = y - top, y + height - 1 - top
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
        offset = top + first * factor
        for panel, cover in zip(panels, covers, strict=True):
            if cover is not None:
                _cover(lines, panel, cover[first * factor : last * factor])
        for mark in marks:
            _paint_mark(lines, mark, offset)
        for patch in patches:
            _paint_patch(lines, patch, offset)
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
        Pixel values, (panels shown, rows, columns).
    missing : `numpy.ndarray` or `None`
        Pixels without data; they get any colour.
    limits : `~collections.abc.Sequence` [`Limits`]
        Limits of all three panels.

    Returns
    -------
    numbers : `numpy.ndarray`
        Indices into ``template.colors``, of the same shape as ``pixels``.
    """
    stretches = [style.difference_stretch if p == DIFFERENCE else style.image_stretch for p in template.shown]
    level = levels(pixels, [limits[panel] for panel in template.shown], stretches, style.asinh_a)
    if missing is not None:
        level[missing] = 0.0
    level *= template.counts
    # The upper limit itself has the last colour.
    np.minimum(level, template.counts - 1, out=level)
    numbers = level.astype(np.intp)
    if template.offsets.any():
        numbers += template.offsets
    return numbers


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int, bool]]:
    """Yield first, last plus one and value of each run of equal flags."""
    first = 0
    for last in (*(np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist(), len(flags)):
        yield first, last, bool(flags[first])
        first = last


def _cover(scanlines: Scanlines, panel: Rect, cover: NDArray[np.uint8]) -> None:
    """Paint the opaque pixels of an overlay."""
    where = cover[:, :, 3] != 0
    start = 1 + 3 * panel.x
    part = scanlines[:, start : start + 3 * panel.width].reshape(*where.shape, 3)
    part[where] = cover[where, :3]
    scanlines[:, start : start + 3 * panel.width] = part.reshape(len(scanlines), -1)


def _paint_mark(scanlines: Scanlines, mark: Mark, offset: int = 0) -> None:
    """Fill a rectangle; ``offset`` is the number of the first scanline."""
    rect = mark.rect
    top, start = rect.y - offset, 1 + 3 * rect.x
    lines = scanlines[max(0, top) : max(0, top + rect.height)]
    lines[:, start : start + 3 * rect.width] = _line(mark.color, rect.width)


def _paint_patch(scanlines: Scanlines, patch: Patch, offset: int) -> None:
    """Paint a small picture, or those of its lines that are here."""
    rect = patch.rect
    top, start = rect.y - offset, 1 + 3 * rect.x
    lines = scanlines[max(0, top) : max(0, top + rect.height)]
    image = patch.image.reshape(rect.height, -1)[max(0, -top) :]
    lines[:, start : start + 3 * rect.width] = image[: len(lines)]


@lru_cache(maxsize=1024)
def _line(color: RGB, width: int) -> NDArray[np.uint8]:
    """Return a line of one colour."""
    return np.tile(np.array(color, dtype=np.uint8), width)


@lru_cache(maxsize=8192)
def _word(text: str, color: RGB, bold: bool, width: int, background: RGB) -> Raster | None:
    """Return the raster of a text that fits its place."""
    text, size = fitting_size(text, bold, width)
    return word(text, color, bold, size, background)
