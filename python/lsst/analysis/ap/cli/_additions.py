"""What goes with the selected sources: others that are mixed in, and training subjects."""

__all__ = ("GoldCatalog", "Mix", "MixedCatalog", "parse_mix", "read_gold")

import csv
import heapq
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..domain import CutoutsError
from ..messages import cause_of

if TYPE_CHECKING:
    import pyarrow as pa

    from ..sources import Catalog, Selection

_LOG: Final = logging.getLogger(__name__)

_AMOUNT: Final = re.compile(r"(?P<percent>\d+(\.\d+)?)%|(?P<number>\d+)")

_TRAINING: Final = "#training_subject"
_RULE: Final = "gold"
_COLUMNS: Final = {
    "id": "#feedback_1_id",
    "answer": "#feedback_1_answer",
    "successMessage": "#feedback_1_successMessage",
    "failureMessage": "#feedback_1_failureMessage",
}
"""What the columns of the file are for Zooniverse's feedback."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Sources to mix in."""

    condition: str
    """Which sources."""
    share: float
    """Their part of all sources, from 0 to 1; 0 where their number counts."""
    number: int
    """How many; 0 where their share counts."""

    def count(self, total: int) -> int:
        """Return how many of them there are among so many sources."""
        return self.number or round(self.share * total)


def parse_mix(word: str) -> Mix:
    """Return what a condition and an amount say, such as ``pixelFlags_injected:5%``."""
    condition, _, amount = word.rpartition(":")
    match = _AMOUNT.fullmatch(amount.strip())
    if not condition.strip() or match is None:
        raise CutoutsError(
            f"--mix {word!r} is not CONDITION:SHARE, such as 'pixelFlags_injected:5%', or CONDITION:NUMBER."
        )
    share, number = float(match["percent"] or 0) / 100, int(match["number"] or 0)
    if not (0 < share < 1 or number > 0):
        raise CutoutsError(f"--mix {word!r}: the amount is more than nothing, and less than 100%.")
    return Mix(condition.strip(), share, number)


class MixedCatalog:
    """A catalogue of which every selection has sources of other kinds in it.

    These are drawn at random, from the same places, bands and times as the
    others. What else is asked of the others is not asked of them.
    """

    def __init__(self, catalog: "Catalog", mixes: Sequence[Mix]) -> None:
        self._catalog, self._mixes = catalog, tuple(mixes)
        self.instrument = catalog.instrument
        self._known: tuple[Selection, tuple[Selection, ...]] | None = None
        self._told = False
        if sum(mix.share for mix in mixes) >= 1:
            raise CutoutsError("The shares of all --mix leave nothing for the other sources: lower them.")

    def read(self, selection: "Selection", columns: Collection[str] | None = None) -> "Iterator[pa.Table]":
        """Yield the sources of a selection, and those that are mixed in; a sample counts both."""
        if self._known is None or self._known[0] != selection:
            self._known = selection, tuple(self._selections(selection))
        counts = [0] * len(self._known[1])
        streams = [self._read(number, part, columns, counts) for number, part in enumerate(self._known[1])]
        for _, table in heapq.merge(*streams, key=lambda item: item[0]):
            yield table
        self._tell(counts)

    def _selections(self, selection: "Selection") -> "Iterator[Selection]":
        """Yield the selection without what is mixed in, and one for each of that."""
        from ..sources import Selection

        others = replace(selection, where=_without(selection.where, self._mixes))
        if selection.sample is not None:
            total = selection.sample
        else:
            total = sum(len(table) for table in self._catalog.read(others, ()))
            total = round(
                (total + sum(m.number for m in self._mixes)) / (1 - sum(m.share for m in self._mixes))
            )
        counts = [mix.count(total) for mix in self._mixes]
        if selection.sample is not None:
            if sum(counts) >= selection.sample:
                raise CutoutsError(
                    f"{sum(counts)} sources to mix in leave nothing of a sample of {selection.sample}."
                )
            others = replace(others, sample=selection.sample - sum(counts))
        yield others
        for mix, count in zip(self._mixes, counts, strict=True):
            if count:
                yield Selection(
                    where=mix.condition,
                    sample=count,
                    seed=selection.seed,
                    bands=selection.bands,
                    visits=selection.visits,
                    detectors=selection.detectors,
                    regions=selection.regions,
                    time_min=selection.time_min,
                    time_max=selection.time_max,
                )
            else:
                _LOG.warning(
                    "%s is so small a share of %d sources that none is mixed in.", mix.condition, total
                )

    def _read(
        self, number: int, selection: "Selection", columns: Collection[str] | None, counts: list[int]
    ) -> "Iterator[tuple[tuple[int, int], pa.Table]]":
        """Yield the sources of each detector, with what they are to be merged by."""
        for table in self._catalog.read(selection, columns):
            counts[number] += len(table)
            yield from _by_detector(table)

    def _tell(self, counts: Sequence[int]) -> None:
        """Warn of what is less than it was to be, once."""
        assert self._known is not None
        if not self._told:
            for count, part in zip(counts[1:], self._known[1][1:], strict=True):
                if count < (part.sample or 0):
                    _LOG.warning(
                        "Only %d sources meet %r; %d were to be mixed in.", count, part.where, part.sample
                    )
        self._told = True


def _without(where: str | None, mixes: Iterable[Mix]) -> str:
    """Return a condition that sources must meet that are not those to be mixed in."""
    from ..sources import columns_of, parse_condition

    parts = [] if where is None else [f"({where})"]
    for mix in mixes:
        # What has no value is not meant by the condition, and must not go away either.
        unknown = (f"{name} is None" for name in sorted(columns_of(parse_condition(mix.condition))))
        parts.append(f"({' or '.join([f'not ({mix.condition})', *unknown])})")
    return " and ".join(parts)


def _by_detector(table: "pa.Table") -> "Iterator[tuple[tuple[int, int], pa.Table]]":
    """Yield each run of rows with one visit and detector."""
    import numpy as np

    keys = np.array(
        [table.column(name).cast("int64").fill_null(-1).to_numpy() for name in ("visit", "detector")]
    )
    edges = np.flatnonzero((np.diff(keys) != 0).any(axis=0)) + 1
    for start, stop in pairwise([0, *edges.tolist(), len(table)]):
        if stop > start:
            yield (int(keys[0, start]), int(keys[1, start])), table.slice(start, stop - start)


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
        cause = getattr(error, "strerror", None) or cause_of(error)
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
