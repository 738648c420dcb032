"""Which DiaSource a subject shows, by what the subject says of itself."""

__all__ = ("NO_SOURCE", "Identity", "identify", "picture_name", "source_number")

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ...output import manifest_name

NO_SOURCE: Final = -(2**63)
"""Stands for the diaSourceId where there is none: no catalogue counts so low."""

_PICTURE: Final = ".png"
_KEYS: Final = ("key", "subject_key", "external_id")
_WANTED: Final = frozenset((*_KEYS, "diaSourceId", "training_subject", "feedback_1_answer"))


@dataclass(frozen=True, slots=True)
class Identity:
    """What the metadata of a subject say."""

    diaSourceId: str | None
    """As they have it, which need not be a number any more."""
    names: tuple[str, ...]
    """Keys, external identifiers and names of its picture without suffix, where there is no such number."""
    gold: str | None
    """The right answer of a training subject, as its feedback has it: the
    number of the answer in the workflow, from 0."""


def identify(metadata: Mapping[str, Any]) -> Identity:
    """Find what identifies a DiaSource.

    ``metadata``: metadata of a subject by the name of the column, with Zooniverse's prefixes or without.
    """
    values = {
        name: str(value).strip()
        for column, name in _telling(tuple(metadata))
        if (value := metadata[column]) is not None
    }
    source = values.get("diaSourceId") or None
    names: dict[str, None] = {}
    if source is None or source_number(source) == NO_SOURCE:
        names = {values[name]: None for name in _KEYS if values.get(name)}
        pictures = (picture_name(value) for value in metadata.values() if isinstance(value, str))
        names |= {picture: None for picture in pictures if picture}
    is_training = values.get("training_subject", "").lower() in ("true", "1", "yes")
    gold = (values.get("feedback_1_answer") or None) if is_training else None
    return Identity(source, tuple(names), gold)


@lru_cache(256)  # the columns of all subjects of a set are the same
def _telling(columns: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return those columns that tell something, and their plain names."""
    return [(column, name) for column in columns if (name := manifest_name(column)) in _WANTED]


def source_number(text: str) -> int:
    """Return a diaSourceId that is written out; `NO_SOURCE` when it is none of 64 bits."""
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        return NO_SOURCE
    return number if -NO_SOURCE > (number := int(text)) > NO_SOURCE else NO_SOURCE


def picture_name(place: str) -> str | None:
    """Return the name of a picture without folder and suffix; `None` when it is the place of none."""
    if not place.endswith(_PICTURE):
        return None
    path = unquote(urlsplit(place).path) if "://" in place else place
    return path.rpartition("/")[2].removesuffix(_PICTURE) or None
