"""What changed between two directories of pictures."""

__all__ = ("Thresholds", "compare_items")

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..output import join_rows
from ._data import flag_words
from ._items import Items, PictureSet
from ._match import check_positions, match_sources

_DETECTION: Final = 5.0
"""Signal-to-noise at which sources are detected: ``thresholdValue`` of
`lsst.ip.diffim.DetectAndMeasureTask`."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a source counts as changed."""

    radius: float = 1.0
    """Greatest distance of a source to itself, in arcseconds."""
    flux: float = 1.0
    """Change of ``psfFlux``, in units of its error. Both runs measure the
    same pixels, so that noise is no excuse."""
    reliability: float = 0.1
    """Change of ``reliability``."""
    shift: float = 0.1
    """Change of the position, in arcseconds."""


def compare_items(before: Items, after: Items, thresholds: Thresholds | None = None) -> Items:
    """Put the sources of two directories side by side.

    ``before``, ``after``: what `read_items` returned for each. ``thresholds``: from where on a source counts
    as changed. Returns: one row for each source of either, those that changed most first, with both pictures.
    ``status`` is ``lost`` (only before), ``gained`` (only after), ``changed`` or ``kept``; ``change`` says
    how many times the threshold the greatest change is (of a lost or gained source, its signal-to-noise over
    that of a detection). Columns of the catalogue are those after, or of a lost source those before; where
    both have values, those before are in columns that end in ``_before``. Exchanging the directories
    exchanges ``lost`` and ``gained`` and nothing else. Raises `CutoutsError` when a catalogue has no
    positions.
    """
    thresholds = thresholds or Thresholds()
    check_positions(before.table)
    check_positions(after.table)
    # Two files may have one column in different types.
    joined = join_rows([before.table, after.table])
    before = replace(before, table=joined.slice(0, len(before.table)))
    after = replace(after, table=joined.slice(len(before.table)))
    pairs_before, pairs_after, distance = match_sources(before.table, after.table, thresholds.radius)
    lost = np.setdiff1d(np.arange(len(before.table)), pairs_before)
    gained = np.setdiff1d(np.arange(len(after.table)), pairs_after)
    rows = (
        np.concatenate([pairs_before, lost, np.full(len(gained), -1)]),
        np.concatenate([pairs_after, np.full(len(lost), -1), gained]),
    )
    old, new = _taken(before.table, rows[0]), _taken(after.table, rows[1])
    changes = _changes(old, new, np.concatenate([distance, np.full(len(lost) + len(gained), np.nan)]))
    status, change = _judged(old, new, changes, thresholds, rows)
    table = _joined(
        old,
        new,
        {"status": pa.array(status), "change": pa.array(change.astype(np.float32)), **_columns(changes)},
    )
    order = np.lexsort((table.column("diaSourceId").to_numpy(), status, -change))
    pictures = tuple(
        _pictures(items.pictures[0], each[order], name)
        for items, each, name in zip((before, after), rows, _names(before, after), strict=True)
    )
    title = " and ".join(_names(before, after))
    return Items(title, table.take(pa.array(order)), pictures, "most changed first", _summary(table))


def _names(before: Items, after: Items) -> tuple[str, str]:
    same = before.title == after.title
    return (f"{before.title} (before)", f"{after.title} (after)") if same else (before.title, after.title)


