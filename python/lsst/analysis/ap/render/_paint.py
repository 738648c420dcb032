"""Pictures as arrays: what `draw_figure` draws, without matplotlib's drawing."""

__all__ = ("paint",)

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._annotation import TextItem, annotation, labels, reliability
from ._colors import RGB, inks
from ._compass import compass
from ._fonts import TITLE_SIZE, fitting_size
from ._glyphs import Raster, number_font, word
from ._layout import PANEL_NAMES, TITLE_OVERHANG, Rect, layout
from ._marks import Mark, gauge, panel_marks
from ._overlay import overlay
from ._pixels import enlarged_colors
from ._png import Sheet
from ._stretch import Limits
from ._style import PictureStyle

type Image = NDArray[np.uint8]


def paint(
    style: PictureStyle,
    shown: tuple[int, ...],
    triplets: Sequence[Triplet],
    limits: Sequence[Sequence[Limits]],
    row: Mapping[str, Any] | None,
) -> Sheet:
    """Return a picture.

    Parameters
    ----------
    style : `PictureStyle`
        The style.
    shown : `tuple` [`int`]
        Numbers of the panels in it.
    triplets : `~collections.abc.Sequence` [`~lsst.analysis.ap.domain.Triplet`]
        The stamps, one triplet for each size of the style, oriented.
    limits : `~collections.abc.Sequence`
        For each triplet the limits of its three panels.
    row : `~collections.abc.Mapping` or `None`
        The source's values by APDB column name.

    Returns
    -------
    sheet : `Sheet`
        The picture.
    """
    where = layout(style, shown)
    sheet = _empty_picture(style, shown).copy()
    image = sheet.image
    if style.add_metadata and row:
        ink = inks(style.background)
        if (score := reliability(row)) is not None:
            for mark in gauge(where, ink, score):
                _paint_mark(sheet, mark)
        for item in annotation(row, ink):
            _write(image, item, where.header_x, where.baselines[item.line], ink.background)
    for triplet, its_limits, rects in zip(triplets, limits, where.panels, strict=True):
        _paint_panels(sheet, style, shown, rects, triplet, its_limits, row)
    return sheet


@lru_cache(maxsize=8)
def _empty_picture(style: PictureStyle, shown: tuple[int, ...]) -> Sheet:
    """Return what all pictures of a style have in common; not to be changed."""
    where, ink = layout(style, shown), inks(style.background)
    sheet = Sheet.empty(where.height, where.width)
    image = sheet.image
    image[:] = _line(ink.background, where.width)
    for panel, rect in zip(shown, where.panels[0], strict=True):
        title, size = fitting_size(PANEL_NAMES[panel], False, rect.width + TITLE_OVERHANG, TITLE_SIZE)
        raster = word(title, ink.text, False, size, ink.background, "center")
        _paint_raster(image, raster, rect.x + rect.width // 2, where.title_baseline)
    if style.add_metadata:
        for item in labels(ink):
            _write(image, item, where.header_x, where.baselines[item.line], ink.background)
    return sheet


def _write(image: Image, item: TextItem, header_x: int, baseline: int, background: RGB) -> None:
    text, _, x, width, color, bold, right, is_number = item
    x += header_x
    if is_number:
        font = number_font(color, bold, background)
        if right:
            x -= font.width(text)
        if font.usable:
            font.write(image, text, x, baseline)
            return
    _paint_raster(image, _fitting_word(text, color, bold, width, background), x, baseline)


@lru_cache(maxsize=8192)
def _fitting_word(text: str, color: RGB, bold: bool, width: int, background: RGB) -> Raster | None:
    """Return the raster of a text that fits its place."""
    text, size = fitting_size(text, bold, width)
    return word(text, color, bold, size, background)


def _paint_panels(
    sheet: Sheet,
    style: PictureStyle,
    shown: Sequence[int],
    rects: Sequence[Rect],
    triplet: Triplet,
    limits: Sequence[Limits],
    row: Mapping[str, Any] | None,
) -> None:
    """Paint a row of panels."""
    image = sheet.image
    stamps = [triplet.stamps[panel] for panel in shown]
    factor = style.enlargement(stamps[0].box.width)
    pixels = np.array([stamp.array[::-1] for stamp in stamps])
    lines = enlarged_colors(style, shown, pixels, [limits[panel] for panel in shown], factor)
    for rect, each in zip(rects, lines, strict=True):
        # Stamp rows, the screen lines of each, columns and colours.
        rows = image[rect.slices].reshape(len(each), factor, rect.width, 3)
        rows[:] = each.reshape(len(each), 1, rect.width, 3)
    repeats = sheet.repeats[rects[0].slices[0]]
    repeats.reshape(-1, factor)[:, 1:] = True

    has_holes = style.mask_planes or not np.isfinite(pixels).all()
    for rect, stamp in zip(rects, stamps, strict=True):
        if has_holes and (cover := overlay(style, stamp, factor)) is not None:
            opaque = cover[:, :, 3] != 0
            image[rect.slices][opaque] = cover[opaque, :3]
            covered = opaque.any(axis=1)
            repeats[covered] = False
            repeats[1:][covered[:-1]] = False
        for mark in panel_marks(style, triplet, row, rect):
            _paint_mark(sheet, mark)
        if style.compass and (patch := compass(triplet.sky_jacobian, rect)) is not None:
            image[patch.rect.slices] = patch.image
            sheet.repeats[patch.rect.y : patch.rect.y + patch.rect.height + 1] = False


def _paint_mark(sheet: Sheet, mark: Mark) -> None:
    x, y, width, height = mark.rect
    sheet.image[y : y + height, x : x + width] = _line(mark.color, width)
    sheet.repeats[y : y + height + 1] = False


def _paint_raster(image: Image, raster: Raster | None, x: int, baseline: int) -> None:
    if raster is not None:
        height, width, _ = raster.pixels.shape
        x, y = x + raster.x, baseline + raster.y
        image[y : y + height, x : x + width] = raster.pixels


@lru_cache(maxsize=1024)
def _line(color: RGB, width: int) -> Image:
    """Return a line of one colour, which is copied faster than a single colour is repeated."""
    return np.tile(np.array(color, dtype=np.uint8), (width, 1))
