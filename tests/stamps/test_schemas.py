"""Tables that say the same in other types."""

import pyarrow as pa
import pytest

from lsst.analysis.ap.stamps._schemas import conform, plain, unify

WORDS = ["a", None, "b"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (pa.array(WORDS, pa.large_string()), pa.string()),
        (pa.array(WORDS, pa.string_view()), pa.string()),
        (pa.array(WORDS).dictionary_encode(), pa.string()),
        (pa.array([b"a", None, b"b"], pa.large_binary()), pa.binary()),
        (pa.array([["a"], None, []], pa.large_list(pa.large_string())), pa.list_(pa.string())),
        (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)), pa.list_(pa.int8(), 2)),
        (
            pa.array([{"x": "a"}] * 3, pa.struct([("x", pa.large_string())])),
            pa.struct([("x", pa.string())]),
        ),
        (pa.array([1, 2, None], pa.uint64()), pa.uint64()),
    ],
    ids=lambda value: str(value.type if isinstance(value, pa.Array) else value),
)
def test_what_only_differs_in_how_it_is_written_becomes_the_same(written, expected):
    found = plain(pa.table({"x": written})).column("x")
    assert found.type == expected
    assert found.to_pylist() == written.to_pylist()


def test_numbers_that_no_type_holds_together_become_text():
    tables = [
        pa.table({"n": pa.array([2**64 - 1], pa.uint64())}),
        pa.table({"n": pa.array([-1], pa.int64())}),
    ]
    schema = unify((table.schema for table in tables), ())
    assert [conform(table, schema).to_pylist() for table in tables] == [
        [{"n": "18446744073709551615"}],
        [{"n": "-1"}],
    ]
