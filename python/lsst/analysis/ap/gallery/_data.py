"""The data of a page, in the form in which its scripts take them."""

__all__ = ("LABELS", "PageData", "flag_words", "page_data", "synonyms")

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ..render import FLAG_MEANINGS, FLAG_WORDS, LABEL_FLAGS
from ..sources import SYNONYMS, current_name
from ._encode import EncodedColumn, encode_column
from ._items import Items, PictureSet
from ._png_texts import PictureFacts

LABELS: Final = (("real", "r"), ("bogus", "b"), ("unsure", "u"))
"""The words of labels, and the key of each."""

_TAKEN: Final = frozenset("nzpaxfil")
"""Keys that the page uses itself; ``settings.js`` has the same."""


def flag_words() -> list[dict[str, object]]:
    """Return the words of flags, with their columns by their current names.

    Returns: ``word``, ``columns`` and ``about`` of each: those of a picture, and one for each flux whose
    measurement failed.
    """
    words = [(word.word, word.columns, FLAG_MEANINGS[word.word]) for word in FLAG_WORDS]
    names = {"psf": "the PSF flux", "ap": "the aperture flux", "total": "the total flux"}
    words += [
        (
            f"{label.upper() if label == 'psf' else label} flux",
            columns,
            f"The measurement of {names[label]} has a flag.",
        )
        for label, columns in LABEL_FLAGS.items()
    ]
    return [
        {"word": word, "columns": list(dict.fromkeys(map(current_name, columns))), "about": about}
        for word, columns, about in words
    ]


def synonyms() -> list[tuple[str, str]]:
    """Return other names of columns, each with the current name."""
    return list(SYNONYMS.items())


@dataclass(frozen=True, slots=True)
class PageData:
    """What ``Gallery.begin``, ``column`` and ``receivePictures`` of the page take."""

    header: Mapping[str, Any]
    """What must be known before the columns come."""
    columns: Sequence[EncodedColumn]
    """The columns of the table."""
    pictures: Sequence[tuple[list[str | None], list[Any], list[int] | None]]
    """Of each set of pictures the addresses, the distinct frames, and the
    number of each picture's frame; `None` when there is one frame."""


def page_data(
    items: Items, labels: Sequence[tuple[str, str]], scope: str, address: Callable[[Path], str]
) -> PageData:
    """Return the data of a page.

    ``labels``: the words of labels, each with its key. ``scope``: what tells this gallery's labels from those
    of others. ``address``: returns where the page finds a picture. Raises `CutoutsError` when the labels or
    their keys will not do.
    """
    _check_labels(labels)
    columns = [encode_column(column) for column in items.table.columns]
    described = [
        {**_described(field), "kind": column.kind, "storage": column.storage}
        for field, column in zip(items.table.schema, columns, strict=True)
    ]
    header = {
        "title": items.title,
        "scope": scope,
        "rows": len(items.table),
        "pictures": [{"name": each.name, "colors": _colors(each)} for each in items.pictures],
        "labels": [{"word": word, "key": key} for word, key in labels],
        "flagWords": flag_words(),
        "synonyms": synonyms(),
        "order": items.order,
        "summary": items.summary,
        "columns": described,
    }
    return PageData(header, columns, [_pictures(each, address) for each in items.pictures])


def _check_labels(labels: Sequence[tuple[str, str]]) -> None:
    words, keys = [word for word, _ in labels], [key for _, key in labels]
    for word, key in labels:
        if not re.fullmatch("[a-z0-9]", key):
            raise CutoutsError(f"The key {key!r} of the label {word!r} is not one small letter or digit.")
        if key in _TAKEN:
            raise CutoutsError(
                f"The key {key!r} of the label {word!r} does something else in the page: choose another."
            )
    if not labels or len(set(words)) < len(words) or len(set(keys)) < len(keys):
        raise CutoutsError("Each label needs a word and a key of its own, such as real:r,bogus:b.")


def _described(field: pa.Field) -> dict[str, str]:
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    unit, about = (metadata.get(key, b"").decode("utf-8", "replace") for key in (b"unit", b"description"))
    return {"name": field.name, "unit": unit, "about": about}


def _colors(pictures: PictureSet) -> dict[str, dict[str, Any]]:
    return {panel: {"a": scale.a, "map": scale.map} for panel, scale in pictures.colors.items()}


def _pictures(
    pictures: PictureSet, address: Callable[[Path], str]
) -> tuple[list[str | None], list[Any], list[int] | None]:
    paths = [None if path is None else address(path) for path in pictures.paths]
    places: dict[object, int] = {}
    frames: list[Any] = []
    codes = []
    for facts in pictures.facts:
        # Limits, which each picture has for itself, are columns of the table.
        frame = facts and (
            facts.width,
            facts.height,
            *(tuple(each.items()) for each in (facts.panels, facts.stretches, facts.units)),
        )
        if frame not in places:
            places[frame] = len(frames)
            frames.append(_frame(facts))
        codes.append(places[frame])
    return paths, frames, None if len(frames) == 1 else codes


def _frame(facts: PictureFacts | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    return {
        "width": facts.width,
        "height": facts.height,
        "panels": dict(facts.panels),
        "stretches": dict(facts.stretches),
        "units": dict(facts.units),
    }
