"""The tables of a journal, how they are read, and what can happen to their file."""

__all__ = ("FOLDER", "connect", "describe", "order_by", "own", "rows_of", "what_happened")

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..domain import CutoutsError
from ._order import shuffled
from ._outcomes import Failure, Picture
from ._paths import PICTURE_PATH

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS manifest (path TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS run (number INTEGER PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS secret (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS picture (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER,
    path TEXT NOT NULL, size INTEGER NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS failure (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS place (number INTEGER PRIMARY KEY, diaSourceId INTEGER UNIQUE);
CREATE TABLE IF NOT EXISTS catalogue (
    instrument TEXT, visit INTEGER, detector INTEGER, rows BLOB NOT NULL,
    PRIMARY KEY (instrument, visit, detector)
);
"""

FOLDER: Final = "rtrim(path, replace(path, '/', ''))"
"""The folder of a picture, with its slash."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file of a journal, which nobody else can open until it is closed, and make what it lacks."""
    db = sqlite3.connect(path, timeout=0)
    db.create_function("shuffled", 2, shuffled, deterministic=True)
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
    db.executescript("BEGIN EXCLUSIVE; COMMIT;")
    ((version,),) = db.execute("PRAGMA user_version")
    if version > _VERSION:
        raise CutoutsError(
            f"Journal {path} was written by a newer version of this package (form {version}, known up to "
            f"{_VERSION}): update the package, or choose another directory."
        )
    # A journal of an older form lacks tables at most, and gets them here.
    db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
    db.execute("CREATE TEMP TABLE seen (diaSourceId INTEGER PRIMARY KEY)")
    return db


def order_by(by_folder: bool, seed: int | None) -> str:
    """Return how pictures are to be sorted."""
    detectors = "visit, detector, " if seed is None and not by_folder else ""
    shuffled = "" if seed is None else f"shuffled({int(seed)}, diaSourceId), "
    return f"ORDER BY {f'{FOLDER}, ' if by_folder else ''}{detectors}{shuffled}diaSourceId"


def rows_of(
    outcomes: Iterable[Picture | Failure],
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows of some outcomes in the tables of pictures and of failures."""
    pictures: list[tuple[Any, ...]] = []
    failures: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        place = outcome.data_id
        data_id = (None,) * 3 if place is None else (place.instrument, place.visit, place.detector)
        if isinstance(outcome, Picture):
            metadata = json.dumps(dict(outcome.metadata))
            pictures.append((outcome.diaSourceId, *data_id, outcome.path, outcome.size, metadata))
        else:
            failures.append((outcome.diaSourceId, *data_id, outcome.reason))
    return pictures, failures


def describe(
    db: sqlite3.Connection, rows: Mapping[tuple[str, int, int], bytes], described: Mapping[int, str]
) -> None:
    """Enter rows of the catalogue by detector, and metadata of pictures that are there and did not fail."""
    packed = [(*place, row) for place, row in rows.items()]
    db.executemany("INSERT OR REPLACE INTO catalogue VALUES (?, ?, ?, ?)", packed)
    texts = [(text, identifier) for identifier, text in described.items()]
    db.executemany("UPDATE picture SET metadata = ? WHERE diaSourceId = ?", texts)
    db.executemany("DELETE FROM failure WHERE diaSourceId = ?", [text[1:] for text in texts])


def own(path: str, journal: Path, form: re.Pattern[str] = PICTURE_PATH) -> str:
    """Return a path that a journal tells, if it is of the form that this package writes.

    Files are removed and listed by it, so that any other could harm what is not a run's own.
    """
    is_none = path == "" and form is PICTURE_PATH  # a run left stamps alone
    if not is_none and (not isinstance(path, str) or not form.fullmatch(path)):
        raise CutoutsError(
            f"Journal {journal} is damaged: it names {path!r}, which no run writes. Remove it to start anew."
        )
    return path


def what_happened(error: sqlite3.DatabaseError, path: Path, name: str) -> str:
    """Return what an error of a journal at ``path`` means, and what to do; ``name``: its directory."""
    if not isinstance(error, sqlite3.OperationalError):
        return f"Journal {path} is damaged ({error}). Remove it to start anew."
    if "locked" in str(error):
        return f"Another run is writing to {name}: wait for it."
    return (
        f"Journal {path} cannot be written: {error}. What was written before is safe: mend that and run the "
        "same command again."
    )
