"""Sources of another kind among those that are selected, such as injected fakes."""

__all__ = ("Mix", "MixedCatalog", "parse_mix")

import heapq
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..domain import CutoutsError

if TYPE_CHECKING:
    import pyarrow as pa

    from ..sources import Catalog, Selection

_LOG: Final = logging.getLogger(__name__)

_AMOUNT: Final = re.compile(r"(?P<percent>\d+(\.\d+)?)%|(?P<number>\d+)")


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
