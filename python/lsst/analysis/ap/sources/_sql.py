"""A table of DiaSources in SQL: conditions on its columns, and its rows as Arrow tables, page by page."""

__all__ = ("SourceRows", "identifier_clauses", "sql_condition")

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched, product
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from ..domain import CutoutsError
from ..messages import did_you_mean
from ._arrays import arrow_array
from ._choice import Keys
from ._columns import REQUIRED_COLUMNS, Standardizer
from ._database import Database
from ._selection import Selection
from .conditions._evaluate import Kind, Typed, evaluate
from .conditions._expression import Expression

_IDS_PER_QUERY: Final = 1000
"""How many identifiers a query names at most; SQLite takes 32766."""


type Columns = Mapping[str, sa.ColumnElement[Any]]
type Clause = sa.ColumnElement[bool]


def sql_condition(expression: Expression, columns: Columns, table: str) -> sa.ColumnElement[bool]:
    """Return an expression as a clause of SQL.

    Every constant becomes a bound parameter, and every column one that the table has: no text of a user
    becomes SQL.

    ``columns``: the columns by their current names. ``table``: what to call the table in messages. Raises
    `CutoutsError` when the expression is no condition, or needs a column that is not there.
    """
    clause: sa.ColumnElement[bool] = evaluate(expression, _SqlEngine(columns, table))
    return clause


