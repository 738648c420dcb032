import pyarrow as pa
import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection


@pytest.fixture
def table():
    return pa.table(
        {
            "diaSourceId": [5, 4, 3, 2, 1],
            "visit": [2, 1, 1, 1, 1],
            "detector": [0, 1, 0, 0, 0],
            "reliability": pa.array([0.1, 0.5, None, float("nan"), 0.9]),
            "timeWithdrawnMjdTai": pa.array([None, None, None, None, 61000.0]),
        }
    )


def ids(table):
    return table.column("diaSourceId").to_pylist()


def test_rows_come_in_the_order_of_the_work_without_withdrawn_ones(table):
    assert ids(Selection().apply(table)) == [2, 3, 4, 5]


def test_null_and_nan_meet_no_condition(table):
    assert ids(Selection(reliability_min=0.0).apply(table)) == [4, 5]
    assert ids(Selection(reliability_max=0.2).apply(table)) == [5]


def test_limit_comes_after_the_conditions(table):
    assert ids(Selection(reliability_min=0.0, limit=1).apply(table)) == [4]


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"reliability_min": 0.6, "reliability_max": 0.5}])
def test_impossible_selections_are_refused(arguments):
    with pytest.raises(CutoutsError):
        Selection(**arguments)


def test_a_column_that_is_not_there_is_named(table):
    with pytest.raises(CutoutsError, match="'reliability'"):
        Selection(reliability_min=0.1).apply(table.drop_columns("reliability"))
