"""Conditions on the columns of a catalogue, as trees that any engine can evaluate.

A tree is built once, from the options of a selection or from the words of a user; `sql_condition` and
`arrow_condition` turn it into a condition of a database and of a table.
"""

__all__ = (
    "And",
    "Arithmetic",
    "Call",
    "Column",
    "Comparison",
    "Expression",
    "IsIn",
    "IsNull",
    "Literal",
    "Not",
    "Or",
    "columns_of",
)

from dataclasses import dataclass

from ...domain import CutoutsError

type Constant = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the catalogue."""

    name: str
    """Its current name."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Constant

    def __post_init__(self) -> None:
        if isinstance(self.value, int) and not -(2**63) <= self.value < 2**63:
            raise CutoutsError(f"The number {self.value} does not fit into 64 bits.")


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum, difference, product or quotient, in double precision.

    A division by zero gives null.
    """

    symbol: str
    """One of ``+ - * /``."""
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one number, in double precision; null off its domain."""

    name: str
    """One of ``abs``, ``sqrt``, ``log10``, ``sin``, ``cos``, ``radians``."""
    argument: "Expression"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two values of the same kind; text only for equality."""

    symbol: str
    """One of ``== != < <= > >=``."""
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class IsIn:
    """Whether a value is one of some."""

    argument: "Expression"
    choices: tuple[Constant, ...]
    """Those that it may be."""

    def __post_init__(self) -> None:
        for choice in self.choices:
            Literal(choice)


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a value is null or NaN; this is never null."""

    argument: "Expression"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition; null stays null."""

    argument: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """Whether all of some conditions hold; without any, it does."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Whether one of some conditions holds."""

    parts: tuple["Expression", ...]
    """The conditions, at least one."""


type Expression = Column | Literal | Arithmetic | Call | Comparison | IsIn | IsNull | Not | And | Or


def columns_of(expression: Expression) -> frozenset[str]:
    """Return the columns that an expression needs.

    Parameters
    ----------
    expression : `Expression`
        The expression.

    Returns
    -------
    columns : `frozenset` [`str`]
        By their current names.
    """
    match expression:
        case Column(name):
            return frozenset([name])
        case Literal():
            return frozenset()
        case Arithmetic(_, left, right) | Comparison(_, left, right):
            return columns_of(left) | columns_of(right)
        case Call(_, argument) | IsIn(argument, _) | IsNull(argument) | Not(argument):
            return columns_of(argument)
        case And(parts) | Or(parts):
            return frozenset[str]().union(*map(columns_of, parts))
