"""What a journal knows of the runs into its directory."""

__all__ = ("RUNS", "JournalOfRuns")

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from ..domain import CutoutsError
from ._journal_file import JournalFile
from ._paths import is_list_path, is_picture_path

RUNS: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS manifest (path TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS run (number INTEGER PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS secret (value BLOB NOT NULL);
"""
"""The tables."""


def _is_picture_or_none(path: str) -> bool:
    """Return whether a path can be one of a picture; it is empty where a run left stamps alone."""
    return path == "" or is_picture_path(path)


class JournalOfRuns(JournalFile):
    """Settings, runs, the files of the manifest, and what keys are made with.

    The tables must be there.
    """

    def _own(self, path: str, *, is_own: Callable[[str], bool] = _is_picture_or_none) -> str:
        """Return a path that the journal tells, if it is of the form that this package writes.

        Files are removed and listed by it, so that any other could harm what is not a run's own.
        """
        if not isinstance(path, str) or not is_own(path):
            raise CutoutsError(
                f"Journal {self._path} is damaged: it names {path!r}, which no run writes. Remove it to "
                "start anew."
            )
        return path

    @property
    def settings(self) -> dict[str, str]:
        """The settings under which the pictures were made."""
        return dict(self.rows("SELECT name, value FROM setting"))

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Record the settings of the run.

        ``settings``: all settings; those of earlier runs are replaced.
        """
        with self.changed() as db:
            db.execute("DELETE FROM setting")
            db.executemany("INSERT INTO setting VALUES (?, ?)", settings.items())

    def add_run(self, facts: Mapping[str, object]) -> int:
        """Record that a run has begun.

        ``facts``: what should be known of it, as far as JSON can tell it. Returns: its number, from 1.
        """
        with self.changed() as db:
            return db.execute("INSERT INTO run (facts) VALUES (?)", (json.dumps(facts),)).lastrowid or 0

    def end_run(self, number: int, facts: Mapping[str, object]) -> None:
        """Record what came of a run.

        ``facts``: what should be known besides.
        """
        with self.changed() as db:
            query = "UPDATE run SET facts = json_patch(facts, ?) WHERE number = ?"
            db.execute(query, (json.dumps(facts), number))

    def runs(self) -> list[dict[str, object]]:
        """Return what is known of each run into the directory, the first one first."""
        return [json.loads(facts) for (facts,) in self.rows("SELECT facts FROM run ORDER BY number")]

    def secret(self) -> bytes:
        """Return what keys are made with: random, made once, and told to nobody."""
        with self.changed() as db:
            query = "INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT 1 FROM secret)"
            db.execute(query, (secrets.token_bytes(32),))
        ((value,),) = self.rows("SELECT value FROM secret")
        return bytes(value)

    def add_manifest(self, path: str) -> None:
        """Record that a file is to become a part of the manifest."""
        with self.changed() as db:
            db.execute("INSERT OR IGNORE INTO manifest VALUES (?)", (path,))

    def drop_manifest(self, path: str) -> None:
        """Record that a file is no part of the manifest any more."""
        with self.changed() as db:
            db.execute("DELETE FROM manifest WHERE path = ?", (path,))

    def manifests(self) -> set[str]:
        """Return the files of the manifest, and those that are no part of it any more but may be there."""
        return {self._own(path, is_own=is_list_path) for (path,) in self.rows("SELECT path FROM manifest")}
