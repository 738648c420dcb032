"""The histories of many objects as files, for Zooniverse or to look through."""

__all__ = ("HistoryFiles", "write_histories")

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from ..domain import CutoutsError
from ..output import OutputDirectory, open_directory
from ._history import History

_log = logging.getLogger(__name__)

_MANIFEST: Final = "histories.csv"
_FAILURES: Final = "failed-histories.csv"

_IDS: Final = ("ssObjectId", "diaObjectId")

type MakeHistory = Callable[[str, int], History]
"""What makes the history of an object: the column that identifies it, and its identifier there."""


@dataclass(frozen=True)
class HistoryFiles:
    """What became of each object."""

    written: list[str] = field(default_factory=list)
    """Names of objects whose files were written."""
    skipped: list[str] = field(default_factory=list)
    """Names of those whose files were there."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """Names of the others, with the reason."""


def write_histories(
    outdir: str | Path,
    sources: Iterable[pa.Table],
    make: MakeHistory,
    kind: str,
    *,
    overwrite: bool = False,
) -> HistoryFiles:
    """Write the histories of the objects of some sources.

    Parameters
    ----------
    outdir : `str` or `pathlib.Path`
        Directory for the files. ``histories.csv`` names those of each object, the one with most frames first,
        as panoptescli takes the number of columns from the first row; ``failed-histories.csv`` says which
        objects have none, and why.
    sources : iterable of `pyarrow.Table`
        Tables with ``diaObjectId``, ``ssObjectId`` or both.
    make : `~collections.abc.Callable`
        Makes the history of an object.
    kind : `str`
        ``strip``, one picture per object; ``frames``, one per epoch, as those
        of a subject; ``json``, a light curve for Zooniverse's viewer, and a
        picture of it.
    overwrite : `bool`, optional
        Whether to write files again that are there.

    Returns
    -------
    files : `HistoryFiles`
        What became of each object; none stops another one.

    Raises
    ------
    CutoutsError
        Raised when no source belongs to an object, or the directory cannot be written to.
    """
    result = HistoryFiles()
    files: dict[tuple[str, int], list[str]] = {}
    with open_directory(outdir) as directory:
        for key in _objects(sources):
            name = f"{key[0].removesuffix('Id')}_{key[1]}"
            if not overwrite and (there := _there(directory, name, kind)):
                result.skipped.append(name)
                files[key] = there
                continue
            try:
                files[key] = _write(directory, name, make(*key), kind)
                result.written.append(name)
            except CutoutsError as error:
                result.failed.append((name, str(error)))
            except Exception as error:  # an object that nobody thought of must not stop the others
                _log.warning("The history of %s failed.", name, exc_info=True)
                result.failed.append((name, f"making it failed: {error!r}"))
        if not files and not result.failed:
            raise CutoutsError("None of the selected sources has a diaObjectId or an ssObjectId.")
        _write_manifest(directory, files)
        if result.failed:
            directory.write_csv(_FAILURES, ("object", "reason"), result.failed)
        else:
            directory.remove([_FAILURES])
    return result


def _objects(sources: Iterable[pa.Table]) -> Iterator[tuple[str, int]]:
    """Yield each object once: an ssObject where a source belongs to one, or else a diaObject."""
    seen: set[tuple[str, int]] = set()
    for table in sources:
        columns = [table[n].to_pylist() if n in table.column_names else [None] * len(table) for n in _IDS]
        for values in zip(*columns, strict=True):
            # The APDB writes 0 where a source belongs to no object of that kind.
            key = next(((name, int(value)) for name, value in zip(_IDS, values, strict=True) if value), None)
            if key is not None and key not in seen:
                seen.add(key)
                yield key


def _frame(name: str, number: int) -> str:
    return f"{name}_{number:03}.png"


def _curve(name: str) -> list[str]:
    """Return the two files of a subject with a light curve: Talk shows the picture, the viewer the other."""
    return [f"{name}_curve.png", f"{name}.json"]


def _there(directory: OutputDirectory, name: str, kind: str) -> list[str]:
    """Return the files of an object that an earlier run finished."""
    if kind == "frames":
        found: list[str] = []
        while directory.has(_frame(name, len(found) + 1)):
            found.append(_frame(name, len(found) + 1))
        return found
    paths = _curve(name) if kind == "json" else [f"{name}.png"]
    return paths if all(map(directory.has, paths)) else []


def _write(directory: OutputDirectory, name: str, history: History, kind: str) -> list[str]:
    if kind == "json":
        picture, curve = _curve(name)
        directory.write(picture, history.picture)
        directory.write(curve, json.dumps(history.to_json()).encode())
        return [picture, curve]
    if kind == "strip":
        directory.write(f"{name}.png", history.picture)
        return [f"{name}.png"]
    frames = history.frames()
    # The first one last: where it is, the others are.
    for number in range(len(frames), 0, -1):
        directory.write(_frame(name, number), frames[number - 1])
    directory.remove([_frame(name, len(frames) + 1)])
    return [_frame(name, number + 1) for number in range(len(frames))]


def _write_manifest(directory: OutputDirectory, files: Mapping[tuple[str, int], Sequence[str]]) -> None:
    width = max(map(len, files.values()), default=0)
    names = ["filename" if number == 1 else f"filename_{number}" for number in range(1, width + 1)]
    rows = (
        [*paths, *[""] * (width - len(paths)), *(str(key[1]) if key[0] == n else "" for n in _IDS)]
        for key, paths in sorted(files.items(), key=lambda item: -len(item[1]))
    )
    directory.write_csv(_MANIFEST, (*names, *(f"#{name}" for name in _IDS)), rows)
