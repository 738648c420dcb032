import subprocess
import sys

CODE = """
import sys
from lsst.analysis.ap.sources import keep_pandas_out
keep_pandas_out()
import pyarrow as pa
table = pa.table({"a": pa.array([1, 2]), "b": [0.5, None]})
assert "pandas" not in sys.modules
assert not any(getattr(finder, "__name__", "") == "_NoPandas" for finder in sys.meta_path)
"""

TO_A_FRAME = """
assert table.to_pandas()["b"].isna().tolist() == [False, True]
assert pa.array(table.to_pandas()["b"]).null_count == 1
"""

FROM_A_FRAME = """
import pandas as pd
frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [0.5, float("nan")]})
table = pa.Table.from_pandas(frame)
assert (table["a"].null_count, table["b"].null_count) == (1, 1)
assert pa.array(frame["b"]).null_count == 1
"""


def test_arrow_converts_without_pandas_and_both_ways_once_there_is_a_frame():
    for more in (TO_A_FRAME, FROM_A_FRAME):
        subprocess.run([sys.executable, "-c", CODE + more], check=True)
