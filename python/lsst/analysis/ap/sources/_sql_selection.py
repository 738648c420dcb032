"""A selection as clauses of SQL."""

__all__ = ("identifier_clauses", "split_conditions")

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

import sqlalchemy as sa

from ..domain import CutoutsError
from ._selection import Selection
from ._source_rows import IDS_PER_QUERY
from .conditions._expression import And, Expression, columns_of
from .conditions._sql import sql_condition

type Columns = Mapping[str, sa.ColumnElement[Any]]
type Clauses = list[sa.ColumnElement[bool]]


def split_conditions(
    selection: Selection, columns: Columns, packed: frozenset[str], name: str
) -> tuple[Clauses, Expression | None]:
    """Return the conditions for the database, and those for its rows.

    ``columns``: the columns by their current names. ``packed``: columns that are made of others when the rows
    are there. ``name``: what to call the table in messages. Returns ``here``: clauses of which all must hold;
    ``later``: what only the rows can tell. Raises `CutoutsError` when a column is not there.
    """
    conditions = selection.conditions(columns)
    if not packed:
        return [sql_condition(part, columns, name) for part in conditions], None
    here = [sql_condition(part, columns, name) for part in conditions if not columns_of(part) & packed]
    later = tuple(part for part in conditions if columns_of(part) & packed)
    return here, And(later) if later else None


def identifier_clauses(selection: Selection, columns: Columns, name: str) -> Iterator[Clauses]:
    """Yield what limits each query to some of the wanted identifiers.

    ``columns``: the columns by their current names. ``name``: what to call the table in messages. Yields: for
    one query; none when no identifiers are given. Raises `CutoutsError` when a column is not there.
    """
    if selection.ids is None and selection.object_ids is None:
        yield []
        return
    ids = [[]] if selection.ids is None else _among(columns, "diaSourceId", selection.ids, name)
    objects: list[Clauses] = [[]]
    if selection.object_ids is not None:
        objects = _among(columns, "diaObjectId", selection.object_ids, name)
    for some_ids in ids:
        for some_objects in objects:
            yield [*some_ids, *some_objects]


def _among(columns: Columns, column: str, identifiers: Sequence[int], name: str) -> list[Clauses]:
    if column not in columns:
        raise CutoutsError(f"{name} has no column {column!r} to select by.")
    return [[columns[column].in_(some)] for some in batched(identifiers, IDS_PER_QUERY)]
