"""What the tables of a repository have on a detector, besides the sources that are to be shown."""

__all__ = ("NEIGHBOURS", "NeighbourTables", "Places", "find_neighbour_tables")

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import DetectorVisit
from ..messages import cause_of
from ._butler_tables import get_table
from ._kinds import REAL, WHOLE, Kind, read_values
from ._synonyms import renamed

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

_log = logging.getLogger(__name__)

NEIGHBOURS: Final[Mapping[str, str]] = {
    "sources": "other DiaSources of the image, as circles",
    "rejected": "rejected ones and those of low reliability, as dashed circles",
    "object": "mean positions of DiaObjects, as crosses",
    "solar-system": "predicted positions of solar-system objects, as diamonds",
    "trails": "the trails that were fitted to DiaSources, as lines",
}
"""What can be marked, and how."""

_SOURCE_TABLES: Final = ("dia_source_detector", "dia_source_visit", "dia_source_apdb", "dia_source")
_UNFILTERED: Final = "dia_source_unfiltered"
_TABLES: Final[Mapping[str, Sequence[str]]] = {
    "sources": _SOURCE_TABLES,
    "rejected": (
        *("dia_source_low_reliability", "rejected_dia_source", "long_trailed_source_detector"),
        *("long_trailed_dia_source", _UNFILTERED),
    ),
    "object": ("dia_object_detector", "dia_object_apdb", "dia_object"),
    "solar-system": ("ss_source_detector", "ss_source_visit", "ss_source"),
    "trails": _SOURCE_TABLES,
}
"""Dataset types by what they have, the nearest to a detector first. Of the rejected every one counts."""

_POSITION: Final[Mapping[str, tuple[str, str]]] = {
    "solar-system": ("ephRa", "ephDec"),
    "trails": ("trailRa", "trailDec"),
}
"""Columns of the position in degrees, by `lsst.sdm.schemas`, where these are not ``ra`` and ``dec``."""

_REMEMBERED_TABLES: Final = 8
"""Tables of more than one detector that are kept; at most so many tracts lie under neighbouring detectors."""

_COLUMNS: Final = (
    *("diaSourceId", "visit", "detector", "ra", "dec", "ephRa", "ephDec"),
    *("trailRa", "trailDec", "trailLength", "trailAngle"),
)


@dataclass(frozen=True, eq=False)
class Places:
    """Where things of one kind are on the sky."""

    ids: NDArray[np.int64]
    """The DiaSource that each is, or belongs to; 0 where it has none."""
    ra: NDArray[np.float64]
    """Right ascension, ICRS degrees."""
    dec: NDArray[np.float64]
    """Declination, ICRS degrees."""
    length: NDArray[np.float64] | None = None
    """Length of each trail, arcseconds; `None` for points."""
    angle: NDArray[np.float64] | None = None
    """Direction of each trail, degrees from north through east; `None` for points."""


def find_neighbour_tables(butler: "Butler", kinds: Collection[str]) -> "NeighbourTables | None":
    """Find the tables that have what is near.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        Repository, with the default collections to search.
    kinds : `~collections.abc.Collection` [`str`]
        What is wanted, words of `NEIGHBOURS`.

    Returns
    -------
    tables : `NeighbourTables` or `None`
        What reads them; `None` when there is none. A kind without a table is told in a line of the log.
    """
    wanted = {*_SOURCE_TABLES, *(name for kind in kinds for name in _TABLES[kind])}
    registered = {known.name for known in butler.registry.queryDatasetTypes(sorted(wanted))}
    there = {name for name in registered if butler.query_datasets(name, limit=1, explain=False)}
    accepted = next((name for name in _SOURCE_TABLES if name in there), None)
    types: dict[str, tuple[str, ...]] = {}
    for kind in (kind for kind in NEIGHBOURS if kind in kinds):
        found = tuple(name for name in _TABLES[kind] if name in there)
        if kind == "rejected" and accepted is None:
            # Nobody could say which of the unfiltered ones were rejected.
            found = tuple(name for name in found if name != _UNFILTERED)
        if found:
            types[kind] = found if kind == "rejected" else found[:1]
            continue
        known = sorted(t.name for t in butler.registry.queryDatasetTypes(["*dia_*", "*_dia*", "ss_*"]))
        _log.warning(
            "showNeighbours: nothing is marked as %s, for %s has none of %s. Tables there: %s.",
            kind,
            ", ".join(butler.collections.defaults),
            ", ".join(_TABLES[kind]),
            ", ".join(known) or "none",
        )
    return NeighbourTables(types, accepted) if types else None


