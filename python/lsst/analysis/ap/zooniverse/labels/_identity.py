"""Which DiaSource a subject shows, by what the subject says of itself."""

__all__ = ("Identity", "identify", "picture_name")

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ...output import manifest_name

_PICTURE: Final = ".png"
_KEYS: Final = ("key", "subject_key", "external_id")
_WANTED: Final = frozenset((*_KEYS, "diaSourceId", "training_subject", "feedback_1_answer"))


_plain = lru_cache(1024)(manifest_name)  # the columns of all subjects are the same few


@dataclass(frozen=True, slots=True)
class Identity:
    """What the metadata of a subject say."""

    diaSourceId: str | None
    """As they have it, which need not be a number any more."""

    names: tuple[str, ...]
    """Keys, external identifiers and names of its picture without suffix, as
    far as they say anything else."""

    gold: str | None
    """The right answer of a training subject, as its feedback has it: the
    number of the answer in the workflow, from 0."""


def identify(metadata: Mapping[str, Any]) -> Identity:
    """Find what identifies a DiaSource.

    Parameters
    ----------
    metadata : `~collections.abc.Mapping` [`str`, any]
        Metadata of a subject by the name of the column, with Zooniverse's
        prefixes or without.

    Returns
    -------
    identity : `Identity`
        What was found.
    """
    values: dict[str, str] = {}
    pictures: list[str] = []
    for column, value in metadata.items():
        name = _plain(column)
        if name in _WANTED and value is not None:
            values[name] = str(value).strip()
        if isinstance(value, str) and value.endswith(_PICTURE) and (picture := picture_name(value)):
            pictures.append(picture)
    keys = [values[name] for name in _KEYS if values.get(name)]
    is_training = values.get("training_subject", "").lower() in ("true", "1", "yes")
    source = values.get("diaSourceId") or None
    return Identity(
        source,
        tuple(dict.fromkeys(name for name in (*keys, *pictures) if name != source)),
        (values.get("feedback_1_answer") or None) if is_training else None,
    )


def picture_name(place: str) -> str | None:
    """Return the name of a picture, without folder and suffix.

    Parameters
    ----------
    place : `str`
        A path or a URL.

    Returns
    -------
    name : `str` or `None`
        The name; `None` when that is no place of a picture.
    """
    if not place.endswith(_PICTURE):
        return None
    path = unquote(urlsplit(place).path) if "://" in place else place
    return path.rpartition("/")[2].removesuffix(_PICTURE) or None
