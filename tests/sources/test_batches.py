import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.sources import group_by_detector


def table(keys, instrument=None):
    keys = np.array(keys, dtype=np.int64).reshape(-1, 2)
    columns = {"diaSourceId": np.arange(len(keys))[::-1], "visit": keys[:, 0], "detector": keys[:, 1]}
    if instrument is not None:
        columns["instrument"] = instrument
    return pa.table(columns)


keys = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=30)


@given(st.lists(keys, max_size=4), st.integers(1, 10))
def test_each_source_comes_once_with_its_own_detector(tables, max_rows):
    tables = [table(k) for k in tables]
    found = []
    for batch in group_by_detector(tables, "Cam", max_rows):
        assert 0 < len(batch.rows) <= max_rows
        for row in batch.rows.to_pylist():
            assert batch.data_id == DetectorVisit("Cam", row["visit"], row["detector"])
            found.append((row["visit"], row["detector"], row["diaSourceId"]))
    expected = [(r["visit"], r["detector"], r["diaSourceId"]) for t in tables for r in t.to_pylist()]
    assert sorted(found) == sorted(expected)


def test_one_table_gives_each_detector_once_in_order():
    batches = list(group_by_detector([table([(2, 1), (1, 1), (2, 1), (1, 0)])], "Cam"))
    assert [(b.data_id.visit, b.data_id.detector) for b in batches] == [(1, 0), (1, 1), (2, 1)]
    assert batches[2].rows.column("diaSourceId").to_pylist() == [1, 3]


def test_a_detector_that_spans_two_tables_is_one_batch():
    batches = list(group_by_detector([table([(1, 0), (1, 1)]), table([(1, 1), (1, 2)])], "Cam"))
    assert [len(b.rows) for b in batches] == [1, 2, 1]


def test_rows_say_their_instrument():
    batches = list(group_by_detector([table([(1, 0), (1, 0)], ["A", None])], "B"))
    assert [b.data_id.instrument for b in batches] == ["A", "B"]
    assert [b.rows.column("instrument").to_pylist() for b in batches] == [["A"], ["B"]]


def test_rows_that_lack_a_visit_come_apart():
    rows = pa.table({"diaSourceId": [1, 2], "visit": [None, 5], "detector": [3, 3]})
    batches = list(group_by_detector([rows], "Cam"))
    assert {b.data_id: b.rows.column("diaSourceId").to_pylist() for b in batches} == {
        DetectorVisit("Cam", 5, 3): [2],
        None: [1],
    }
