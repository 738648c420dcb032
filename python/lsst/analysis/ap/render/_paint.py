"""Pictures as arrays: what `draw_figure` draws, without matplotlib's drawing."""

__all__ = ("new_sheet", "paint", "paint_mark", "paint_panels", "paint_text")

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._annotation import TextItem, annotation, labels, reliability
from ._captions import PanelText, captions, message, title
from ._colors import RGB, inks
from ._decorations import Cover, Decoration, decorations, first_decorations
from ._fonts import fitting_size, text_size
from ._glyphs import Raster, number_font, word
from ._layout import Layout, Rect, layout
from ._limits import PanelLimits
from ._marks import Bar, Drawing, Mark, gauge
from ._orientation import View
from ._overlay import overlay
from ._pixels import color_bar, enlarged_colors
from ._png import Sheet
from ._shapes import on_paper, rasterized
from ._style import PictureStyle

type Image = NDArray[np.uint8]


@contextmanager
def paint(
    style: PictureStyle,
    shown: tuple[int, ...],
    views: Sequence[View],
    limits: Sequence[PanelLimits],
    row: Mapping[str, Any] | None,
) -> Iterator[Sheet]:
    """Lend a picture, whose memory is used again for the next one.

    ``views``: the stamps as they are shown, one view for each size of the style. ``limits``: for each view
    the limits of its three panels. ``row``: the source's values by APDB column name.
    """
    where, ink = layout(style, shown), inks(style.background)
    blank = _blank_picture(style, shown, bool(views[0].triplet.template_source))
    try:
        sheet = blank.spare.pop()
        for lines in blank.written:
            sheet.repaint(blank.sheet, lines)
    except IndexError:
        sheet = blank.sheet.copy()
    if style.add_metadata and row:
        if (score := reliability(row)) is not None:
            for mark in gauge(where, ink, score):
                paint_mark(sheet, mark, Rect(0, 0, where.width, where.height))
        for item in annotation(row, ink):
            _write(sheet.image, item, where, ink.background)
    for view, its_limits, rects in zip(views, limits, where.panels, strict=True):
        paint_panels(sheet, style, shown, rects, where, view, its_limits, row)
    yield sheet
    blank.spare.append(sheet)


class _Blank(NamedTuple):
    """What all pictures of a style have in common."""

    sheet: Sheet
    """The picture without a source, not to be changed."""
    written: tuple[slice, ...]
    """Lines outside of the panels where pictures have texts of their own; panels are painted over."""
    spare: list[Sheet]
    """Pictures that nobody needs any more. To get half a megabyte from the system and give it back can take
    longer than to paint on it."""


