"""What the manifest of a directory asks Zooniverse to show."""

__all__ = ("Medium", "Subject", "Subjects", "read_subjects")

import csv
import io
import mimetypes
from collections.abc import Iterator, Mapping
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
        form = _Form(tuple(reader.fieldnames or ()), name.rpartition("/")[0])
        if not form.places:
            raise CutoutsError(f"{name} of {directory.name} names no pictures: {_REMEDY}")
        indexed |= dict.fromkeys(form.indexed)
        for row in reader:
            key = form.key(row)
            if key not in identifiers:
                raise CutoutsError(
                    f"{name} of {directory.name} lists {key!r}, which is no picture of this directory: "
                    f"{_REMEDY}"
                )
            identifier = identifiers[key]
            members.setdefault(
                identifier, Subject(identifier, key, dict(form.metadata(row)), tuple(form.media(row)))
            )
    return Subjects(tuple(members.values()), tuple(indexed))


@dataclass(frozen=True)
class _Form:
    """How to read the rows below a header."""

    header: tuple[str, ...]
    folder: str

    @property
    def is_hosted(self) -> bool:
        return any(column.startswith(_URLS) for column in self.header)

    @property
    def places(self) -> list[str]:
        """Columns that name pictures."""
        return [column for column in self.header if column.startswith(_URLS if self.is_hosted else _FILE)]

    @property
    def is_imported(self) -> bool:
        """Whether the server's import is to read it, which takes marked columns only."""
        return any(column.startswith(_METADATA) for column in self.header)

    @property
    def names(self) -> dict[str, str]:
        """Names of the metadata by column."""
        if self.is_imported:
            return {c: c.removeprefix(_METADATA) for c in self.header if c.startswith(_METADATA)}
        return {column: column.lstrip("%") for column in self.header}

    @property
    def indexed(self) -> list[str]:
        return [column.lstrip("%") for column in self.header if column.startswith("%")]

    def key(self, row: Mapping[str, str]) -> str:
        place = row[self.places[0]]
        return picture_key(unquote(urlsplit(place).path) if self.is_hosted else place)

    def metadata(self, row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for column, name in self.names.items():
            if row[column] not in _MISSING:
                yield name, row[column]

    def media(self, row: Mapping[str, str]) -> Iterator[Medium]:
        for column in self.places:
            place = row[column]
            media_type = mimetypes.guess_type(urlsplit(place).path)[0] or "image/png"
            if self.is_hosted:
                yield Medium(media_type, url=place)
            else:
                yield Medium(media_type, path=f"{self.folder}/{place}" if self.folder else place)
