"""The file of a journal: whose it is, and how it changes."""

__all__ = ("JOURNAL_NAME", "JournalFile")

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

from ..domain import CutoutsError
from ._directory import OutputDirectory

JOURNAL_NAME: Final = ".journal.sqlite3"
"""Name of the file."""


class JournalFile:
    """An SQLite file in a directory, which one process has at a time.

    It is a context manager.

    ``existing``: whether there must be such a file already. Raises `CutoutsError` when another process has
    the file, or it is damaged, or absent where there must be one.
    """

    def __init__(self, directory: OutputDirectory, *, existing: bool = False) -> None:
        self._directory = directory
        directory.fetch(JOURNAL_NAME)
        self._path = directory.path / JOURNAL_NAME
        if existing and not self._path.exists():
            raise CutoutsError(f"{directory.name} is no directory of pictures: give the OUTDIR of a run.")
        if self._path.is_symlink():
            raise CutoutsError(
                f"Journal {self._path} is a symbolic link, which no run makes: choose another directory."
            )
        with self._explained():
            self._db = sqlite3.connect(self._path, timeout=0)
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.executescript("BEGIN EXCLUSIVE; COMMIT;")
        self._identity = self._identify()

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise CutoutsError(
                    f"Another run is writing to {self._directory.name}: wait for it."
                ) from error
            raise CutoutsError(
                f"Journal {self._path} cannot be written: {error}. What was written before is safe: "
                "mend that and run the same command again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise CutoutsError(
                f"Journal {self._path} is damaged ({error}). Remove it to start anew."
            ) from error

    @contextmanager
    def changed(self) -> Iterator[sqlite3.Connection]:
        """Make some changes durable, or none of them; also for tables of other rooms.

        Raises `CutoutsError` when the disk does not take them, or the directory is gone.
        """
        self._directory.check()
        if (
            self._identify() != self._identity
        ):  # the open file takes rows without its name, and all would be lost
            raise CutoutsError(
                f"Journal {self._path} was removed or replaced while the run was working. The pictures made "
                "so far are there: run the same command again to enter them."
            )
        with self._explained(), self._db:
            yield self._db

    def rows(self, query: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; also of tables of other rooms."""
        with self._explained():
            yield from self._db.execute(query, values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        # The first error is the one to tell.
        with suppress(*() if kind is None else (CutoutsError,)):
            self._directory.save(JOURNAL_NAME, now=True)

    def save(self) -> None:
        """Send the journal of a remote directory, if it was not sent lately."""
        self._directory.save(JOURNAL_NAME)
