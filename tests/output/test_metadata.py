import numpy as np
import pyarrow as pa

from lsst.analysis.ap.output import metadata_of


def test_numbers_are_as_short_as_their_precision_allows():
    rows = pa.table(
        {
            "single": pa.array(np.float32([0.8, 1e12])),
            "double": [0.1 + 0.2, 53.202312052481766],
            "identifier": [2**62 + 1, None],
            "flag": [True, False],
            "unwanted": [1, 2],
        }
    )
    assert metadata_of(rows, ["single", "double", "identifier", "flag", "absent"]) == [
        {
            "single": "0.8",
            "double": "0.30000000000000004",
            "identifier": "4611686018427387905",
            "flag": "true",
        },
        {"single": "1e+12", "double": "53.202312052481766", "flag": "false"},
    ]


def test_columns_that_zooniverse_itself_reads_pass_through():
    rows = pa.table({"#training_subject": ["true"], "#feedback_1_id": [3], "ra": [1.0]})
    assert metadata_of(rows, []) == [{"#training_subject": "true", "#feedback_1_id": "3"}]


def test_rows_without_a_wanted_column_have_no_values():
    assert metadata_of(pa.table({"ra": [1.0, 2.0]}), ["absent"]) == [{}, {}]


def test_values_that_are_no_text_are_told_all_the_same():
    rows = pa.table(
        {
            "#feedback": pa.array([[1.5, None], None]),
            "#place": [{"x": 1}, {"x": 2}],
            "#bytes": pa.array([b"\xff", b"abc"]),
        }
    )
    assert metadata_of(rows, []) == [
        {"#feedback": "[1.5, null]", "#place": '{"x": 1}', "#bytes": "\"b'\\\\xff'\""},
        {"#place": '{"x": 2}', "#bytes": "\"b'abc'\""},
    ]
