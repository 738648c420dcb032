"""Send one subject: the part of an upload that several connections do at once."""

__all__ = ("Outcome", "Sender")

from dataclasses import dataclass, replace
from typing import Final

from ..domain import CutoutsError
from ..output import OutputDirectory
from ._api import Panoptes
from ._api_connection import Interrupted, UnansweredError, UnreachableError
from ._api_values import Created, Location, RefusedError, SubjectSet
from ._ledger import Entry
from ._upload_subjects import Subject

_MOST_BYTES: Final = 1_000_000
"""Zooniverse takes no larger file, https://help.zooniverse.org."""

_FOR_ALL: Final = (401, 403, 404)
"""Statuses of a refusal that would meet every other subject as well."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt to send a subject."""

    diaSourceId: int
    """The DiaSource."""
    entry: Entry | None
    """How far it has come; `None` when the server has certainly not made it."""
    problem: str | None = None
    """Why it is not all there."""


@dataclass(frozen=True)
class Sender:
    """Send subjects of a directory to a set; several threads may use one."""

    api: Panoptes
    """The server."""
    directory: OutputDirectory
    """Where the pictures are."""
    subject_set: SubjectSet
    """Where the subjects go."""

    def __call__(self, subject: Subject, entry: Entry) -> Outcome:
        """Send a subject, or what is missing of it.

        ``entry``: how far it has come; one without a subject is known not to be at the server. Raises
        `CutoutsError` for what would meet every other subject as well; `Interrupted` when the upload was
        called off before the server was asked.
        """
        new = entry.subject is None
        try:
            files = self._read(subject)
            created = None
            if new:
                created = self.api.create(
                    self.subject_set, subject.external_id, subject.metadata, _locations(subject)
                )
        except UnreachableError:
            raise
        except CutoutsError as error:
            if isinstance(error, RefusedError) and error.status in _FOR_ALL:
                raise
            is_unmade = new and not isinstance(error, UnansweredError)
            return Outcome(subject.diaSourceId, None if is_unmade else entry, str(error))
        if created is not None:
            entry = replace(entry, subject=created.number, linked=created.linked)
        try:
            self._put(subject, entry, files, created)
        except Interrupted:
            return Outcome(subject.diaSourceId, entry, "The upload was interrupted.")
        except CutoutsError as error:
            return Outcome(
                subject.diaSourceId, entry, f"Subject {entry.subject} has not its pictures: {error}"
            )
        return Outcome(subject.diaSourceId, replace(entry, sent=True))

    def _read(self, subject: Subject) -> list[bytes]:
        """Return the files of a subject, before anything is asked of the server."""
        files = []
        for medium in subject.media:
            if medium.path is not None:
                files.append(self.directory.read(medium.path))
                if not 0 < len(files[-1]) <= _MOST_BYTES:
                    raise CutoutsError(
                        f"{medium.path} has {len(files[-1])} bytes, and Zooniverse takes 1 to {_MOST_BYTES}: "
                        "make it again."
                    )
        return files

    def _put(self, subject: Subject, entry: Entry, files: list[bytes], created: Created | None) -> None:
        """Put the files where the server wants them."""
        if not files:
            return
        assert entry.subject is not None
        if created is None:
            if entry.asked is None and self._is_there(entry.subject, files):
                return
            created = self.api.renew(entry.subject, subject.metadata, ())
        # New signatures first, for 20 minutes may have gone by; then new places.
        for locations in ((), _locations(subject), None):
            if len(created.urls) != len(files):
                raise CutoutsError(
                    f"Zooniverse has {len(created.urls)} pictures of it, here are {len(files)}"
                )
            try:
                for medium, content, url in zip(subject.media, files, created.urls, strict=True):
                    self.api.put(url, content, medium.media_type)
            except RefusedError:
                if locations is None:
                    raise
                created = self.api.renew(entry.subject, subject.metadata, locations)
            else:
                return

    def _is_there(self, number: int, files: list[bytes]) -> bool:
        """Return whether a subject that somebody else may have sent has these files."""
        there, here = self.api.media_sizes(number), [len(content) for content in files]
        if all(size is not None for size in there) and there != here:
            raise CutoutsError(
                f"it has others, of {there} bytes; those here have {here}. It was there before: remove it "
                "from the set if these shall take its place."
            )
        return there == here


def _locations(subject: Subject) -> list[Location]:
    return [
        medium.media_type if medium.url is None else {medium.media_type: medium.url}
        for medium in subject.media
    ]
