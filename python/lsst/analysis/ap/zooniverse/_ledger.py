"""What of a directory has been sent to a subject set, kept in its journal."""

__all__ = ("Entry", "Ledger")

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..output import Journal

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS upload (
    server TEXT NOT NULL, subject_set INTEGER NOT NULL, diaSourceId INTEGER NOT NULL,
    asked REAL, subject INTEGER, sent INTEGER NOT NULL, linked INTEGER NOT NULL,
    PRIMARY KEY (server, subject_set, diaSourceId)
)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """How far one subject has come."""

    asked: float | None = None
    """When the server was asked to make it, or what came of that was unclear,
    Unix time; `None` when it was there before anybody here asked."""
    subject: int | None = None
    """Its identifier at Zooniverse; `None` when it is not known whether there is one."""
    sent: bool = False
    """Whether its media are there."""
    linked: bool = False
    """Whether it is in the set."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.subject is not None and self.sent and self.linked

    @property
    def is_doubtful(self) -> bool:
        """Whether only the server knows if there is such a subject."""
        return self.subject is None


def _rows(journal: Journal, query: str, *values: str | int) -> list[Any]:
    """Return the rows of a query, in a journal that may never have seen an upload."""
    with journal.changed() as db:
        db.execute(_SCHEMA)
    return list(journal.rows(query, *values))


class Ledger(Mapping[int, Entry]):
    """The entries of one subject set by diaSourceId, each change durable before it returns.

    ``clock``: returns the Unix time.
    """

    def __init__(
        self, journal: Journal, server: str, subject_set: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._journal, self._clock = journal, clock
        self._place = (server, subject_set)
        query = (
            "SELECT diaSourceId, asked, subject, sent, linked FROM upload"
            " WHERE server = ? AND subject_set = ? ORDER BY diaSourceId"
        )
        # Of what an earlier process had asked for, the request may have left a moment before its death.
        now = clock()
        self._entries = {
            identifier: Entry(now if subject is None else asked, subject, bool(sent), bool(linked))
            for identifier, asked, subject, sent, linked in _rows(journal, query, *self._place)
        }

    def __getitem__(self, diaSourceId: int) -> Entry:
        return self._entries[diaSourceId]

    def __iter__(self) -> Iterator[int]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @staticmethod
    def places(journal: Journal) -> list[tuple[str, int]]:
        """Return where subjects of a directory were sent.

        Returns: URL of the server and identifier of the set.
        """
        return _rows(journal, "SELECT DISTINCT server, subject_set FROM upload ORDER BY 1, 2")

    @staticmethod
    def sources(journal: Journal) -> dict[int, int]:
        """Return the DiaSource of each subject, on whatever server it is.

        Returns: the diaSourceId by identifier of the subject, but for identifiers that two servers use for
        different sources.
        """
        query = (
            "SELECT subject, min(diaSourceId) FROM upload WHERE subject IS NOT NULL"
            " GROUP BY subject HAVING min(diaSourceId) = max(diaSourceId)"
        )
        return dict(_rows(journal, query))

    def doubtful(self) -> dict[int, float]:
        """Return those of which only the server knows, and for how many seconds that has been so."""
        now = self._clock()
        return {
            identifier: max(0.0, now - (entry.asked or 0.0))
            for identifier, entry in self.items()
            if entry.is_doubtful
        }

    def ask(self, ids: Iterable[int]) -> None:
        """Record that the server is about to be asked for subjects."""
        now = self._clock()
        self.update({identifier: Entry(asked=now) for identifier in ids})

    def update(self, entries: Mapping[int, Entry]) -> None:
        """Record how far subjects have come.

        ``entries``: the entries, by diaSourceId.
        """
        rows = [
            (*self._place, identifier, entry.asked, entry.subject, entry.sent, entry.linked)
            for identifier, entry in entries.items()
        ]
        if rows:
            with self._journal.changed() as db:
                db.executemany("INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._entries.update(entries)
            self._journal.save()

    def forget(self, ids: Iterable[int]) -> None:
        """Record that the server was never asked, or has not done it."""
        if ids := list(ids):
            with self._journal.changed() as db:
                query = "DELETE FROM upload WHERE server = ? AND subject_set = ? AND diaSourceId = ?"
                db.executemany(query, [(*self._place, identifier) for identifier in ids])
            for identifier in ids:
                del self._entries[identifier]
            self._journal.save()
