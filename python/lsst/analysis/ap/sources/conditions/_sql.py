"""Conditions in SQL."""

__all__ = ("sql_condition",)

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...domain import CutoutsError
from ...messages import did_you_mean
from ._evaluate import Kind, Typed, evaluate
from ._expression import Expression


def sql_condition(
    expression: Expression, columns: Mapping[str, sa.ColumnElement[Any]], table: str
) -> sa.ColumnElement[bool]:
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

    def __init__(self, columns: Mapping[str, sa.ColumnElement[Any]], table: str) -> None:
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
