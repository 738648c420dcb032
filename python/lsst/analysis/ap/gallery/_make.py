"""From directories of pictures to a page."""

__all__ = ("make_gallery",)

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..domain import CutoutsError
from ._compare import Thresholds, compare_items
from ._data import LABELS
from ._items import Items, read_items
from ._page import write_page


def make_gallery(
    *directories: str | Path,
    out: str | Path | None = None,
    title: str | None = None,
    labels: Sequence[tuple[str, str]] = LABELS,
    thresholds: Thresholds | None = None,
    copy: bool = False,
) -> Path:
    """Write a page that shows the pictures of a directory, or compares those of two.

    Parameters
    ----------
    *directories : `str` or `pathlib.Path`
        One directory that a run filled, or two: before and after.
    out : `str` or `pathlib.Path`, optional
        Directory for the page; when not given, ``gallery`` in the last of the directories.
    title : `str`, optional
        What the page is called; when not given, by its directories.
    labels : sequence of `tuple` [`str`, `str`], optional
        The words of labels, each with its key, a letter or digit.
    thresholds : `Thresholds`, optional
        From where on a source counts as changed.
    copy : `bool`, optional
        Whether to put the pictures beside the page, so that it can be moved or sent alone.

    Returns
    -------
    index : `pathlib.Path`
        The file to open in a browser. Beside it, ``items.parquet`` has the
        path of each picture and every column, for other programs.

    Raises
    ------
    CutoutsError
        Raised when a directory has no pictures, or the page cannot be written.
    """
    items = _items(directories, thresholds)
    if title is not None:
        items = dataclasses.replace(items, title=title)
    return write_page(items, out or Path(directories[-1]) / "gallery", labels=labels, copy=copy)


def _items(directories: Sequence[str | Path], thresholds: Thresholds | None) -> Items:
    match directories:
        case [directory]:
            return read_items(directory)
        case [before, after]:
            return compare_items(read_items(before), read_items(after), thresholds)
    raise CutoutsError(f"{len(directories)} directories are given: name one to look at, or two to compare.")
