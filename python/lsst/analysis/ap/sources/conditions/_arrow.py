"""Conditions on Arrow tables."""

__all__ = ("arrow_condition",)

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...domain import CutoutsError
from ...messages import did_you_mean
from ._evaluate import Kind, Typed, evaluate
from ._expression import Expression


def arrow_condition(expression: Expression, schema: pa.Schema) -> pc.Expression:
    """Return an expression as one of Arrow.

    Parameters
    ----------
    expression : `Expression`
        A condition.
    schema : `pyarrow.Schema`
        Columns of the table, with the current names.

    Returns
    -------
    condition : `pyarrow.compute.Expression`
        What `pyarrow.Table.filter` takes.

    Raises
    ------
    CutoutsError
        Raised when the expression is no condition, or needs a column that is not there.
    """
    return evaluate(expression, _ArrowEngine(schema))


class _ArrowEngine:
    """The terms of Arrow; its methods are those that `evaluate` asks for."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema

    def column(self, name: str) -> Typed:
        index = self._schema.get_field_index(name)
        if index < 0:
            raise CutoutsError(
                f"The catalogue has no column {name!r} to select by.{did_you_mean(name, self._schema.names)} "
                "Check its spelling, or leave it out; text stands between quotes."
            )
        kind, field = self._schema.field(index).type, pc.field(name)
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
            field = field.cast(kind)
        if pa.types.is_boolean(kind):
            return Typed(Kind.TRUTH, field)
        if pa.types.is_integer(kind):
            return Typed(Kind.INTEGER, field.cast(pa.int64()))
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
            number = field.cast(pa.float64())
            return Typed(Kind.REAL, self.only_where(~pc.is_nan(number), number))
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return Typed(Kind.TEXT, field.cast(pa.large_string()))
        return Typed(Kind.OTHER, field)

    def literal(self, value: Any) -> pc.Expression:
        return pc.scalar(pa.scalar(value, pa.large_string()) if isinstance(value, str) else value)

    def to_real(self, typed: Typed) -> pc.Expression:
        # Identifiers beyond 2**53 lose their last digits, as they do in SQL.
        return typed.value.cast(pa.float64(), safe=False)

    def to_integer(self, truth: pc.Expression) -> pc.Expression:
        return truth.cast(pa.int64())

    def only_where(self, wanted: pc.Expression, value: pc.Expression) -> pc.Expression:
        return pc.if_else(wanted, value, pc.scalar(pa.scalar(None, pa.float64())))

    def is_in(self, value: pc.Expression, choices: tuple[Any, ...]) -> pc.Expression:
        if not choices:  # not even null is among none, in SQL
            return value.is_null() & pc.scalar(False)
        kinds = {str: pa.large_string(), int: pa.int64(), float: pa.float64()}
        if isinstance(choices[0], float):  # Arrow tells -0.0 from 0.0 here, and only here
            value, choices = value + pc.scalar(0.0), tuple(choice + 0.0 for choice in choices)
        found = value.isin(pa.array(choices, kinds[type(choices[0])]))
        # Arrow says that null is not among the choices; SQL does not know.
        return pc.if_else(value.is_null(), pc.scalar(pa.scalar(None, pa.bool_())), found)

    def is_null(self, value: pc.Expression) -> pc.Expression:
        return value.is_null()

    def function(self, name: str, value: pc.Expression) -> pc.Expression:
        if name == "radians":
            return value * pc.scalar(np.pi / 180.0)
        return getattr(pc, name)(value)
