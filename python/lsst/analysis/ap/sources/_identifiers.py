"""Lists of identifiers, as people keep them."""

__all__ = ("read_identifiers",)

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..domain import CutoutsError, UnreadableError
from ..messages import cause_of
from ._csv import decoded, read_csv
from ._files import read_file
from ._kinds import WHOLE, read_values
from ._synonyms import renamed


def read_identifiers(words: str, what: str = "diaSourceId") -> tuple[int, ...]:
    """Read a list of identifiers.

    ``words``: numbers with commas between them, or a file: of text with one number on each line, or a
    catalogue that has them as a column. The file may be a pipe. Raises `UnreadableError` when they cannot be
    read; `CutoutsError` when they are no 64-bit integers, or there is none.
    """
    shown = words if len(words) <= 80 else f"{words[:77]}..."
    if (path := _path(words)) is None:
        found: Any = _words(words)
        if len(found) == 1 and not found[0].lstrip("+-").isdecimal():
            raise UnreadableError(f"There is no file {shown}, and it is no {what}.")
    else:
        try:
            found = _read(path, what)
        except UnreadableError:
            raise
        except Exception as error:  # whatever the format leads to
            raise UnreadableError(
                f"The identifiers {what} in {shown} cannot be read: {cause_of(error)}"
            ) from error
    reading = read_values(found, WHOLE)
    if reading.rounded is not None:
        raise CutoutsError(
            f"{reading.rounded} in {shown} is a {what} that has lost its last digits: write them as whole "
            "numbers, in a spreadsheet as text."
        )
    for wrong in reading.unreadable.values():
        raise CutoutsError(f"{wrong!r} in {shown} is no {what}: give whole numbers of 64 bits.")
    identifiers: Sequence[int] = reading.values.drop_null().to_pylist()
    if not identifiers:
        raise CutoutsError(f"There is no {what} in {shown!r}.")
    return tuple(identifiers)


def _path(words: str) -> Path | None:
    """Return the file that is meant, if it is one."""
    path = Path(words)
    try:
        return path if words and path.exists() and not path.is_dir() else None
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return None


def _read(path: Path, what: str) -> Any:
    """Return the identifiers of a file, as they are written there."""
    if (table := read_file(path)) is None:
        data = decoded(path.read_bytes())
        header = data.lstrip().partition(b"\n")[0].decode(errors="replace")
        if what not in renamed(_words(header)):
            return _words(data.decode(errors="replace"))
        table = read_csv(data)
    names = renamed(table.column_names)
    if what not in names:
        raise CutoutsError(f"it has no column {what}, only {', '.join(names)}")
    return table.column(names.index(what))


def _words(text: str) -> list[str]:
    """Return what stands between blanks, commas and the like, without quotes and comments."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    return [word for line in lines for part in re.split(r"[\s,;]+", line) if (word := part.strip("\"'"))]
