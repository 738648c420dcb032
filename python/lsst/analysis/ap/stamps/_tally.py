"""Counts of sources, for the data card."""

__all__ = ("Tally",)

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ._schemas import as_text

_COUNTED: Final = ("band", "reliability", "reliabilityVersion")

_MOST: Final = 30
"""A column with more values than that is not counted value by value."""

_NO_VALUE: Final = "(none)"


class Tally:
    """Counts of sources by the values of some columns.

    ``splits``: values of the column ``split``, in order; empty where there is none.
    """

    def __init__(self, label: str | None, splits: Sequence[str]) -> None:
        self._splits = tuple(splits)
        self._label = label
        self._counts: dict[str, Counter[tuple[str, str]]] = {}

    def add(self, catalogue: pa.Table) -> None:
        """Count some sources."""
        split = catalogue.column("split") if self._splits else pa.array([""] * len(catalogue))
        for name in ("", *filter(None, (self._label, *_COUNTED))):
            if name and name not in catalogue.column_names:
                continue
            values = _classes(name, catalogue.column(name)) if name else pa.array([""] * len(catalogue))
            groups = pa.table({"value": values, "split": split}).group_by(["value", "split"])
            counts = self._counts.setdefault(name, Counter())
            for row in groups.aggregate([([], "count_all")]).to_pylist():
                counts[_NO_VALUE if row["value"] is None else row["value"], row["split"]] += row["count_all"]

    @property
    def balance(self) -> dict[str, int]:
        """How many sources each label has."""
        classes: Counter[str] = Counter()
        if self._label is not None:
            for (label, _), count in self._counts.get(self._label, Counter()).items():
                classes[label] += count
        return dict(sorted(classes.items()))

    def tables(self) -> Iterator[list[list[str]]]:
        """Yield a table of all sources, and one of each column that was counted.

        Yields: a header with the name of the column and the splits, and a row for each value of the column.
        """
        for name, counts in self._counts.items():
            rows = [[name or "sources", *self._splits, "all"]]
            values = sorted({value for value, _ in counts})
            if len(values) > _MOST:
                rows.append([f"{len(values)} values", *self._row("", self._counts[""])])
            else:
                rows += [[value, *self._row(value, counts)] for value in values]
            yield rows

    def _row(self, value: str, counts: Counter[tuple[str, str]]) -> list[str]:
        of_splits = [counts[value, split] for split in self._splits or ("",)]
        return list(map(str, [*(of_splits if self._splits else ()), sum(of_splits)]))


def _classes(name: str, column: pa.ChunkedArray) -> pa.Array:
    """Return values as text, those of reliability in tenths."""
    if name == "reliability" and pa.types.is_floating(column.type):
        tenths = pc.floor(pc.multiply(column.cast(pa.float64()), 10.0))
        tenths = pc.if_else(
            pc.is_nan(tenths), None, pc.max_element_wise(pc.min_element_wise(tenths, 9.0), 0.0)
        )
        names = [f"{n / 10:.1f} to {(n + 1) / 10:.1f}" for n in range(10)]
        return pa.array(names).take(tenths.cast(pa.int64()))
    return pa.array(as_text(column), pa.string())
