"""What is known of DiaSources that are solar-system objects, beside the DiaSources themselves."""

__all__ = ("is_without_position", "join_solar_system")

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from ..domain import CutoutsError
from ._arrays import join_tables
from ._catalog import TableCatalog
from ._kinds import WHOLE, read_values
from ._selection import Selection
from ._synonyms import renamed

_SOURCE_TABLES: Final = ("dia_source", "dia_source_visit", "dia_source_detector", "dia_source_apdb")
"""Where a repository may have the DiaSources, the whole ones first."""


def is_without_position(names: Sequence[str]) -> bool:
    """Return whether a table tells of DiaSources that are in another one.

    Returns: whether it has diaSourceIds and neither positions nor visits.
    """
    known = set(renamed(names))
    return "diaSourceId" in known and not known & {"ra", "dec", "visit", "ccdVisitId"}


def join_solar_system(
    read: Callable[[], Iterable[pa.Table]], open_table: Callable[[str], TableCatalog], name: str
) -> TableCatalog:
    """Join a table of solar-system sources to that of the DiaSources.

    ``read``: returns its tables. ``open_table``: opens the tables of a dataset type. Returns:
    the DiaSources that it tells of, with its columns beside theirs. Raises `CutoutsError` when there are no
    DiaSources.
    """
    for table in _SOURCE_TABLES:
        try:
            dia_sources = open_table(table)
            break
        except CutoutsError as error:
            missing = error
    else:
        raise CutoutsError(
            f"{name} has no positions, and none of {', '.join(_SOURCE_TABLES)} is there to take them from."
        ) from missing

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterator[pa.Table]:
        more = join_tables(read())
        more = more.rename_columns(renamed(more.column_names))
        ids = read_values(more.column("diaSourceId"), WHOLE).values
        more = more.drop_columns("diaSourceId")
        places = {identifier: row for row, identifier in enumerate(ids.to_pylist()) if identifier is not None}
        for page in dia_sources.read(Selection(ids=tuple(places)), columns):
            rows = more.take([places[identifier] for identifier in page.column("diaSourceId").to_pylist()])
            given = [name for name in page.column_names if name in rows.column_names]
            page = page.drop_columns(given)
            for column in rows.column_names:
                page = page.append_column(column, rows.column(column))
            yield page

    return TableCatalog(tables)
