"""The page within a notebook."""

__all__ = ("gallery_widget",)

from typing import Any, Final

from ..domain import CutoutsError
from ..messages import install_line
from ._data import LABELS, page_data
from ._items import Items
from ._page import scope_of

_MOST: Final = 5_000
"""So many pictures, of some 15 kB each, go through a notebook's connection within seconds."""


def gallery_widget(items: Items, *, height: str = "760px") -> Any:
    """Return a widget that shows items in a notebook.

    Parameters
    ----------
    items : `Items`
        What it shows, with at most some thousand pictures, which become a part of it.
    height : `str`, optional
        Its height, as CSS has it.

    Returns
    -------
    widget : `anywidget.AnyWidget`
        It displays itself. Its property ``labels`` is a `pandas.DataFrame` with ``diaSourceId``, ``label``,
        ``who`` and ``when``, at any time.

    Raises
    ------
    CutoutsError
        Raised when there are too many pictures, or no anywidget.
    """
    try:
        from ._widget_class import GalleryWidget
    except ImportError as error:
        raise CutoutsError(
            f"A gallery in a notebook needs anywidget: {install_line('notebook')}. A page that opens from "
            "disk needs nothing: make_gallery()."
        ) from error
    number = sum(path is not None for pictures in items.pictures for path in pictures.paths)
    if number > _MOST:
        raise CutoutsError(
            f"There are {number} pictures; a notebook shows up to {_MOST}. Write a page that opens from "
            "disk: make_gallery(), or zooniverseCutoutsGallery."
        )
    data = page_data(items, LABELS, scope_of(items), str)
    content, places = _content(items)
    return GalleryWidget(
        header=dict(data.header),
        columns=[[column.values, column.valid, list(column.texts)] for column in data.columns],
        sets=[list(pictures) for pictures in data.pictures],
        pictures=content,
        places=places,
        height=height,
    )


def _content(items: Items) -> tuple[bytes, list[tuple[str, int, int]]]:
    """Return all pictures one behind the other, and where each is."""
    parts: list[bytes] = []
    places = []
    start = 0
    for path in (path for pictures in items.pictures for path in pictures.paths if path is not None):
        try:
            parts.append(path.read_bytes())
        except OSError as error:
            raise CutoutsError(f"Picture {path} cannot be read: {error.strerror}.") from error
        places.append((str(path), start, start + len(parts[-1])))
        start += len(parts[-1])
    return b"".join(parts), places
