"""What the operators of an expression mean, the same for every engine."""

__all__ = ("Kind", "Typed", "evaluate")

from dataclasses import dataclass
from enum import Enum
from functools import reduce
from operator import add, and_, eq, ge, gt, invert, le, lt, mul, ne, or_, sub, truediv
from typing import Any, Final, Protocol

from ...domain import CutoutsError
from ._expression import And, Arithmetic, Call, Column, Comparison, Expression, IsIn, IsNull, Literal, Not, Or


class Kind(Enum):
    """What can be done with a value."""

    TRUTH = "a truth value"
    INTEGER = "a whole number"
    REAL = "a number"
    TEXT = "text"
    OTHER = "of a kind that can only be compared with None"


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression of an engine, and the kind of its values."""

    kind: Kind
    """The kind of its values."""
    value: Any
    """The engine's expression; it has Python's operators."""


class _Engine(Protocol):
    """What evaluates a tree: its columns, and what Python has no operator for."""

    # NaN in a column is null; column() and literal() know the columns' kinds.
    def column(self, name: str) -> Typed: ...
    def literal(self, value: Any) -> Any: ...
    def to_real(self, typed: Typed) -> Any: ...
    def to_integer(self, truth: Any) -> Any: ...
    def only_where(self, wanted: Any, value: Any) -> Any: ...
    def is_in(self, value: Any, choices: tuple[Any, ...]) -> Any: ...
    def is_null(self, value: Any) -> Any: ...
    def function(self, name: str, value: Any) -> Any: ...


_LITERAL_KINDS: Final = {bool: Kind.TRUTH, int: Kind.INTEGER, float: Kind.REAL, str: Kind.TEXT}
_ARITHMETIC: Final = {"+": add, "-": sub, "*": mul, "/": truediv}
_COMPARISONS: Final = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def evaluate(expression: Expression, engine: _Engine) -> Any:
    """Return an expression as a condition of an engine.

    ``expression``: a truth value, or a number that stands for one: 0 is false. Returns: in the engine's
    terms; a row is wanted where it is true, neither where it is false nor where it is null. Raises
    `CutoutsError` when the expression is no condition, or needs a column that is not there.
    """
    typed = _build(expression, engine)
    if typed.kind in (Kind.INTEGER, Kind.REAL):
        return engine.to_real(typed) != engine.literal(0.0)
    if typed.kind is not Kind.TRUTH:
        raise CutoutsError(f"{_words(expression)} is {typed.kind.value}, not a condition.")
    return typed.value


def _build(expression: Expression, engine: _Engine) -> Typed:
    match expression:
        case Column(name):
            return engine.column(name)
        case Literal(value):
            return Typed(_LITERAL_KINDS[type(value)], engine.literal(value))
        case Arithmetic(symbol, left, right):
            a, b = _real(left, engine, symbol), _real(right, engine, symbol)
            if symbol == "/":
                b = engine.only_where(b != engine.literal(0.0), b)
            return Typed(Kind.REAL, _ARITHMETIC[symbol](a, b))
        case Call(name, argument):
            return Typed(Kind.REAL, _call(name, _real(argument, engine, name), engine))
        case Comparison():
            return Typed(Kind.TRUTH, _compare(expression, engine))
        case IsIn():
            return Typed(Kind.TRUTH, _is_in(expression, engine))
        case IsNull(argument):
            return Typed(Kind.TRUTH, engine.is_null(_build(argument, engine).value))
        case Not(argument):
            return Typed(Kind.TRUTH, invert(evaluate(argument, engine)))
        case And(()):
            return Typed(Kind.TRUTH, engine.literal(True))
        case And(parts):
            return Typed(Kind.TRUTH, reduce(and_, (evaluate(part, engine) for part in parts)))
        case Or(parts):
            return Typed(Kind.TRUTH, reduce(or_, (evaluate(part, engine) for part in parts)))


def _call(name: str, value: Any, engine: _Engine) -> Any:
    if name == "sqrt":
        value = engine.only_where(value >= engine.literal(0.0), value)
    elif name == "log10":
        value = engine.only_where(value > engine.literal(0.0), value)
    return engine.function(name, value)


def _compare(expression: Comparison, engine: _Engine) -> Any:
    symbol = expression.symbol
    left, right = _build(expression.left, engine), _build(expression.right, engine)
    kinds = {left.kind, right.kind}
    if Kind.OTHER in kinds or (Kind.TEXT in kinds and len(kinds) > 1):
        raise CutoutsError(
            f"{_words(expression.left)} is {left.kind.value} and {_words(expression.right)} is "
            f"{right.kind.value}: {symbol} cannot compare them."
        )
    if kinds == {Kind.TEXT} and symbol not in ("==", "!="):
        # The order of words depends on the language of a database.
        raise CutoutsError(f"Text can be compared with == and != only, not with {symbol}.")
    a, b = left.value, right.value
    if len(kinds) > 1 and Kind.REAL in kinds:
        a, b = engine.to_real(left), engine.to_real(right)
    elif len(kinds) > 1 or symbol not in ("==", "!="):
        a, b = (engine.to_integer(t.value) if t.kind is Kind.TRUTH else t.value for t in (left, right))
    return _COMPARISONS[symbol](a, b)


def _is_in(expression: IsIn, engine: _Engine) -> Any:
    typed, choices = _build(expression.argument, engine), expression.choices
    is_text = typed.kind is Kind.TEXT
    if typed.kind is Kind.OTHER or any(isinstance(choice, str) is not is_text for choice in choices):
        shown = ", ".join(map(repr, choices[:5]))
        raise CutoutsError(
            f"{_words(expression.argument)} is {typed.kind.value}: it cannot be one of {shown}."
        )
    if typed.kind is Kind.TEXT:
        return engine.is_in(typed.value, choices)
    if typed.kind is Kind.INTEGER:
        # Identifiers need all their 64 bits.
        whole = (choice for choice in choices if isinstance(choice, int) or float(choice).is_integer())
        return engine.is_in(typed.value, tuple(n for n in map(int, whole) if -(2**63) <= n < 2**63))
    return engine.is_in(engine.to_real(typed), tuple(map(float, choices)))


def _real(expression: Expression, engine: _Engine, what: str) -> Any:
    typed = _build(expression, engine)
    if typed.kind in (Kind.TEXT, Kind.OTHER):
        raise CutoutsError(f"{_words(expression)} is {typed.kind.value}: it cannot be used with {what}.")
    return engine.to_real(typed)


def _words(expression: Expression) -> str:
    """Return how to call a part of an expression in a message."""
    match expression:
        case Column(name):
            return f"Column {name!r}"
        case Literal(value):
            return repr(value)
        case _:
            return "A part of the condition"
