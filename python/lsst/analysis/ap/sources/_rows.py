"""Single sources, in every form in which somebody holds one."""

__all__ = ("open_sources", "row_fields", "rows_of")

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..domain import CutoutsError
from ..messages import public_uri
from ._apdb import SqlApdb
from ._arrays import arrow_array, join_tables
from ._cassandra import open_apdb
from ._catalog import Catalog, TableCatalog
from ._files import SQLITE_SUFFIXES, open_catalog
from ._kinds import kind_of
from ._selection import Selection
from ._synonyms import current_name
from ._tables import arrow_tables, as_arrow

_FORMS = (
    "Give a table, one or several of its rows (pandas, astropy, Arrow, a mapping or what itertuples() "
    "gives), or identifiers with catalog=."
)

_PLAIN: Final = {bool, int, float, str, type(None)}


def rows_of(sources: Any, catalog: Any = None) -> pa.Table:
    """Return some sources as one table.

    Parameters
    ----------
    sources : table, row, sequence of rows, `int` or sequence of `int`
        The sources, in any form in which a table gives its rows; or their identifiers.
    catalog : catalogue, table, `str` or `pathlib.Path`, optional
        Where identifiers are looked up; see `open_sources`.

    Returns
    -------
    table : `pyarrow.Table`
        The rows as they are, in the order given. Columns may have older names.

    Raises
    ------
    CutoutsError
        Raised when the object is none of these, or an identifier is not in the catalogue.
    """
    if isinstance(sources, int | np.integer) and not isinstance(sources, bool):
        sources = [sources]
    if (row := row_fields(sources)) is not None:
        return _from_rows([row])
    if (table := as_arrow(sources)) is not None:
        return table
    if isinstance(sources, str | bytes) or not isinstance(sources, Iterable):
        raise CutoutsError(f"A {type(sources).__name__} is no DiaSource. {_FORMS}")
    items = list(sources)
    if items and all(isinstance(item, int | np.integer) and not isinstance(item, bool) for item in items):
        return _look_up([int(item) for item in items], catalog)
    tables = [as_arrow(item) for item in items]
    if items and all(table is not None for table in tables):
        return join_tables(table for table in tables if table is not None)
    rows = [row_fields(item) for item in items]
    if not items or any(row is None for row in rows):
        what = f"{len(items)} objects of type {type(items[0]).__name__} are" if items else "Nothing is"
        raise CutoutsError(f"{what} no DiaSources. {_FORMS}")
    return _from_rows([row for row in rows if row is not None])


def row_fields(row: Any) -> Mapping[str, Any] | None:
    """Return the values of a row by name.

    Parameters
    ----------
    row : `object`
        What may be a row, in any form in which a table gives its rows.

    Returns
    -------
    fields : `~collections.abc.Mapping` [`str`, `object`] or `None`
        `None` where it is no row.
    """
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):  # what itertuples() gives
        fields = row._asdict()
        index = fields.pop("Index", None)
        return fields if "diaSourceId" in fields or index is None else {"diaSourceId": index, **fields}
    if hasattr(row, "to_dict") and getattr(row, "ndim", 0) == 1:  # a pandas Series
        fields = row.to_dict()
        # Of a frame that is indexed by diaSourceId the Series is named for it.
        is_number = isinstance(row.name, int | np.integer)
        return fields if "diaSourceId" in fields or not is_number else {"diaSourceId": row.name, **fields}
    if hasattr(row, "colnames") and hasattr(row, "table"):  # an astropy Row
        return {name: row[name] for name in row.colnames}
    return None


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value if value == value else None  # NaN
    return None if np.ma.is_masked(value) else value.item() if isinstance(value, np.generic) else value


def _from_rows(rows: list[Mapping[str, Any]]) -> pa.Table:
    names = dict.fromkeys(str(name) for row in rows for name in row)
    plain = [{name: _plain(row.get(name)) for name in names} for row in rows]
    if all(_PLAIN.issuperset(map(type, row.values())) for row in plain):
        with suppress(pa.ArrowException, OverflowError, UnicodeError):
            # All at once, which takes a tenth of the time.
            return _with_kinds(pa.Table.from_struct_array(pa.array(plain)))
    return pa.table({name: arrow_array([row[name] for row in plain]) for name in names})


def _with_kinds(table: pa.Table) -> pa.Table:
    """Give known columns without a value their type."""
    columns = {
        name: pa.nulls(len(table), kind.type)
        if pa.types.is_null(column.type) and (kind := kind_of(current_name(name))) is not None
        else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pa.table(columns)


def _look_up(ids: list[int], catalog: Any) -> pa.Table:
    if catalog is None:
        raise CutoutsError(
            f"{len(ids)} identifiers are given and no catalogue to find them in: give catalog=."
        )
    tables = list(open_sources(catalog).read(Selection(ids=tuple(ids))))
    if not tables:
        raise CutoutsError(f"The catalogue has none of the diaSourceIds {', '.join(map(str, ids[:5]))}.")
    table = join_tables(tables)
    places = {identifier: row for row, identifier in enumerate(table.column("diaSourceId").to_pylist())}
    if absent := [identifier for identifier in ids if identifier not in places]:
        raise CutoutsError(f"The catalogue has no diaSourceId {', '.join(map(str, absent[:5]))}.")
    return table.take([places[identifier] for identifier in ids])


def open_sources(catalog: Any) -> Catalog:
    """Open whatever sources can be read from.

    Parameters
    ----------
    catalog : catalogue, table, `str` or `pathlib.Path`
        An open catalogue of this package, a table, an SQLite file of an APDB, a ``postgresql://`` URL, a
        configuration of dax_apdb or its ``label:NAME``, or a file of sources.

    Returns
    -------
    catalog : `Catalog`
        It reads by selection.

    Raises
    ------
    CutoutsError
        Raised when it cannot be opened.
    """
    if hasattr(catalog, "read") and not isinstance(catalog, str | Path):
        found: Catalog = catalog
        return found
    if not isinstance(catalog, str | Path):
        return TableCatalog(lambda *_: arrow_tables(catalog))
    place = str(catalog)
    if place.startswith("postgresql"):
        return SqlApdb.from_url(place)
    if place.endswith(SQLITE_SUFFIXES):
        return SqlApdb.from_sqlite(place)
    if place.endswith((".yaml", ".yml")) or place.startswith("label:"):
        return open_apdb(place)
    try:
        return open_catalog(place)
    except CutoutsError as error:
        raise CutoutsError(f"{public_uri(place)} is no catalogue: {error}") from error
