"""Choosing among DiaSources: one of each object, random and stratified samples."""

__all__ = ("Keys", "Stratum", "choose", "random_order")

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..domain import CutoutsError
from ._arrays import reals
from ._positions import POSITION

_PRUNE_ROWS: Final = 200_000
_STRATUM_COLUMNS: Final = ("reliability", "band", "detector", "visit")


@dataclass(frozen=True, slots=True)
class Stratum:
    """A division of sources into classes."""

    column: str
    """``reliability``, ``band``, ``detector`` or ``visit``. Sources whose
    value is null are a class of their own."""
    bins: int | None = None
    """Number of equal intervals from 0 to 1, for ``reliability`` only."""

    def __post_init__(self) -> None:
        if self.column not in _STRATUM_COLUMNS:
            raise CutoutsError(
                f"A sample cannot be stratified by {self.column!r}, only by {', '.join(_STRATUM_COLUMNS)}.",
                choices=("stratify",),
            )
        if (self.bins is not None) is not (self.column == "reliability"):
            raise CutoutsError(
                "Stratify reliability by a number of bins, as reliability:10, and the others without."
            )
        if self.bins is not None and not 1 <= self.bins <= 1000:
            raise CutoutsError(f"The number of bins is {self.bins}; it must be from 1 to 1000.")


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Sources that were chosen, by visit, detector and diaSourceId."""

    ids: NDArray[np.int64]
    """Their diaSourceIds."""
    visits: NDArray[np.int64]
    """Their visits; -1 where null."""
    detectors: NDArray[np.int64]
    """Their detectors; -1 where null."""

    def __len__(self) -> int:
        return len(self.ids)

    def first_rows(self, table: pa.Table) -> NDArray[np.int64]:
        """Return where the sources are in a table, in the order of its rows.

        ``table``: rows, of which the first of each ``diaSourceId`` is meant.
        """
        ids, rows = np.unique(_integers(table, "diaSourceId"), return_index=True)
        return np.sort(rows[np.isin(ids, self.ids)])


def choose(
    tables: Iterable[pa.Table],
    one_per_object: bool = False,
    sample: int | None = None,
    seed: int = 0,
    strata: Sequence[Stratum] = (),
    latest: int | None = None,
    limit: int | None = None,
) -> Keys:
    """Return the keys of sources chosen among each other.

    ``tables``: all the candidates, in any order, with columns ``diaSourceId``, ``visit``, ``detector`` and
    those of the other arguments. ``one_per_object``: whether to keep one source of each ``diaObjectId`` only:
    the one of the greatest absolute ``snr``. ``sample``: how many to draw at random; all when not given.
    ``strata``: classes that share the sample evenly. ``latest``: how many to keep of each ``positionId``, or
    ``diaObjectId`` where there is none, of the greatest ``midpointMjdTai``. ``limit``: how many to return,
    the first ones. Returns: the chosen ones; a repeated ``diaSourceId`` counts once. While they are chosen,
    memory holds a few dozen bytes of each candidate for one source per object, and of each source of the
    sample else. Raises `CutoutsError` when a column is not there.
    """
    labels: dict[tuple[object, ...], int] = {}
    kept: NDArray[np.void] | None = None
    pruned = 0
    for table in tables:
        part = _records(table, one_per_object, seed, strata, labels, latest)
        kept = part if kept is None else np.concatenate([kept, part])
        if len(kept) > 2 * pruned + _PRUNE_ROWS:
            kept = _prune(kept, one_per_object, sample, latest)
            pruned = len(kept)
    if kept is None:
        return Keys(*(np.zeros(0, np.int64) for _ in range(3)))
    kept = _prune(kept, one_per_object, sample, latest)
    if sample is not None:
        kept = _draw(kept, sample, labels)
    kept = kept[np.lexsort([kept["id"], kept["detector"], kept["visit"]])][:limit]
    return Keys(kept["id"], kept["visit"], kept["detector"])


def random_order(ids: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return a random number for each identifier, always the same one.

    ``seed``: which of the orders. Returns: the finalizer of the SplitMix64 generator (G. Steele, D. Lea, C.
    Flood, OOPSLA 2014, doi:10.1145/2660193.2660195), a bijection of the 64-bit numbers: no two identifiers
    have the same number.
    """
    start = _mix(np.array([seed % 2**64], np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return _mix(ids.astype(np.uint64) ^ start)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


_RECORD: Final = np.dtype(
    [
        *((name, np.int64) for name in ("id", "visit", "detector", "object", "stratum")),
        ("snr", np.float64),
        ("time", np.float64),
        ("random", np.uint64),
    ]
)


def _records(
    table: pa.Table,
    one_per_object: bool,
    seed: int,
    strata: Sequence[Stratum],
    labels: dict[tuple[object, ...], int],
    latest: int | None,
) -> NDArray[np.void]:
    """Return what the choice has to know of each row."""
    records = np.zeros(len(table), _RECORD)
    for name, column in (("id", "diaSourceId"), ("visit", "visit"), ("detector", "detector")):
        records[name] = _integers(table, column)
    records["random"] = random_order(records["id"], seed)
    if one_per_object:
        records["object"] = _integers(table, "diaObjectId", null=0)
        if "snr" in table.column_names:
            records["snr"] = np.nan_to_num(np.abs(reals(table, "snr")), nan=-1.0, posinf=np.inf)
    if latest is not None:
        name = POSITION if POSITION in table.column_names else "diaObjectId"
        records["object"] = _integers(table, name, null=0)
        _require(table, "midpointMjdTai")
        records["time"] = np.nan_to_num(reals(table, "midpointMjdTai"), nan=-np.inf)
    if strata:
        classes = list(zip(*(_classes(table, stratum) for stratum in strata), strict=True))
        records["stratum"] = [labels.setdefault(label, len(labels)) for label in classes]
    return records


def _classes(table: pa.Table, stratum: Stratum) -> list[object]:
    """Return the class of each row, of one type that sorts, null first."""
    _require(table, stratum.column)
    if stratum.bins is not None:
        with np.errstate(invalid="ignore"):
            found = np.clip(np.floor(reals(table, stratum.column) * stratum.bins), 0, stratum.bins - 1)
        return list(np.nan_to_num(found, nan=-1.0).astype(np.int64).tolist())
    if stratum.column == "band":
        return list(pc.fill_null(table.column("band").cast(pa.string()), "").to_pylist())
    return list(_integers(table, stratum.column).tolist())


def _prune(
    kept: NDArray[np.void], one_per_object: bool, sample: int | None, latest: int | None
) -> NDArray[np.void]:
    """Return the records that can still be chosen."""
    kept = kept[np.unique(kept["id"], return_index=True)[1]]
    if one_per_object:
        kept = kept[np.lexsort([kept["id"], -kept["snr"], kept["object"]])]
        first = np.ones(len(kept), bool)
        first[1:] = (kept["object"][1:] != kept["object"][:-1]) | (kept["object"][1:] == 0)
        kept = kept[first]
    elif latest is not None:
        kept = kept[np.lexsort([kept["id"], -kept["time"], kept["object"]])]
        kept = kept[(_places_among_equals(kept["object"]) < latest) | (kept["object"] == 0)]
    elif sample is not None:
        kept = kept[_rank(kept) < sample]
    return kept


def _rank(kept: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the place of each record in the random order of its stratum."""
    order = np.lexsort([kept["random"], kept["stratum"]])
    rank = np.empty(len(kept), np.int64)
    rank[order] = _places_among_equals(kept["stratum"][order])
    return rank


def _places_among_equals(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of the same come before each of some sorted values."""
    begins = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else values
    return np.arange(len(values)) - np.repeat(begins, np.diff(np.r_[begins, len(values)]))


def _draw(kept: NDArray[np.void], sample: int, labels: dict[tuple[object, ...], int]) -> NDArray[np.void]:
    """Return the first ones of the random order of each stratum, evenly."""
    names = {code: label for label, code in labels.items()}
    strata, sizes = np.unique(kept["stratum"], return_counts=True)
    shares: dict[int, int] = {}
    left = sample
    # The smallest strata first: what they lack falls to the larger ones.
    order = sorted(
        zip(sizes.tolist(), strata.tolist(), strict=True), key=lambda s: (s[0], names.get(s[1], ()))
    )
    for done, (size, stratum) in enumerate(order):
        shares[stratum] = min(size, left // (len(order) - done))
        left -= shares[stratum]
    quota = np.array([shares[stratum] for stratum in strata.tolist()], np.int64)
    return kept[_rank(kept) < quota[np.searchsorted(strata, kept["stratum"])]]


def _integers(table: pa.Table, name: str, null: int = -1) -> NDArray[np.int64]:
    _require(table, name)
    column = pc.fill_null(table.column(name).cast(pa.int64()), null)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _require(table: pa.Table, name: str) -> None:
    if name not in table.column_names:
        raise CutoutsError(f"The catalogue has no column {name!r}, which the choice of sources needs.")
