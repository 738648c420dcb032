"""Conditions in the words of a user, parsed and never executed."""

__all__ = ("parse_condition",)

import ast
from typing import Final

from ...domain import CutoutsError
from .._synonyms import current_name
from ._expression import And, Arithmetic, Call, Column, Comparison, Expression, IsIn, IsNull, Literal, Not, Or

_MAX_LENGTH: Final = 10_000
_MAX_DEPTH: Final = 100
_FUNCTIONS: Final = ("abs", "sqrt", "log10", "sin", "cos", "radians")
_ARITHMETIC: Final = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: Final = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_HELP: Final = (
    "It is made of column names, numbers, quoted text, + - * /, == != < <= > >=, in (...), is None, and, or, "
    f"not, and {', '.join(_FUNCTIONS)}"
)


def parse_condition(text: str) -> Expression:
    """Return the tree of a condition.

    Parameters
    ----------
    text : `str`
        A condition in the syntax of Python, such as ``"snr > 5 and (isDipole
        or band in ('r', 'i')) and ssObjectId is None"``.

    Returns
    -------
    expression : `Expression`
        Its tree. Older names of columns have become the current ones.

    Raises
    ------
    CutoutsError
        Raised when the text is not a condition of the kind described.
    """
    if len(text) > _MAX_LENGTH:
        raise CutoutsError(f"The condition has {len(text)} characters; {_MAX_LENGTH} are the most.")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        cause = getattr(error, "msg", None) or type(error).__name__
        raise CutoutsError(f"The condition {text!r} cannot be parsed ({cause}). {_HELP}.") from error
    return _Parser(text).parse(tree.body, 0)


class _Parser:
    """Turn Python's syntax tree into one of ours, refusing all else."""

    def __init__(self, text: str) -> None:
        self._text = text

    def parse(self, node: ast.expr, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise CutoutsError(f"The condition is nested more than {_MAX_DEPTH} deep.")

        def inner(child: ast.expr) -> Expression:
            return self.parse(child, depth + 1)

        match node:
            case ast.Name(id=name):
                return Column(current_name(name))
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return Literal(value)
            case ast.BoolOp(op=ast.And(), values=values):
                return And(tuple(map(inner, values)))
            case ast.BoolOp(op=ast.Or(), values=values):
                return Or(tuple(map(inner, values)))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(inner(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return inner(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                argument = inner(operand)
                if isinstance(argument, Literal) and isinstance(argument.value, int | float):
                    return Literal(-argument.value)
                return Arithmetic("-", Literal(0), argument)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return Arithmetic(_ARITHMETIC[type(op)], inner(left), inner(right))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
                return Call(name, inner(argument))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                operands = [left, *comparators]
                parts = [
                    self._compare(operands[i], op, operands[i + 1], depth + 1) for i, op in enumerate(ops)
                ]
                return parts[0] if len(parts) == 1 else And(tuple(parts))
        raise self._refusal(node)

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Expression:
        match op, right:
            case (ast.Is() | ast.IsNot(), ast.Constant(value=None)):
                found: Expression = IsNull(self.parse(left, depth))
                return Not(found) if isinstance(op, ast.IsNot) else found
            case (ast.In() | ast.NotIn(), ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items)):
                choices = tuple(self._choice(item, depth) for item in items)
                found = IsIn(self.parse(left, depth), choices)
                return Not(found) if isinstance(op, ast.NotIn) else found
        if type(op) not in _COMPARISONS:
            raise self._refusal(right)
        return Comparison(_COMPARISONS[type(op)], self.parse(left, depth), self.parse(right, depth))

    def _choice(self, node: ast.expr, depth: int) -> bool | int | float | str:
        item = self.parse(node, depth)
        if not isinstance(item, Literal):
            raise self._refusal(node)
        return item.value

    def _refusal(self, node: ast.expr) -> CutoutsError:
        part = ast.get_source_segment(self._text.strip(), node) or self._text
        return CutoutsError(f"The condition {self._text!r} cannot have {part!r}. {_HELP}.")