class _SqlEngine:
    """The terms of SQL; its methods are those that `evaluate` asks for."""

    def __init__(self, columns: Columns, table: str) -> None:
        self._columns = columns
        self._table = table

    def column(self, name: str) -> Typed:
        if (found := self._columns.get(name)) is None:
            raise CutoutsError(
                f"{self._table} has no column {name!r} to select by.{did_you_mean(name, self._columns)} "
                "Check its spelling, or leave it out; text stands between quotes."
            )
        match found.type:
            case sa.Boolean():
                return Typed(Kind.TRUTH, found)
            case sa.Integer():
                return Typed(Kind.INTEGER, found)
            case sa.Float() | sa.Numeric():
                # PostgreSQL holds NaN greater than any number; SQLite has none.
                number: sa.ColumnElement[float] = sa.cast(found, sa.Double())
                nan: sa.ColumnElement[float] = sa.literal(float("nan"), sa.Double())
                return Typed(Kind.REAL, sa.func.nullif(number, nan, type_=sa.Double()))
            case sa.String():
                return Typed(Kind.TEXT, found)
            case _:
                return Typed(Kind.OTHER, found)

    def literal(self, value: Any) -> sa.ColumnElement[Any]:
        match value:
            case bool():
                return sa.true() if value else sa.false()
            case int():
                return sa.literal(value, sa.BigInteger())
            case float():
                return sa.literal(value, sa.Double())
            case _:
                return sa.literal(value, sa.String())

    def to_real(self, typed: Typed) -> sa.ColumnElement[float]:
        value: sa.ColumnElement[Any] = typed.value
        if typed.kind is Kind.REAL:
            return value
        return sa.cast(self.to_integer(value) if typed.kind is Kind.TRUTH else value, sa.Double())

    def to_integer(self, truth: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.case((truth, 1), (sa.not_(truth), 0))

    def only_where(self, wanted: sa.ColumnElement[bool], value: Any) -> sa.ColumnElement[Any]:
        return sa.case((wanted, value))

    def is_in(self, value: sa.ColumnElement[Any], choices: tuple[Any, ...]) -> sa.ColumnElement[bool]:
        return value.in_([self.literal(choice) for choice in choices])

    def is_null(self, value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return value.is_(None)

    def function(self, name: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[float]:
        function: sa.ColumnElement[float] = getattr(sa.func, name)(value, type_=sa.Double())
        return function


def identifier_clauses(selection: Selection, columns: Columns, name: str) -> Iterable[tuple[Clause, ...]]:
    """Return what limits each query to some of the wanted identifiers.

    ``columns``: the columns by their current names. ``name``: what to call the table in messages. Returns:
    the clauses of each query; of a single one none when no identifiers are given. Raises
    `CutoutsError` when a column is not there.
    """
    given = (("diaSourceId", selection.ids), ("diaObjectId", selection.object_ids))
    return product(*(_among(columns, column, ids, name) for column, ids in given if ids is not None))


def _among(columns: Columns, column: str, identifiers: Sequence[int], name: str) -> list[Clause]:
    if column not in columns:
        raise CutoutsError(f"{name} has no column {column!r} to select by.")
    return [columns[column].in_(some) for some in batched(identifiers, _IDS_PER_QUERY)]


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Reads rows of a DiaSource table in the order of its key."""

    database: Database
    """Where the table is."""
    columns: Columns
    """Its columns by their current names."""
    key: tuple[str, ...]
    """Columns that order its rows, and tell them apart."""
    instrument: str | None
    """Instrument of all the sources, where it is known."""
    standardizer: Standardizer
    """What makes standard tables of them."""

    def pages(
        self, clauses: Sequence[sa.ColumnElement[bool]], columns: Collection[str] | None, page_rows: int
    ) -> Iterator[pa.Table]:
        """Yield all the rows that meet some conditions, by key.

        ``columns``: what is wanted besides the required columns; all when `None`. ``page_rows``: how many
        rows to fetch at a time.
        """
        key = [self.columns[name] for name in self.key]
        lacking = [column for column in key if getattr(column, "nullable", True)]
        # A row value with a null is neither before nor after any other, so
        # that paging would end there: such rows come last.
        yield from self._pages([*clauses, *(c.is_not(None) for c in lacking)], self.key, columns, page_rows)
        if lacking:
            ids, places = self.columns["diaSourceId"], [c for c in lacking if c.name != "diaSourceId"]
            some_null = [sa.or_(*(c.is_(None) for c in lacking)), ids.is_not(None)]
            if places:
                yield from self._pages([*clauses, *some_null], ("diaSourceId",), columns, page_rows)
            nameless = sa.select(*self._picked(columns)).where(*clauses, ids.is_(None))
            if rows := self.database.rows(nameless):
                yield self._as_table(rows)

    def _pages(
        self,
        clauses: Sequence[sa.ColumnElement[bool]],
        names: Sequence[str],
        columns: Collection[str] | None,
        page_rows: int,
    ) -> Iterator[pa.Table]:
        """Yield the rows that meet some conditions by a key without nulls."""
        key = [self.columns[name] for name in names]
        # Each page begins after the key of the last row of the page before, which costs the same for the
        # last page as for the first, as skipping with OFFSET would not.
        query = sa.select(*self._picked(columns)).where(*clauses).order_by(*key)
        last: tuple[Any, ...] | None = None
        while True:
            page = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*last))
            if rows := self.database.rows(page.limit(page_rows)):
                yield self._as_table(rows)
            if len(rows) < page_rows:
                return
            last = tuple(getattr(rows[-1], name) for name in names)

    def fetch(self, keys: Keys, columns: Collection[str] | None, page_rows: int) -> Iterator[pa.Table]:
        """Yield the rows of some keys, by key.

        ``columns``: what is wanted besides the required columns; all when `None`. ``page_rows``: how many
        rows to fetch at a time.
        """
        query, key = sa.select(*self._picked(columns)), [self.columns[name] for name in self.key]
        for ids in batched(keys.ids.tolist(), min(page_rows, _IDS_PER_QUERY)):
            if rows := self.database.rows(query.where(self.columns["diaSourceId"].in_(ids)).order_by(*key)):
                yield self._as_table(rows)

    def _picked(self, columns: Collection[str] | None) -> list[sa.ColumnElement[Any]]:
        wanted = None if columns is None else {*columns, *REQUIRED_COLUMNS, *self.key}
        return [
            self._as_stored(column).label(name)
            for name, column in self.columns.items()
            if wanted is None or name in wanted
        ]

    def _as_stored(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a column whose values come whatever they are.

        A column of SQLite can hold values of any type, at which the conversions of SQLAlchemy fail; times
        have values that Python has no word for.
        """
        if isinstance(column.type, sa.DateTime | sa.Date | sa.Time | sa.Interval):
            return sa.cast(column, sa.String())
        if self.database.engine.dialect.name == "sqlite":
            return sa.type_coerce(column, sa.types.NullType())
        return column

    def _as_table(self, rows: Sequence[sa.Row[Any]]) -> pa.Table:
        names = rows[0]._fields
        table = pa.table(
            {
                name: _array(values, self.columns[name].type)
                for name, values in zip(names, zip(*rows, strict=True), strict=True)
            }
        )
        if self.instrument is not None:
            table = table.append_column("instrument", pa.array([self.instrument] * len(table)))
        return self.standardizer(table)


def _array(values: Sequence[Any], sql_type: sa.types.TypeEngine[Any]) -> pa.ChunkedArray:
    """Return the values of a column as the type that it is declared with, if they are of that type."""
    kind = _arrow_type(sql_type)
    if kind == pa.bool_() and set(values) <= {0, 1, None}:  # SQLite has no truth values
        values = [None if value is None else bool(value) for value in values]
    with suppress(pa.ArrowException, ValueError, TypeError, OverflowError):
        found = pa.array(values, kind)
        if kind is not None or found.type in (pa.int64(), pa.null()):
            return pa.chunked_array([found])
    return arrow_array(values)


def _arrow_type(sql_type: sa.types.TypeEngine[Any]) -> pa.DataType | None:
    """Return the Arrow type of a column; None leaves it to the values.

    So it is for whole numbers, among which Arrow would cut fractions off.

    The APDB's single-precision columns are FLOAT in SQLite, which stores
    them as doubles, and REAL in PostgreSQL: both become float32 again.
    """
    match sql_type:
        case sa.Boolean():
            return pa.bool_()
        case sa.Double():
            return pa.float64()
        case sa.Float():
            return pa.float32()
        case sa.String():
            return pa.string()
        case _:
            return None
