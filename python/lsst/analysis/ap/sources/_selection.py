"""Which DiaSources of a catalogue are wanted."""

__all__ = ("Selection",)

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from ..domain import CutoutsError

_WITHDRAWN_COLUMNS: Final = ("timeWithdrawnMjdTai", "time_withdrawn")
_ORDER: Final = (("visit", "ascending"), ("detector", "ascending"), ("diaSourceId", "ascending"))


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions on DiaSources, the same for a database and for a table.

    A source whose value is null does not meet a condition on it. Sources
    that the APDB marks as withdrawn are left out.
    """

    reliability_min: float | None = None
    """Least reliability, inclusive."""

    reliability_max: float | None = None
    """Greatest reliability, inclusive."""

    limit: int | None = None
    """How many sources at most: the first ones in the order of visit,
    detector, diaSourceId."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise CutoutsError(f"The limit is {self.limit}; it must be at least 1.")
        low, high = self.reliability_min, self.reliability_max
        if low is not None and high is not None and low > high:
            raise CutoutsError(f"The reliability range {low} to {high} is empty: exchange the two.")

    @property
    def _bounds(self) -> list[tuple[str, float | None, float | None]]:
        if self.reliability_min is None and self.reliability_max is None:
            return []
        return [("reliability", self.reliability_min, self.reliability_max)]

    def clauses(self, table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
        """Yield the conditions in SQL, all of which must hold.

        Parameters
        ----------
        table : `sqlalchemy.Table`
            The DiaSource table, reflected.

        Yields
        ------
        clause : `sqlalchemy.ColumnElement`
            One condition. The limit is not among them.

        Raises
        ------
        CutoutsError
            Raised when the table lacks a column that is needed.
        """
        for name, low, high in self._bounds:
            if name not in table.c:
                raise CutoutsError(f"{table.name} has no column {name!r} to select by; drop that option.")
            if low is not None:
                yield table.c[name] >= low
            if high is not None:
                yield table.c[name] <= high
        for name in _WITHDRAWN_COLUMNS:
            if name in table.c:
                yield table.c[name].is_(None)

    def apply(self, table: pa.Table) -> pa.Table:
        """Return the wanted rows in the order of the work.

        Parameters
        ----------
        table : `pyarrow.Table`
            Rows with the column names of today.

        Returns
        -------
        table : `pyarrow.Table`
            The rows that meet every condition, by visit, detector and
            diaSourceId, no more of them than the limit.

        Raises
        ------
        CutoutsError
            Raised when the table lacks a column that is needed.
        """
        wanted = pc.scalar(True)
        for name, low, high in self._bounds:
            if name not in table.column_names:
                raise CutoutsError(f"The catalogue has no column {name!r} to select by; drop that option.")
            if low is not None:
                wanted &= pc.field(name) >= low
            if high is not None:
                wanted &= pc.field(name) <= high
        for name in _WITHDRAWN_COLUMNS:
            if name in table.column_names:
                wanted &= pc.field(name).is_null(nan_is_null=True)
        rows = table.filter(wanted).sort_by(list(_ORDER))
        return rows if self.limit is None else rows.slice(0, self.limit)