def _taken(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Return rows of a table; those of number -1 are null."""
    return table.take(pa.array(rows, pa.int64(), mask=rows < 0))


def _changes(before: pa.Table, after: pa.Table, distance: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return by how much each pair differs; NaN where it cannot be said."""
    flux, error, reliability = (
        [_numbers(table, name) for table in (before, after)]
        for name in ("psfFlux", "psfFluxErr", "reliability")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        typical = np.sqrt((error[0] ** 2 + error[1] ** 2) / 2)
        return {
            "shift": distance,
            "flux_change": (flux[1] - flux[0]) / typical,
            "reliability_change": reliability[1] - reliability[0],
            "flags_changed": _flags(before, after),
        }


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names or not _is_number(table.schema.field(name).type):
        return np.full(len(table), np.nan)
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(), np.float64)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _flags(before: pa.Table, after: pa.Table) -> NDArray[Any]:
    """Return the flag words that one of a pair has and the other has not."""
    found: list[list[str]] = [[] for _ in range(len(before))]
    for word in flag_words():
        one, other = (_has(table, word["columns"]) for table in (before, after))
        if one is None or other is None:
            continue
        for row in np.flatnonzero(one != other):
            found[row].append(f"{'+' if other[row] else '-'}{word['word']}")
    return np.array([" ".join(words) for words in found], dtype=object)


def _has(table: pa.Table, columns: Any) -> NDArray[np.bool_] | None:
    present = [
        table.column(name)
        for name in columns
        if name in table.column_names and pa.types.is_boolean(table.schema.field(name).type)
    ]
    if not present:
        return None
    return np.any([pc.fill_null(column, False).to_numpy() for column in present], axis=0)


def _judged(
    before: pa.Table,
    after: pa.Table,
    changes: dict[str, NDArray[Any]],
    thresholds: Thresholds,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return status and change of each row."""
    only_before, only_after = rows[1] < 0, rows[0] < 0
    paired = ~(only_before | only_after)
    changes["flags_changed"][~paired] = ""
    sizes = [
        changes["shift"] / thresholds.shift,
        np.abs(changes["flux_change"]) / thresholds.flux,
        np.abs(changes["reliability_change"]) / thresholds.reliability,
        np.array([float(len(words.split())) for words in changes["flags_changed"]]),
    ]
    change = np.nan_to_num(
        np.fmax.reduce([*sizes, np.zeros(len(paired))]), posinf=float(np.finfo(np.float32).max)
    )
    snr = np.where(only_before, _numbers(before, "snr"), _numbers(after, "snr"))
    change[~paired] = np.fmax(np.abs(snr[~paired]) / _DETECTION, 1.0)
    status = np.where(
        only_before, "lost", np.where(only_after, "gained", np.where(change >= 1, "changed", "kept"))
    )
    return status, change


def _columns(changes: dict[str, NDArray[Any]]) -> dict[str, pa.Array]:
    return {
        name: _words(values)
        if values.dtype == object
        else pa.array(values.astype(np.float32), from_pandas=True)
        for name, values in changes.items()
    }


def _words(values: Sequence[str] | NDArray[Any]) -> pa.Array:
    return pa.array([value or None for value in values], pa.string())


def _joined(before: pa.Table, after: pa.Table, ours: dict[str, pa.Array]) -> pa.Table:
    """Return our columns, those after, and those before beside them."""
    lost = pc.is_null(after.column("diaSourceId"))
    columns: dict[str, pa.Array | pa.ChunkedArray] = dict(ours)
    for name in after.column_names:
        if name in ours:
            continue
        one, other = before.column(name), after.column(name)
        columns[name] = pc.if_else(lost, one, other)
        if name not in _SAME:
            columns.setdefault(f"{name}_before", one)
    return pa.table(columns)


_SAME: Final = ("visit", "detector", "instrument", "band", "midpointMjdTai")
"""Columns that a pair has in common."""


def _pictures(pictures: PictureSet, rows: NDArray[np.int64], name: str) -> PictureSet:
    places = rows.tolist()
    return PictureSet(
        name,
        [pictures.paths[row] if row >= 0 else None for row in places],
        [pictures.facts[row] if row >= 0 else None for row in places],
        pictures.colors,
    )


def _median(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    return f"{np.median(known):.3g}" if known.size else ""


def _summary(table: pa.Table) -> list[list[str]]:
    """Return the numbers of each status, for all bands and for each."""
    statuses = table.column("status").to_pylist()
    bands = table.column("band").to_pylist() if "band" in table.column_names else [None] * len(statuses)
    words = ("lost", "gained", "changed", "kept")
    medians = {name: np.abs(_numbers(table, name)) for name in ("shift", "flux_change", "reliability_change")}
    lines = [["band", *words, "before", "after", "median shift", "of flux_change", "of reliability_change"]]
    for band in ("all", *sorted({band for band in bands if band is not None})):
        found = [s for s, b in zip(statuses, bands, strict=True) if band in ("all", b)]
        numbers = [found.count(word) for word in words]
        lost, gained = numbers[:2]
        middle = [_median(values[[band in ("all", b) for b in bands]]) for values in medians.values()]
        totals = (len(found) - gained, len(found) - lost)
        lines.append([band, *map(str, [*numbers, *totals]), *middle])
    return lines
