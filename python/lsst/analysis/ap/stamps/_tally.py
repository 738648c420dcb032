"""Counts of sources, for the data card."""

__all__ = ("Tally",)

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

_COUNTED: Final = ("band", "reliability", "reliabilityVersion")

_MOST: Final = 30
"""A column with more values than that is not counted value by value."""

_NO_VALUE: Final = "(none)"


class Tally:
    """Counts of sources by the values of some columns.

    Parameters
    ----------
    label : `str` or `None`
        Column of the labels.
    splits : sequence of `str`
        Values of the column ``split``, in order; empty where there is none.
    """

    def __init__(self, label: str | None, splits: Sequence[str]) -> None:
        self._splits = tuple(splits)
        self._label = label
        self._counts: dict[str, Counter[tuple[str, str]]] = {}
        self.sources: Counter[str] = Counter()
        """How many there are in each split."""

    def add(self, catalogue: pa.Table) -> None:
        """Count some sources.

        Parameters
        ----------
        catalogue : `pyarrow.Table`
            Their rows.
        """
        splits = catalogue.column("split").to_pylist() if self._splits else [""] * len(catalogue)
        self.sources.update(splits)
        for name in filter(None, (self._label, *_COUNTED)):
            if name in catalogue.column_names:
                values = _classes(name, catalogue.column(name))
                self._counts.setdefault(name, Counter()).update(zip(values, splits, strict=True))

    @property
    def balance(self) -> dict[str, int]:
        """How many sources each label has."""
        classes: Counter[str] = Counter()
        for (label, _), count in self._counts.get(self._label or "", Counter()).items():
            classes[label] += count
        return dict(sorted(classes.items()))

    def tables(self) -> Iterator[list[list[str]]]:
        """Yield a table of all sources, and one of each column that was counted.

        Yields
        ------
        rows : `list` [`list` [`str`]]
            A header with the name of the column and the splits, and a row for
            each value of the column.
        """
        yield [["sources", *self._splits, "all"], ["", *self._row(self.sources)]]
        for name, counts in self._counts.items():
            head = [name, *self._splits, "all"]
            values = sorted({value for value, _ in counts})
            if len(values) > _MOST:
                yield [head, [f"{len(values)} values", *self._row(self.sources)]]
                continue
            rows = [Counter({s: counts[value, s] for s in self._splits or ("",)}) for value in values]
            yield [head, *([value, *self._row(row)] for value, row in zip(values, rows, strict=True))]

    def _row(self, counts: Counter[str]) -> list[str]:
        return [*(str(counts[split]) for split in self._splits), str(counts.total())]


def _classes(name: str, column: pa.ChunkedArray) -> list[str]:
    """Return values as text, those of reliability in tenths."""
    if name == "reliability" and pa.types.is_floating(column.type):
        values = column.cast(pa.float64()).to_numpy()
        tenths = np.clip(np.floor(np.nan_to_num(values, nan=-1.0) * 10), -1, 9).astype(int)
        return [_NO_VALUE if n < 0 else f"{n / 10:.1f} to {(n + 1) / 10:.1f}" for n in tenths.tolist()]
    return [_NO_VALUE if value is None else str(value) for value in column.to_pylist()]