class NeighbourTables:
    """Reads what is on a detector, each table once.

    ``types``: dataset types of each kind. ``accepted``: that of the DiaSources that were not rejected.
    """

    def __init__(self, types: Mapping[str, tuple[str, ...]], accepted: str | None) -> None:
        self._types = types
        self._accepted = accepted
        self._last: tuple[DetectorVisit, dict[str, Places]] | None = None
        self._large: dict[Any, pa.Table] = {}
        self._warned: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return NeighbourTables, (self._types, self._accepted)

    def read(self, butler: "Butler", data_id: DetectorVisit) -> dict[str, Places]:
        """Return what is on a detector, and about it, by kind.

        A table that cannot be read costs its rows, and a line in the log.
        """
        if self._last is None or self._last[0] != data_id:
            self._last = data_id, self._read(butler, data_id)
        return self._last[1]

    def _read(self, butler: "Butler", data_id: DetectorVisit) -> dict[str, Places]:
        names = {name for of_kind in self._types.values() for name in of_kind}
        names |= set() if self._accepted is None else {self._accepted}
        tables = {name: self._tables_of(butler, name, data_id) for name in sorted(names)}
        accepted = [_whole(table, "diaSourceId") for table in tables.get(self._accepted or "", ())]
        ids = np.concatenate(accepted) if accepted else np.empty(0, np.int64)
        found: dict[str, Places] = {}
        for kind, of_kind in self._types.items():
            ra, dec = _POSITION.get(kind, ("ra", "dec"))
            usable = []
            for name in of_kind:
                for table in tables[name]:
                    if {ra, dec} <= set(table.column_names):
                        usable.append(table)
                    else:
                        self._warn(name, f"has no columns {ra} and {dec}: nothing of it is marked as {kind}")
            if usable:
                found[kind] = _places(kind, usable, ids)
        return found

    def _tables_of(self, butler: "Butler", name: str, data_id: DetectorVisit) -> list[pa.Table]:
        """Return the rows of a detector from the tables of a type."""
        try:
            refs = butler.query_datasets(
                name,
                where=f"instrument = the_instrument AND visit = {data_id.visit} "
                f"AND detector = {data_id.detector}",
                bind={"the_instrument": data_id.instrument},
                limit=None,
                explain=False,
            )
            tables = [self._table(butler, ref) for ref in sorted(refs, key=lambda ref: str(ref.dataId))]
        except Exception as error:  # nothing that a table holds may stop the pictures
            self._warn(name, f"cannot be read: {cause_of(error)}")
            return []
        if not tables:
            _log.debug("There is no %s for %s.", name, data_id)
        return [_of_detector(table, data_id) for table in tables]

    def _table(self, butler: "Butler", ref: "DatasetRef") -> pa.Table:
        if (known := self._large.get(ref.id)) is not None:
            return known
        table = get_table(butler, ref, _COLUMNS)
        table = table.rename_columns(renamed(table.column_names))
        table = table.select([name for name in _COLUMNS if name in table.column_names])
        if "detector" not in ref.dimensions:
            while len(self._large) >= _REMEMBERED_TABLES:
                del self._large[next(iter(self._large))]
            self._large[ref.id] = table
        return table

    def _warn(self, name: str, what: str) -> None:
        if name + what not in self._warned:
            self._warned.add(name + what)
            _log.warning("showNeighbours: %s %s.", name, what.rstrip("."))


def _of_detector(table: pa.Table, data_id: DetectorVisit) -> pa.Table:
    """Return the rows that are of a detector, or do not say of which."""
    chosen = np.ones(len(table), dtype=np.bool_)
    for name in ("visit", "detector"):
        if name in table.column_names:
            chosen &= _whole(table, name) == getattr(data_id, name)
    return table if chosen.all() else table.filter(pa.array(chosen))


def _places(kind: str, tables: Sequence[pa.Table], accepted: NDArray[np.int64]) -> Places:
    ra, dec = _POSITION.get(kind, ("ra", "dec"))
    numbers = (ra, dec, "trailLength", "trailAngle")
    columns = [
        [_whole(table, "diaSourceId"), *(_numbers(table, name, REAL).to_numpy() for name in numbers)]
        for table in tables
    ]
    ids, ras, decs, length, angle = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    chosen = np.isfinite(ras) & np.isfinite(decs) & (np.abs(decs) <= 90.0)
    if kind == "rejected":
        chosen &= ~np.isin(ids, accepted)
        chosen[chosen] = _first(ids[chosen])
    elif kind == "solar-system" and not all("visit" in table.column_names for table in tables):
        # A table of all visits has predictions for other times at the same place.
        chosen &= np.isin(ids, accepted) | (ids == 0)
    elif kind == "trails":
        chosen &= (length > 0) & np.isfinite(length) & np.isfinite(angle)
        return Places(ids[chosen], ras[chosen], decs[chosen], length[chosen], angle[chosen])
    return Places(ids[chosen], ras[chosen], decs[chosen])


def _first(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows have an identifier that no row before has, or none."""
    first = np.zeros(len(ids), dtype=np.bool_)
    first[np.unique(ids, return_index=True)[1]] = True
    first |= ids == 0
    return first


def _whole(table: pa.Table, name: str) -> NDArray[np.int64]:
    """Return a column of whole numbers, 0 where there is none."""
    return np.asarray(_numbers(table, name, WHOLE).fill_null(0).to_numpy(), dtype=np.int64)


def _numbers(table: pa.Table, name: str, kind: Kind) -> pa.ChunkedArray:
    column = table.column(name) if name in table.column_names else pa.nulls(len(table))
    return read_values(column, kind).values.cast(kind.type)
