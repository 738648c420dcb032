"""Tables of every common kind, as Arrow tables."""

__all__ = ("Sources", "StandardTables", "arrow_tables", "as_arrow")

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ._afw_catalog import afw_table, is_afw
from ._arrays import arrow_array
from ._columns import REQUIRED_COLUMNS, Meanings, Standardizer
from ._synonyms import current_name

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd

type Table = pd.DataFrame | astropy.table.Table | pa.Table | pa.RecordBatch
type Sources = Table | pa.RecordBatchReader | Iterable[Table] | StandardTables

_TABLES: Final = (
    "Give a pandas DataFrame, an astropy Table, a pyarrow Table, an afw SourceCatalog, or an iterable of "
    "these; for a row a table of one, such as table[k : k + 1]."
)


@dataclass(frozen=True)
class StandardTables:
    """Sources as a catalogue of this package reads them, which are standard already."""

    tables: Iterator[pa.Table]
    """The tables, once."""


def arrow_tables(
    sources: "Sources", meanings: Meanings | None = None, required: Collection[str] = REQUIRED_COLUMNS
) -> Iterator[pa.Table]:
    """Yield a catalogue as Arrow tables with the current column names.

    Parameters
    ----------
    sources : `pandas.DataFrame`, `astropy.table.Table`, `pyarrow.Table`, \
            `lsst.afw.table.SourceCatalog`, `pyarrow.RecordBatchReader` or \
            iterable of such tables
        DiaSources. Any other object that exports the Arrow C stream interface, as a polars DataFrame does, or
        a polars LazyFrame, serves as well. An astropy column with an angular unit is converted to degrees.
    meanings : `Meanings`, optional
        What its columns mean that do not say it themselves.
    required : collection of `str`, optional
        Columns that must be there; the other required ones are null where they are not.

    Yields
    ------
    table : `pyarrow.Table`
        Rows with at least the required columns; NaN and masked values are null. Columns get their current
        names; an older name is replaced only where the current name is not a column already. Identifiers
        become 64-bit integers, flags truth values and bands text. A value that cannot be read is null, and
        its row says so in a column of reasons.

    Raises
    ------
    CutoutsError
        Raised when the object is no table, lacks a required column, or has identifiers that have lost digits.
    """
    table = as_arrow(sources)
    if table is not None:
        yield Standardizer(meanings, required, whole=True)(table)
    elif isinstance(sources, Iterable) and not (
        isinstance(sources, str | bytes | Mapping) or _is_row(sources)
    ):
        standardizer = Standardizer(meanings, required)
        for part in sources:
            table = as_arrow(part)
            if table is None:
                raise CutoutsError(f"A batch of sources is a {type(part).__name__}, not a table. {_TABLES}")
            yield standardizer(table)
    else:
        raise CutoutsError(f"Sources are a {type(sources).__name__}, not a table. {_TABLES}")


def as_arrow(table: Any) -> pa.Table | None:
    """Return a table as an Arrow table.

    ``table``: what may be a table of any kind. Returns: its columns by the names that they have there; `None`
    where it is no table.
    """
    module = type(table).__module__.partition(".")[0]
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if isinstance(table, pa.RecordBatchReader):
        return None  # a stream: read batch by batch
    if module == "pandas" and hasattr(table, "columns"):
        return _from_pandas(table)
    if is_afw(table):
        table = afw_table(table)
    if module == "pyvo" and hasattr(table, "to_table"):
        table = table.to_table()  # what a query gives
    if _is_row(table):
        return None
    if hasattr(table, "colnames") and hasattr(table, "columns"):
        return _from_astropy(table)
    if module == "polars" and hasattr(table, "collect"):
        table = table.collect()  # a LazyFrame
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    return None


def _is_row(table: Any) -> bool:
    """Return whether this is an astropy Row or a pandas Series, which look like tables."""
    return (hasattr(table, "colnames") and hasattr(table, "table")) or type(table).__name__ == "Series"


def _from_pandas(frame: "pd.DataFrame") -> pa.Table:
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    names = [_name(name) for name in frame.columns]
    # diaSourceId often is the index, also of frames that have it as a column too.
    for level, index_name in enumerate(frame.index.names):
        if index_name is not None and _name(index_name) not in names:
            columns.append(frame.index.get_level_values(level).to_series())
            names.append(_name(index_name))
    return pa.Table.from_arrays([arrow_array(column) for column in columns], names=names)


def _name(name: object) -> str:
    return str(name).encode(errors="replace").decode()


def _from_astropy(table: "astropy.table.Table") -> pa.Table:
    columns = {}
    for name in table.colnames:
        column = table[name]
        if len(getattr(column, "shape", (0,))) != 1:
            continue
        if current_name(name) in ("ra", "dec"):
            column = _in_degrees(column)
        columns[name] = arrow_array(_from_numpy(column))
    return pa.table(columns)


def _in_degrees(column: Any) -> Any:
    import astropy.units as u

    unit = getattr(column, "unit", None)
    if unit is None or unit == u.deg or unit.physical_type != "angle":
        return column
    values, mask = _values_and_mask(column)
    try:
        return np.ma.masked_array(u.Quantity(values, unit).to_value(u.deg), mask)
    except TypeError:  # text with a unit
        return column


def _from_numpy(column: Any) -> Any:
    """Return an astropy column as what `arrow_array` knows."""
    values, mask = _values_and_mask(column)
    if not isinstance(values, np.ndarray):  # times, coordinates
        return [str(value) for value in column]
    array = arrow_array(values)
    return array if mask is None else pc.if_else(pa.array(mask), pa.scalar(None, array.type), array)


def _values_and_mask(column: Any) -> tuple[Any, Any]:
    """Return the plain values of a column, and where they are masked."""
    if isinstance(column, np.ma.MaskedArray):
        return np.asarray(np.ma.getdata(column)), np.ma.getmaskarray(column)
    plain = getattr(column, "unmasked", column)  # of a masked Quantity
    mask = None if plain is column else np.asarray(column.mask)
    values = getattr(plain, "value", plain)
    return (np.asarray(values) if isinstance(values, np.ndarray) else values), mask
