"""Rows of a DiaSource table in SQL as Arrow tables, page by page."""

__all__ = ("IDS_PER_QUERY", "SourceRows")

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from ._ccd_visit import CcdVisitPacker
from ._choice import Keys
from ._columns import REQUIRED_COLUMNS, standardize
from ._database import Database

IDS_PER_QUERY: Final = 1000
"""How many identifiers a query names at most; SQLite takes 32766."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Reads rows of a DiaSource table in the order of its key."""

    database: Database
    """Where the table is."""

    columns: Mapping[str, sa.ColumnElement[Any]]
    """Its columns by their names of today."""

    key: tuple[str, ...]
    """Columns that order its rows, and tell them apart."""

    instrument: str | None
    """Instrument of all the sources, where it is known."""

    packer: CcdVisitPacker | None
    """What ``ccdVisitId`` means, where the table has it."""

    def pages(
        self, clauses: Sequence[sa.ColumnElement[bool]], columns: Collection[str] | None, page_rows: int
    ) -> Iterator[pa.Table]:
        """Yield all the rows that meet some conditions, by key.

        Parameters
        ----------
        clauses : sequence of `sqlalchemy.ColumnElement`
            The conditions.
        columns : collection of `str` or `None`
            What is wanted besides the required columns; all when `None`.
        page_rows : `int`
            How many rows to fetch at a time.

        Yields
        ------
        table : `pyarrow.Table`
            One page.
        """
        picked, key = self._picked(columns), [self.columns[name] for name in self.key]
        query = sa.select(*picked).where(*clauses).order_by(*key)
        last: tuple[Any, ...] | None = None
        while True:
            page = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*last))
            if rows := self.database.rows(page.limit(page_rows)):
                yield self._as_table(picked, rows)
            if len(rows) < page_rows:
                return
            last = tuple(getattr(rows[-1], name) for name in self.key)

    def fetch(self, keys: Keys, columns: Collection[str] | None, page_rows: int) -> Iterator[pa.Table]:
        """Yield the rows of some keys, by key.

        Parameters
        ----------
        keys : `Keys`
            The sources.
        columns : collection of `str` or `None`
            What is wanted besides the required columns; all when `None`.
        page_rows : `int`
            How many rows to fetch at a time.

        Yields
        ------
        table : `pyarrow.Table`
            Some of them.
        """
        picked, key = self._picked(columns), [self.columns[name] for name in self.key]
        for ids in batched(keys.ids.tolist(), min(page_rows, IDS_PER_QUERY)):
            query = sa.select(*picked).where(self.columns["diaSourceId"].in_(ids)).order_by(*key)
            if rows := self.database.rows(query):
                yield self._as_table(picked, rows)

    def _picked(self, columns: Collection[str] | None) -> list[sa.ColumnElement[Any]]:
        wanted = None if columns is None else {*columns, *REQUIRED_COLUMNS, *self.key}
        return [c.label(name) for name, c in self.columns.items() if wanted is None or name in wanted]

    def _as_table(self, columns: Iterable[sa.ColumnElement[Any]], rows: Sequence[sa.Row[Any]]) -> pa.Table:
        values = zip(*rows, strict=True)
        table = pa.table(
            {
                str(c.name): pa.array(v, _arrow_type(c.type))  # type: ignore[attr-defined]
                for c, v in zip(columns, values, strict=True)
            }
        )
        if self.instrument is not None:
            table = table.append_column("instrument", pa.array([self.instrument] * len(table)))
        return standardize(table, packer=self.packer)


def _arrow_type(sql_type: sa.types.TypeEngine[Any]) -> pa.DataType | None:
    """Return the Arrow type of a column; None leaves it to the values.

    The APDB's single-precision columns are FLOAT in SQLite, which stores
    them as doubles, and REAL in PostgreSQL: both become float32 again.
    """
    match sql_type:
        case sa.Boolean():
            return pa.bool_()
        case sa.Integer():
            return pa.int64()
        case sa.Double():
            return pa.float64()
        case sa.Float():
            return pa.float32()
        case sa.String():
            return pa.string()
        case _:
            return None
