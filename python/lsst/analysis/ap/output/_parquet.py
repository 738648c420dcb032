"""Parquet files whose integers stay integers."""

__all__ = ("for_pandas", "with_pandas_types")

import json

import pyarrow as pa


def for_pandas(table: pa.Table) -> pa.Table:
    """Return a table as it should go into a Parquet file, with the schema of `with_pandas_types`."""
    return table.replace_schema_metadata(with_pandas_types(table.schema).metadata)


def with_pandas_types(schema: pa.Schema) -> pa.Schema:
    """Tell pandas how to read integers and truth values that may be null.

    Without that word ``pandas.read_parquet`` makes floats of a column of integers in which a value is null,
    and of two identifiers above 2^53 one.

    ``schema``: schema that a Parquet file is to have. Returns: the same with pandas metadata (the
    specification is in the developer guide of pandas, "Storing pandas DataFrame objects in Apache Parquet
    format"): integers become ``Int64`` and so on, truth values ``boolean``. All integers do, with and without
    nulls, so that the files of one kind have the same types.
    """
    columns = [
        {
            "name": field.name,
            "field_name": field.name,
            "pandas_type": str(field.type),
            "numpy_type": kind,
            "metadata": None,
        }
        for field in schema
        if (kind := _nullable_type(field.type)) is not None
    ]
    description = {"index_columns": [], "column_indexes": [], "columns": columns, "pandas_version": "1.0.0"}
    return schema.with_metadata({**(schema.metadata or {}), "pandas": json.dumps(description)})


def _nullable_type(kind: pa.DataType) -> str | None:
    """Return the name of the pandas type that has integers or truth values, and nulls."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if not pa.types.is_integer(kind):
        return None
    sign = "UInt" if pa.types.is_unsigned_integer(kind) else "Int"
    return f"{sign}{kind.bit_width}"
