"""Sources whose right answer is known, as training subjects."""

__all__ = ("GoldCatalog", "read_gold")

import csv
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..domain import CutoutsError

if TYPE_CHECKING:
    import pyarrow as pa

    from ..sources import Catalog, Selection

_LOG: Final = logging.getLogger(__name__)

_TRAINING: Final = "#training_subject"
_RULE: Final = "gold"
_COLUMNS: Final = {
    "id": "#feedback_1_id",
    "answer": "#feedback_1_answer",
    "successMessage": "#feedback_1_successMessage",
    "failureMessage": "#feedback_1_failureMessage",
}
"""What the columns of the file are for Zooniverse's feedback."""


def read_gold(path: str) -> dict[int, dict[str, str]]:
    """Return the metadata of training subjects, by diaSourceId.

    The file is CSV or Parquet with the columns ``diaSourceId`` and ``answer``, the number of the right answer
    in the workflow, from 0; and perhaps ``successMessage``, ``failureMessage``, and ``id``, that of the rule
    for feedback in the lab.
    """
    rows = _rows(path)
    missing = [name for name in ("diaSourceId", "answer") if rows and name not in rows[0]]
    if not rows or missing:
        raise CutoutsError(
            f"--gold {path} has no {', '.join(missing) or 'rows'}: it needs diaSourceId and answer."
        )
    gold = {}
    for number, row in enumerate(rows, start=1):
        for name in ("diaSourceId", "answer"):
            if not str(row[name]).strip().isdecimal():
                meant = "number of an answer, 0 for the first" if name == "answer" else name
                raise CutoutsError(f"--gold {path}, row {number}: {row[name]!r} is no {meant}.")
        texts = {name: str(row.get(name) or "") for name in _COLUMNS} | {"answer": str(row["answer"]).strip()}
        texts["id"] = texts["id"] or _RULE
        gold[int(row["diaSourceId"])] = {_COLUMNS[name]: text for name, text in texts.items() if text}
    return gold


def _rows(path: str) -> list[dict[str, Any]]:
    try:
        if Path(path).suffix.lower() in (".parquet", ".parq", ".pq"):
            import pyarrow.parquet as pq

            return list(pq.read_table(path).to_pylist())
        with open(path, newline="", encoding="utf-8-sig") as stream:
            return list(csv.DictReader(stream))
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise CutoutsError(f"--gold {path} cannot be read: {cause}.") from error


class GoldCatalog:
    """A catalogue that says which of its sources are training subjects."""

    def __init__(self, catalog: "Catalog", gold: Mapping[int, Mapping[str, str]]) -> None:
        self._catalog, self._gold = catalog, gold
        self.instrument = catalog.instrument
        self._told = False

    def read(self, selection: "Selection", columns: Collection[str] | None = None) -> "Iterator[pa.Table]":
        """Yield the wanted sources, with the columns of training subjects."""
        found = 0
        for table in self._catalog.read(selection, columns):
            marked, number = self._mark(table)
            found += number
            yield marked
        if found < len(self._gold) and not self._told:
            _LOG.warning(
                "%d of the %d sources with a known answer are not among those that are selected.",
                len(self._gold) - found,
                len(self._gold),
            )
        self._told = True

    def _mark(self, table: "pa.Table") -> "tuple[pa.Table, int]":
        import pyarrow as pa

        metadata = [self._gold.get(identifier) for identifier in table.column("diaSourceId").to_pylist()]
        used = {name for values in self._gold.values() for name in values}
        columns: dict[str, list[str | None]] = {
            _TRAINING: ["false" if values is None else "true" for values in metadata]
        }
        for name in _COLUMNS.values():
            if name in used:
                columns[name] = [None if values is None else values.get(name) for values in metadata]
        table = table.drop_columns([name for name in columns if name in table.column_names])
        for name, texts in columns.items():
            table = table.append_column(name, pa.array(texts, pa.string()))
        return table, sum(values is not None for values in metadata)
