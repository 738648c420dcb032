"""Integers stay integers in every Parquet file."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lsst.analysis.ap.output import for_pandas

KINDS = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "bool": pa.bool_(),
}
EXPECTED = {
    "int8": "Int8",
    "int16": "Int16",
    "int32": "Int32",
    "int64": "Int64",
    "uint8": "UInt8",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
    "bool": "boolean",
}


def test_pandas_reads_integers_with_and_without_nulls(tmp_path):
    for number, values in enumerate(([1, None, 0], [1, 1, 0])):
        table = pa.table({name: pa.array(values).cast(kind) for name, kind in KINDS.items()})
        path = tmp_path / f"{number}.parquet"
        pq.write_table(for_pandas(table), path)
        frame = pd.read_parquet(path)
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == EXPECTED
        assert [None if pd.isna(value) else int(value) for value in frame["int64"]] == values


def test_no_identifier_becomes_another(tmp_path):
    ids = [2**62 + 1, None, 2**62 + 3]
    table = pa.table({"diaObjectId": ids, "band": ["r", None, "i"], "flux": [1.0, None, float("nan")]})
    pq.write_table(for_pandas(table.replace_schema_metadata({"mine": "kept"})), tmp_path / "a.parquet")
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert frame["diaObjectId"].dropna().tolist() == [ids[0], ids[2]]
    assert frame.index.tolist() == [0, 1, 2]
    assert frame["flux"].dtype == "float64"
    assert pq.read_schema(tmp_path / "a.parquet").metadata[b"mine"] == b"kept"
