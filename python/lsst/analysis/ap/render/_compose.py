"""Pictures of several sources, images or epochs, put together from panels."""

__all__ = ("encode_png", "grid_image", "panels_image")

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain import Triplet
from ._captions import PanelText, title
from ._colors import inks
from ._fonts import fitting_size, text_size
from ._layout import ALL_PANELS, LINE_HEIGHT, Rect, layout, scaled_length
from ._limits import PanelLimits, check_sizes, panel_limits
from ._orientation import view
from ._paint import new_sheet, paint_panels, paint_text
from ._png import Sheet, png_file
from ._style import PictureStyle

type Image = NDArray[np.uint8]

_MARGIN, _GAP, _TITLE_SPACE = 10, 14, 32
_CAPTION_DESCENT = 6


def panels_image(
    style: PictureStyle,
    triplet: Triplet,
    row: Mapping[str, Any] | None = None,
    *,
    limits: PanelLimits | None = None,
    panels: Sequence[int] = ALL_PANELS,
    titles: bool = True,
) -> Image:
    """Return the panels of a triplet beside each other.

    Parameters
    ----------
    style : `PictureStyle`
        How they look. Its text rows are not drawn; where it has any, the limits stand below the panels.
    triplet : `~lsst.analysis.ap.domain.Triplet`
        The stamps, whatever their size.
    row : `~collections.abc.Mapping`, optional
        The source's values by APDB column name, for its footprint.
    limits : `tuple` [`Limits`], optional
        Values between which the panels are shown, from `panel_limits` or
        `common_limits`; by default those of the triplet itself.
    panels : `~collections.abc.Sequence` [`int`], optional
        Numbers of the panels.
    titles : `bool`, optional
        Whether the panels have their titles.

    Returns
    -------
    image : `numpy.ndarray`
        RGB, (rows from the top, columns, 3), without a margin.
    """
    size = triplet.science.box.width
    style = replace(style, sizes=(size,))
    check_sizes(style, [triplet])
    shown = view(style, triplet, size)
    where, ink = layout(style, tuple(panels)), inks(style.background)
    side, step = shown.grid.side, where.panels[0][-1].x - where.panels[0][0].x
    top = where.scaled(_TITLE_SPACE) if titles else 0
    first = where.panels[0][0]
    below = where.height - first.y - side - where.scaled(_MARGIN)
    sheet = new_sheet(top + side + below, step + side, ink.background)
    rects = [Rect(each.x - first.x, top, side, side) for each in where.panels[0]]
    if titles:
        for panel, rect in zip(panels, rects, strict=True):
            text = title(panel, side, where, is_warped=bool(triplet.template_source))
            paint_text(sheet, text, rect, ink.text, ink.background)
    if limits is None:
        limits = panel_limits(style, shown.triplet, size)
    paint_panels(sheet, style, panels, rects, where, shown, limits, row)
    return sheet.pixels()


def grid_image(
    style: PictureStyle, images: Sequence[Image], captions: Sequence[str], *, columns: int = 1
) -> Image:
    """Return pictures in rows and columns, each below its caption.

    Parameters
    ----------
    style : `PictureStyle`
        The paper, and the size of the captions.
    images : `~collections.abc.Sequence` [`numpy.ndarray`]
        RGB, (rows from the top, columns, 3); sizes may differ.
    captions : `~collections.abc.Sequence` [`str`]
        One for each; empty for none. Long ones are written smaller, and cut short where that does not help.
    columns : `int`, optional
        How many stand in a row.

    Returns
    -------
    image : `numpy.ndarray`
        RGB, (rows from the top, columns, 3).

    Raises
    ------
    ValueError
        Raised when there is nothing to show, or not a caption for each.
    """
    if not images or len(images) != len(captions):
        raise ValueError(f"{len(images)} pictures and {len(captions)} captions")
    ink, scale = inks(style.background), style.text_scale
    margin, gap = scaled_length(_MARGIN, scale), scaled_length(_GAP, scale)
    line = scaled_length(LINE_HEIGHT, scale)
    columns = min(columns, len(images))
    rows = [range(start, min(start + columns, len(images))) for start in range(0, len(images), columns)]
    widths = [
        max(images[n].shape[1] for n in range(column, len(images), columns)) for column in range(columns)
    ]
    heights = [max(images[n].shape[0] for n in numbers) for numbers in rows]
    spaces = [line if any(captions[n] for n in numbers) else 0 for numbers in rows]
    width = 2 * margin + sum(widths) + gap * (columns - 1)
    height = 2 * margin + sum(heights) + sum(spaces) + gap * (len(rows) - 1)
    sheet = new_sheet(height, width, ink.background)
    y = margin
    for numbers, row_height, space in zip(rows, heights, spaces, strict=True):
        x = margin
        for n, column_width in zip(numbers, widths, strict=False):
            image = images[n]
            if captions[n]:
                text, size = fitting_size(captions[n], False, column_width, text_size(scale))
                baseline = space - scaled_length(_CAPTION_DESCENT, scale)
                place = Rect(x, y, column_width, space)
                paint_text(sheet, PanelText(text, 0, baseline, size), place, ink.text, ink.background)
            sheet.image[y + space : y + space + image.shape[0], x : x + image.shape[1]] = image
            x += column_width + gap
        y += space + row_height + gap
    return sheet.pixels()


def encode_png(image: Image, texts: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return a picture as a PNG file.

    Parameters
    ----------
    image : `numpy.ndarray`
        RGB, (rows from the top, columns, 3).
    texts : `~collections.abc.Iterable` [`tuple` [`str`, `str`]], optional
        Keyword and text of each text chunk.

    Returns
    -------
    png : `bytes`
        The file; the same picture gives the same bytes.
    """
    return png_file(Sheet.of(image), texts)
