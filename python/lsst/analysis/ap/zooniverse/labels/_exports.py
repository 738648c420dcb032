"""The files that Zooniverse exports, as batches of rows."""

__all__ = ("CLASSIFICATIONS", "SUBJECTS", "Export", "open_export")

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv
from zlib_ng import gzip_ng, zlib_ng

from ...domain import CutoutsError, UnreadableError
from ...messages import no_such

CLASSIFICATIONS: Final = (
    *("classification_id", "user_name", "user_id", "workflow_id", "workflow_name", "workflow_version"),
    *("created_at", "annotations", "subject_data", "subject_ids"),
)
"""Columns of a classification export that labels are made of."""

SUBJECTS: Final = (
    *("subject_id", "workflow_id", "metadata", "locations", "classifications_count", "retired_at"),
    "retirement_reason",
)
"""Columns of a subject export that labels are made of."""

_KINDS: Final = {"classifications": CLASSIFICATIONS, "subjects": SUBJECTS}
_BLOCK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_DAMAGE: Final = (pa.ArrowInvalid, OSError, EOFError, cast(Any, zlib_ng.error))  # declared as an instance
_REMEDY: Final = "Download it again from the project's page 'Data Exports'."


@dataclass(frozen=True, slots=True)
class Export:
    """A file that Zooniverse made, CSV or gzipped CSV."""

    path: Path
    """Where it is."""
    kind: Literal["classifications", "subjects"]
    """What its rows are."""

    def read(self, spoilt: Callable[[str], object]) -> Iterator[pa.RecordBatch]:
        """Yield the rows, as text, in the order of the file.

        ``spoilt``: is told of each row that has too few cells or too many, and is left out. Yields: some
        rows, with the columns of their kind; empty cells are empty texts. Raises `UnreadableError` when the
        file is cut off or damaged, or is no CSV.
        """
        columns = list(_KINDS[self.kind])

        def note(row: arrow_csv.InvalidRow) -> str:
            spoilt(f"a row has {row.actual_columns} cells in place of {row.expected_columns}")
            return "skip"

        with _open(self.path) as text:
            content = _Content(text)
            try:
                yield from arrow_csv.open_csv(
                    pa.PythonFile(content, mode="r"),
                    read_options=arrow_csv.ReadOptions(block_size=_BLOCK),
                    parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
                    convert_options=arrow_csv.ConvertOptions(
                        include_columns=columns,
                        column_types=dict.fromkeys(columns, pa.string()),
                        strings_can_be_null=False,
                    ),
                )
            except _DAMAGE as error:
                raise UnreadableError(f"{self.path} cannot be read: {_line(error)}. {_REMEDY}") from error
            if content.end not in (b"\n", b"\r"):
                # Whether the last row is whole cannot be told from the row: half a number is a number.
                raise UnreadableError(f"{self.path} ends in the middle of a row: it is cut off. {_REMEDY}")


def open_export(path: str | Path) -> Export:
    """Find out what a file is.

    ``path``: a classification export or a subject export. Raises `UnreadableError` when it cannot be read.
    Raises `CutoutsError` when it is neither.
    """
    path = Path(path)
    try:
        with _open(path) as text:
            start = text.readline()
    except FileNotFoundError as error:
        raise UnreadableError(no_such("file", path)) from error
    except _DAMAGE as error:
        raise UnreadableError(f"{path} cannot be read: {_line(error)}. {_REMEDY}") from error
    if start.startswith(_ZIP):
        raise CutoutsError(f"{path} is a zip archive: unpack it and give the CSV file in it.")
    header = start.decode("utf-8-sig", errors="replace").splitlines()[:1]
    header = next(csv.reader(header), [])
    lacking = {kind: [name for name in names if name not in header] for kind, names in _KINDS.items()}
    for kind, names in lacking.items():
        if not names:
            return Export(path, kind)  # type: ignore[arg-type]
    kind = min(lacking, key=lambda kind: len(lacking[kind]))
    raise CutoutsError(
        f"{path} is neither a classification export nor a subject export of Zooniverse: for one of {kind} "
        f"it lacks {', '.join(lacking[kind][:3])}. {_REMEDY}"
    )


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    return gzip_ng.open(path, "rb") if packed else path.open("rb")  # type: ignore[no-untyped-call]


def _line(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200].rstrip(".") or type(error).__name__


class _Content(io.RawIOBase):
    """The text of an export, which remembers how it ended."""

    def __init__(self, text: IO[bytes]) -> None:
        self._text = text
        self.end = b"\n"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._text.read(size)
        if content:
            self.end = content[-1:]
        return content
