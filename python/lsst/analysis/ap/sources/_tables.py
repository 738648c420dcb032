"""Tables of every common kind, as Arrow tables."""

__all__ = ("Sources", "arrow_tables", "one_row")

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..domain import CutoutsError
from ._ccd_visit import CcdVisitPacker
from ._columns import standardize
from ._flag_map import FlagMap
from ._synonyms import today

if TYPE_CHECKING:
    import astropy.table
    import pandas as pd

type Table = pd.DataFrame | astropy.table.Table | pa.Table | pa.RecordBatch
type Sources = Table | pa.RecordBatchReader | Iterable[Table]


def arrow_tables(
    sources: "Sources", flag_map: FlagMap | None = None, packer: CcdVisitPacker | None = None
) -> Iterator[pa.Table]:
    """Yield a catalogue as Arrow tables with the column names of today.

    Parameters
    ----------
    sources : `pandas.DataFrame`, `astropy.table.Table`, `pyarrow.Table`, \
            `pyarrow.RecordBatchReader` or iterable of such tables
        DiaSources. Any other object that exports the Arrow C stream
        interface, as a polars DataFrame does, or a polars LazyFrame, serves
        as well. An astropy
        column with an angular unit is converted to degrees.
    flag_map : `FlagMap`, optional
        What the bits of an integer column of flags mean.
    packer : `CcdVisitPacker`, optional
        What a column ``ccdVisitId`` means.

    Yields
    ------
    table : `pyarrow.Table`
        Rows with at least the required columns; NaN and masked values are
        null.

    Raises
    ------
    CutoutsError
        Raised when the object is no table, or lacks a required column.
    """
    table = _as_arrow(sources)
    if table is not None:
        yield standardize(table, flag_map, packer)
    elif isinstance(sources, Iterable) and not isinstance(sources, str | bytes | Mapping):
        for part in sources:
            table = _as_arrow(part)
            if table is None:
                raise CutoutsError(
                    f"A batch of sources is a {type(part).__name__}, not a table. "
                    "Give a pandas DataFrame, an astropy Table, a pyarrow Table, or an iterable of these."
                )
            yield standardize(table, flag_map, packer)
    else:
        raise CutoutsError(
            f"Sources are a {type(sources).__name__}, not a table. "
            "Give a pandas DataFrame, an astropy Table, a pyarrow Table, or an iterable of these."
        )


def one_row(source: Any) -> pa.Table:
    """Return one DiaSource as a table of one row.

    Parameters
    ----------
    source : `Mapping`, `pandas.Series`, `astropy.table.Row` or a table
        One row of a catalogue; a table must hold one row only.

    Returns
    -------
    table : `pyarrow.Table`
        That row, with the column names of today.

    Raises
    ------
    CutoutsError
        Raised when this is not one row.
    """
    if hasattr(source, "colnames") and hasattr(source, "table"):  # astropy.table.Row
        source = source.table[source.index : source.index + 1]
    elif isinstance(source, Mapping) or (hasattr(source, "to_dict") and getattr(source, "ndim", 0) == 1):
        fields = source if isinstance(source, Mapping) else source.to_dict()
        columns = {str(name): [value] for name, value in fields.items()}
        source = pa.table({k: pa.array(v, from_pandas=True) for k, v in columns.items()})
    table = _as_arrow(source)
    if table is None or len(table) != 1:
        what = type(source).__name__ if table is None else f"{len(table)} rows"
        raise CutoutsError(f"One DiaSource is wanted, as a row of a table or a mapping; this is {what}.")
    return standardize(table)


def _as_arrow(table: Any) -> pa.Table | None:
    """Return a table as an Arrow table, or None where it is no table."""
    module = type(table).__module__.partition(".")[0]
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if isinstance(table, pa.RecordBatchReader):
        return None  # a stream: read batch by batch
    if module == "pandas" and hasattr(table, "columns"):
        if any(name is not None for name in table.index.names):
            table = table.reset_index()  # diaSourceId often is the index
        return pa.Table.from_pandas(table, preserve_index=False)
    if hasattr(table, "colnames") and hasattr(table, "to_pandas"):
        return _from_astropy(table)
    if module == "polars" and hasattr(table, "collect"):
        table = table.collect()  # a LazyFrame
    if hasattr(table, "__arrow_c_stream__"):
        found = pa.table(table)
        # Arrow cannot filter the views that polars makes of text.
        views = {f.name: pa.large_string() for f in found.schema if pa.types.is_string_view(f.type)}
        return found.cast(pa.schema([(f.name, views.get(f.name, f.type)) for f in found.schema]))
    return None


def _from_astropy(table: "astropy.table.Table") -> pa.Table:
    import astropy.units as u

    plain = table[[name for name in table.colnames if getattr(table[name], "ndim", 0) == 1]]
    plain = plain.copy(copy_data=False)
    for name in plain.colnames:
        unit = getattr(plain[name], "unit", None)
        if (
            unit is not None
            and unit != u.deg
            and unit.physical_type == "angle"
            and today(name) in ("ra", "dec")
        ):
            plain[name] = u.Quantity(plain[name]).to(u.deg)
    plain.convert_bytestring_to_unicode()
    found = pa.Table.from_pandas(plain.to_pandas(index=False), preserve_index=False)
    # Pandas forgets the type of a column all of whose values are masked.
    kinds = [
        _kind(plain[field.name].dtype) if pa.types.is_null(field.type) else field.type
        for field in found.schema
    ]
    return found.cast(pa.schema(zip(found.column_names, kinds, strict=True)))


def _kind(dtype: np.dtype[Any]) -> pa.DataType:
    return pa.null() if dtype.kind == "O" else pa.from_numpy_dtype(dtype)
