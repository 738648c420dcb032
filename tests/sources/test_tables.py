import astropy.table
import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import arrow_tables, one_row

IDS = [2**62 + 1, 2**62 + 3]  # a float would merge these


@pytest.fixture
def columns():
    return {
        "diaSourceId": IDS,
        "visit": [1, 1],
        "detector": [4, 5],
        "ra": [10.0, 20.0],
        "dec": [-1.0, -2.0],
        "psfFlux": [1.5, np.nan],
        "band": ["r", "g"],
    }


def as_astropy(columns):
    table = astropy.table.Table(columns)
    table["psfFlux"].unit = u.nJy
    table["footprint"] = np.zeros((2, 3))  # a column that no picture can show
    return table


KINDS = {
    "pandas": pd.DataFrame,
    "pandas by id": lambda c: pd.DataFrame(c).set_index("diaSourceId"),
    "astropy": as_astropy,
    "astropy masked": lambda c: astropy.table.Table(c, masked=True),
    "astropy big-endian bytes": lambda c: astropy.table.Table(
        {
            k: np.array(v, dtype="S1" if k == "band" else ">i8" if isinstance(v[0], int) else ">f8")
            for k, v in c.items()
        }
    ),
    "pyarrow": lambda c: pa.table({k: pa.array(v, from_pandas=True) for k, v in c.items()}),
    "pandas arrow types": lambda c: pd.DataFrame(c).convert_dtypes(dtype_backend="pyarrow"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gives_the_same_rows(columns, kind):
    (table,) = arrow_tables(KINDS[kind](columns))
    rows = table.select(list(columns)).to_pylist()
    assert rows == [
        {
            "diaSourceId": IDS[0],
            "visit": 1,
            "detector": 4,
            "ra": 10.0,
            "dec": -1.0,
            "psfFlux": 1.5,
            "band": "r",
        },
        {
            "diaSourceId": IDS[1],
            "visit": 1,
            "detector": 5,
            "ra": 20.0,
            "dec": -2.0,
            "psfFlux": None,
            "band": "g",
        },
    ]


def test_batches_of_tables_are_read_one_by_one(columns):
    taken = []

    def batches():
        for part in range(3):
            taken.append(part)
            yield pd.DataFrame(columns)

    stream = arrow_tables(batches())
    assert len(next(stream)) == 2
    assert taken == [0]
    assert len(list(stream)) == 2


def test_record_batch_reader_is_a_stream(columns):
    table = KINDS["pyarrow"](columns)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1))
    assert [len(part) for part in arrow_tables(reader)] == [1, 1]


def test_older_names_become_names_of_today(columns):
    old = pd.DataFrame(columns).rename(columns={"dec": "decl", "band": "filterName", "psfFlux": "psFlux"})
    (table,) = arrow_tables(old)
    assert table.column("dec").to_pylist() == [-1.0, -2.0]
    assert table.column("band").to_pylist() == ["r", "g"]
    assert {"decl", "filterName", "psFlux"}.isdisjoint(table.column_names)


def test_todays_name_wins_over_an_older_one(columns):
    (table,) = arrow_tables(pd.DataFrame(columns | {"decl": [7.0, 8.0]}))
    assert table.column("dec").to_pylist() == [-1.0, -2.0]


def test_angles_with_units_become_degrees(columns):
    table = astropy.table.QTable(columns)
    table["ra"] = np.radians(columns["ra"]) * u.rad
    table["dec"] = np.array(columns["dec"]) * 60 * u.arcmin
    (rows,) = arrow_tables(table)
    np.testing.assert_allclose(rows.column("ra").to_numpy(), columns["ra"], rtol=1e-15)
    np.testing.assert_allclose(rows.column("dec").to_numpy(), columns["dec"], rtol=1e-15)


@pytest.mark.parametrize("name", ["ra", "dec", "visit", "detector", "diaSourceId"])
def test_a_missing_column_is_named(columns, name):
    del columns[name]
    with pytest.raises(CutoutsError, match=f"no column '{name}'"):
        next(arrow_tables(pd.DataFrame(columns)))


def test_a_row_without_identifier_is_refused_with_the_count(columns):
    columns["diaSourceId"] = pa.array([1, None])
    with pytest.raises(CutoutsError, match="1 of 2 rows have no diaSourceId"):
        next(arrow_tables(pa.table(columns)))


def test_identifiers_that_are_whole_floats_or_text_serve(columns):
    for ids in ([1.0, 2.0], ["1", "2"]):
        (table,) = arrow_tables(pd.DataFrame(columns | {"diaSourceId": ids}))
        assert table.column("diaSourceId").to_pylist() == [1, 2]


@pytest.mark.parametrize("ids", [[1.5, 2.0], ["x", "y"]])
def test_identifiers_that_are_not_whole_numbers_are_refused(columns, ids):
    with pytest.raises(CutoutsError, match="whole numbers"):
        next(arrow_tables(pd.DataFrame(columns | {"diaSourceId": ids})))


@pytest.mark.parametrize("thing", ["catalog.csv", 7, {"ra": 1}, [3]])
def test_what_is_no_table_is_refused(thing):
    with pytest.raises(CutoutsError, match="pandas DataFrame"):
        next(arrow_tables(thing))


def test_one_row_of_anything(columns):
    frame = pd.DataFrame(columns)
    expected = frame.iloc[0].to_dict()
    table = astropy.table.Table(columns)
    for source in (expected, frame.iloc[0], frame.iloc[:1], table[0], table[:1]):
        assert one_row(source).to_pylist() == [expected]
    with pytest.raises(CutoutsError, match="2 rows"):
        one_row(frame)