@lru_cache(maxsize=8)
def _blank_picture(style: PictureStyle, shown: tuple[int, ...], is_warped: bool) -> _Blank:
    where, ink = layout(style, shown), inks(style.background)
    sheet = new_sheet(where.height, where.width, ink.background)
    if style.add_metadata:
        for item in labels(ink):
            _write(sheet.image, item, where, ink.background)
    if style.orientation != "true-north":
        for (first, *_), size in zip(where.panels, style.sizes, strict=True):
            sheet.fold(first.y, first.height, first.height // size)
    for panel, rect in zip(shown, where.panels[0], strict=True):
        text = title(panel, rect.width, where, is_warped=is_warped)
        paint_text(sheet, text, rect, ink.text, ink.background)
    tops = [first.y for first, *_ in where.panels]
    bottoms = [first.y + first.height for first, *_ in where.panels]
    has_texts = where.baselines or where.caption_space
    written = map(slice, [0, *bottoms], [*tops, where.height]) if has_texts else ()
    return _Blank(sheet, tuple(written), [])


def new_sheet(height: int, width: int, color: RGB) -> Sheet:
    """Return a picture of one colour.

    ``height``, ``width``: screen pixels.
    """
    sheet = Sheet.empty(height, width)
    sheet.image[:] = _line(color, width)
    return sheet


def paint_panels(
    sheet: Sheet,
    style: PictureStyle,
    shown: Sequence[int],
    rects: Sequence[Rect],
    where: Layout,
    view: View,
    limits: PanelLimits,
    row: Mapping[str, Any] | None,
) -> None:
    """Paint a row of panels, and what is said below each.

    ``where``: how large text is and where it stands. ``view``: the stamps as they are shown. ``row``: the
    source's values by APDB column name.
    """
    ink = inks(style.background)
    stamps = [view.triplet.stamps[panel] for panel in shown]
    filled = [
        (panel, rect, stamp.array, bounds)
        for panel, rect, stamp in zip(shown, rects, stamps, strict=True)
        if stamp is not None and (bounds := limits[panel]) is not None
    ]
    pixels = np.array([array for _, _, array, _ in filled])
    has_holes = not np.isfinite(pixels).all()
    if filled:
        panels, places, _, all_bounds = zip(*filled, strict=True)
        lines = enlarged_colors(style, panels, pixels, all_bounds, view.grid, has_holes=has_holes)
        top, height = rects[0].y, rects[0].height
        factor = height // lines.shape[1]
        sheet.fold(top, height, factor)
        for rect, each in zip(places, lines, strict=True):
            sheet.lines[top : top + height : factor, 1 + 3 * rect.x : 1 + 3 * (rect.x + rect.width)] = each
    has_cover = style.mask_planes or view.grid.matrix is not None or has_holes
    for panel, rect, stamp in zip(shown, rects, stamps, strict=True):
        if stamp is None or (bounds := limits[panel]) is None:
            paint_mark(sheet, Mark(Rect(0, 0, rect.width, rect.height), ink.rail), rect)
            for text in message(rect.width, where):
                paint_text(sheet, text, rect, ink.text, ink.rail)
            continue
        if has_cover and (cover := overlay(style, stamp, view.grid)) is not None:
            _paint_cover(sheet, Cover(cover), rect)
        if where.caption_space:
            for text in captions(style, stamp, panel, bounds, rect.width, where):
                paint_text(sheet, text, rect, ink.text, ink.background)
        if style.color_bar:
            top = rect.y + rect.height + where.bar_space
            bar = color_bar(style, panel, rect.width)
            sheet.image[top : top + where.bar_height, rect.x : rect.x + rect.width] = bar
    if not filled:
        return
    for decoration in decorations(style, view, rects[0].width, where.scale, row):
        _paint_decoration(sheet, decoration, places)
    if style.compass and places[0] is rects[0]:
        for decoration in first_decorations(style, view):
            _paint_decoration(sheet, decoration, places[:1])


def _paint_decoration(sheet: Sheet, decoration: Decoration, panels: Sequence[Rect]) -> None:
    """Paint the same in some panels."""
    if isinstance(decoration, Bar):
        x, y, width, height = decoration.rect
        image = _bar_image(decoration)
        for panel in panels:
            left, top = panel.x + x, panel.y + y
            sheet.unfold(top, top + height)
            sheet.image[top : top + height, left : left + width] = image
        return
    for panel in panels:
        if isinstance(decoration, Mark):
            paint_mark(sheet, decoration, panel)
        elif isinstance(decoration, Cover):
            _paint_cover(sheet, decoration, panel)
        else:
            _paint_drawing(sheet, decoration, panel)


def paint_mark(sheet: Sheet, mark: Mark, panel: Rect) -> None:
    """Fill a rectangle.

    ``panel``: from whose upper left corner it is counted.
    """
    x, y, width, height = mark.rect
    x, y = x + panel.x, y + panel.y
    sheet.unfold(y, y + height)
    sheet.image[y : y + height, x : x + width] = _line(mark.color, width)


def _paint_cover(sheet: Sheet, cover: Cover, panel: Rect) -> None:
    opaque = cover.image[:, :, 3] != 0
    painted = np.flatnonzero(opaque.any(axis=1)) + panel.y
    for run in np.split(painted, np.flatnonzero(np.diff(painted) > 1) + 1) if painted.size else ():
        sheet.unfold(int(run[0]), int(run[-1]) + 1)
    part = sheet.image[panel.slices]
    for band in range(3):  # each by itself, which takes an eighth of the time
        np.copyto(part[:, :, band], cover.image[:, :, band], where=opaque)


def _paint_drawing(sheet: Sheet, drawing: Drawing, panel: Rect) -> None:
    raster = rasterized(drawing.shape)
    x, y = panel.x + drawing.x + raster.x, panel.y + drawing.y + raster.y
    height, width = raster.layers[0][1].shape
    sheet.unfold(y, y + height)
    part = sheet.image[y : y + height, x : x + width]
    if drawing.paper is None:
        raster.mix(part)
    else:
        part[:] = on_paper(drawing.shape, drawing.paper)


def _write(image: Image, item: TextItem, where: Layout, paper: RGB) -> None:
    """Write into the text rows."""
    text, line, x, width, color, bold, right, is_number = item
    x, baseline = where.header_x + where.scaled(x), where.baselines[line]
    size = text_size(where.scale)
    if is_number:
        font = number_font(color, bold, size, paper)
        if right:
            x -= font.width(text)
        if font.usable:
            font.write(image, text, x, baseline)
            return
    _paint_raster(image, _fitting_word(text, color, bold, where.scaled(width), size, paper), x, baseline)


@lru_cache(maxsize=8192)
def _fitting_word(text: str, color: RGB, bold: bool, width: int, size: float, paper: RGB) -> Raster | None:
    """Return the raster of a text that fits its place."""
    text, size = fitting_size(text, bold, width, size)
    return word(text, color, bold, size, paper)


def paint_text(sheet: Sheet, text: PanelText, panel: Rect, color: RGB, paper: RGB) -> None:
    """Write in or about a panel.

    ``color``, ``paper``: colour of the text and of what lies below it.
    """
    x, baseline = panel.x + text.x, panel.y + text.y
    if text.number and (font := number_font(color, False, text.size, paper)).usable:
        font.write(sheet.image, text.text, x, baseline)
        return
    raster = word(text.text, color, False, text.size, paper, "center" if text.centered else "left")
    if raster is not None:
        sheet.unfold(baseline + raster.y, baseline + raster.y + len(raster.pixels))
    _paint_raster(sheet.image, raster, x, baseline)


def _paint_raster(image: Image, raster: Raster | None, x: int, baseline: int) -> None:
    if raster is None:
        return
    height, width, _ = raster.pixels.shape
    x, y = x + raster.x, baseline + raster.y
    # What would lie off the picture is cut off, as matplotlib does it.
    left, right = max(0, -x), min(width, image.shape[1] - x)
    image[y : y + height, x + left : x + right] = raster.pixels[:, left:right]


@lru_cache(maxsize=256)
def _bar_image(bar: Bar) -> Image:
    """Return the pixels of a bar."""
    sheet = Sheet.empty(bar.rect.height, bar.rect.width)
    for part in bar.parts:
        _paint_decoration(sheet, part, [Rect(-bar.rect.x, -bar.rect.y, bar.rect.width, bar.rect.height)])
    return sheet.pixels()


@lru_cache(maxsize=1024)
def _line(color: RGB, width: int) -> Image:
    """Return a line of one colour, which is copied faster than a single colour is repeated."""
    return np.tile(np.array(color, dtype=np.uint8), (width, 1))
