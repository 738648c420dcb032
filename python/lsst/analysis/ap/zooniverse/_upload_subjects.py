"""What the manifest of a directory asks Zooniverse to show."""

__all__ = ("Medium", "Subject", "Subjects", "read_subjects")

import csv
import io
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from ..domain import CutoutsError
from ..output import Journal, OutputDirectory, picture_key

_FILE: Final = "filename"
_URLS: Final = ("location:", "#url")
_METADATA: Final = "metadata:"
_MISSING: Final = ("", "null")
"""How manifests say that there is no value."""

_REMEDY: Final = "run the command that makes its pictures to its end."


@dataclass(frozen=True, slots=True)
class Medium:
    """One picture of a subject."""

    media_type: str
    """What it is, such as ``image/png``."""
    path: str | None = None
    """Where it is in the directory; `None` for one that is hosted."""
    url: str | None = None
    """Where it is hosted; `None` for a file."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What volunteers are to see of one DiaSource."""

    diaSourceId: int
    """The DiaSource."""
    external_id: str
    """What Zooniverse is to call it beside its own identifier."""
    metadata: Mapping[str, str]
    """What goes with it."""
    media: tuple[Medium, ...]
    """Its pictures, in order."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """All of a directory."""

    members: tuple[Subject, ...]
    """The subjects, in the order of the manifest."""
    indexed: tuple[str, ...]
    """Metadata that the set can be searched by."""


def read_subjects(directory: OutputDirectory, journal: Journal) -> Subjects:
    """Read the manifest of a directory, whatever its style.

    The subjects are those that Zooniverse's own readers make of the same manifest, but for values that are
    missing, which stay away.

    Raises `CutoutsError` when there is no manifest, or it is not one of this directory.
    """
    identifiers = {picture_key(picture.path): picture.diaSourceId for picture in journal.pictures()}
    names = sorted(journal.manifests())
    if not names:
        raise CutoutsError(f"{directory.name} has no manifest: {_REMEDY}")
    members: dict[int, Subject] = {}
    indexed: dict[str, None] = {}
    for name in names:
        try:
            text = directory.read(name).decode("utf-8")
        except (CutoutsError, ValueError) as error:
            raise CutoutsError(f"{name} of {directory.name} cannot be read: {_REMEDY}") from error
        reader = csv.DictReader(io.StringIO(text))
        header, folder = reader.fieldnames or (), name.rpartition("/")[0]
        hosted = [column for column in header if column.startswith(_URLS)]
        places = hosted or [column for column in header if column.startswith(_FILE)]
        if not places:
            raise CutoutsError(f"{name} of {directory.name} names no pictures: {_REMEDY}")
        indexed |= dict.fromkeys(column.lstrip("%") for column in header if column.startswith("%"))
        metadata_names = _metadata_names(header)
        for row in reader:
            first = row[places[0]]
            key = picture_key(unquote(urlsplit(first).path) if hosted else first)
            if key not in identifiers:
                raise CutoutsError(
                    f"{name} of {directory.name} lists {key!r}, which is no picture of this directory: "
                    f"{_REMEDY}"
                )
            identifier = identifiers[key]
            metadata = {new: row[old] for old, new in metadata_names.items() if row[old] not in _MISSING}
            media = tuple(_medium(row[column], bool(hosted), folder) for column in places)
            members.setdefault(identifier, Subject(identifier, key, metadata, media))
    return Subjects(tuple(members.values()), tuple(indexed))


def _metadata_names(header: Sequence[str]) -> dict[str, str]:
    """Return the names of the metadata by column.

    Where columns are marked, the server's import is to read the manifest, which takes these only.
    """
    marked = {name: name.removeprefix(_METADATA) for name in header if name.startswith(_METADATA)}
    return marked or {name: name.lstrip("%") for name in header}


def _medium(place: str, is_hosted: bool, folder: str) -> Medium:
    media_type = mimetypes.guess_type(urlsplit(place).path)[0] or "image/png"
    if is_hosted:
        return Medium(media_type, url=place)
    return Medium(media_type, path=f"{folder}/{place}" if folder else place)
