from decimal import Decimal

import astropy.table
import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from astropy.utils.masked import Masked

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, arrow_tables, group_by_detector, rows_of
from lsst.analysis.ap.sources._arrays import join_tables

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


@pytest.mark.parametrize("name", ["ra", "dec", "visit", "detector"])
def test_a_missing_column_is_named(columns, name):
    del columns[name]
    with pytest.raises(CutoutsError, match=f"no column '{name}'"):
        next(arrow_tables(pd.DataFrame(columns)))


def reasons(table):
    """What keeps rows from having a picture, by identifier."""
    batches = group_by_detector([table], "TestCam")
    return {
        b.rows.column("diaSourceId")[row].as_py(): text for b in batches for row, text in b.reasons.items()
    }


def test_a_row_without_identifier_fails_by_its_number(columns):
    columns["diaSourceId"] = pa.array([7, None])
    (table,) = arrow_tables(pa.table(columns))
    assert table.column("diaSourceId").to_pylist() == [7, -2]
    assert reasons(table) == {-2: "it has no diaSourceId (row 2)"}


def test_rows_are_counted_over_all_batches(columns):
    columns["diaSourceId"] = pa.array(["7", "x"])
    tables = arrow_tables([pa.table(columns), pa.table(columns)])
    assert [table.column("diaSourceId").to_pylist() for table in tables] == [[7, -2], [7, -4]]


def test_identifiers_that_are_whole_floats_or_text_serve(columns):
    for ids in ([1.0, 2.0], ["1", "2.0"], [Decimal(1), Decimal(2)], pd.Categorical(["1", "2"])):
        (table,) = arrow_tables(pd.DataFrame(columns | {"diaSourceId": ids}))
        assert table.column("diaSourceId").to_pylist() == [1, 2]


TOO_LARGE = 205934250095017985


@pytest.mark.parametrize(
    "ids",
    [
        [float(TOO_LARGE), float(TOO_LARGE + 1)],
        [1.0, float(TOO_LARGE)],
        [float(TOO_LARGE), None],
        ["2.05934E+17", "2.05934250095018e+17"],
        [2.0**53, 1.0],
    ],
)
@pytest.mark.parametrize("name", ["diaSourceId", "visit", "detector"])
def test_identifiers_that_lost_digits_are_refused_in_one_line(columns, name, ids):
    with pytest.raises(CutoutsError, match=f"'{name}' holds floats such as .*Int64") as caught:
        next(arrow_tables(pd.DataFrame(columns | {name: ids})))
    assert "\n" not in str(caught.value)


def test_a_row_of_a_frame_that_became_floats_is_refused(columns):
    frame = pd.DataFrame({name: columns[name] for name in ("diaSourceId", "visit", "detector", "ra", "dec")})
    with pytest.raises(CutoutsError, match=r"df\.iloc\[\[k\]\]"):
        list(arrow_tables(rows_of(frame.iloc[0])))
    (row,) = arrow_tables(rows_of(frame.iloc[[0]]))
    assert row.column("diaSourceId").to_pylist() == IDS[:1]


@pytest.mark.parametrize(
    "ids",
    [[True, False], pd.to_datetime(["2026-01-01"] * 2), pd.to_timedelta([5, 6]), ["x", "y"], [1.5, 2.5]],
)
@pytest.mark.parametrize("name", ["diaSourceId", "visit", "diaObjectId"])
def test_what_are_no_identifiers_is_refused(columns, name, ids):
    with pytest.raises(CutoutsError, match=f"None of the values of column '{name}' is a whole number"):
        next(arrow_tables(pd.DataFrame(columns | {name: ids})))


def test_objects_whose_identifiers_lost_digits_are_left_out_by_name(columns, caplog):
    frame = pd.DataFrame(columns | {"diaObjectId": [float(TOO_LARGE), None]})
    (table,) = arrow_tables(frame)
    assert "diaObjectId" not in table.column_names
    assert "'diaObjectId' holds floats" in caplog.text
    with pytest.raises(CutoutsError, match="no column 'diaObjectId'"):
        Selection(one_per_object=True).apply(table)


BAD_CELLS = {
    "a word": ("visit", ["x", "1"]),
    "a fraction": ("visit", [1.5, 1.0]),
    "infinity": ("detector", [np.inf, 4.0]),
    "too large for 64 bits": ("detector", [1e30, 4.0]),
    "too large, as text": ("detector", ["9" * 30, "4"]),
    "a name": ("detector", ["R22_S11", "4"]),
    "mixed objects": ("visit", [object, 1]),
    "sexagesimal": ("ra", ["03:32:34", "52.0"]),
    "unknown": ("dec", ["unknown", "-1"]),
    "digits with underscores": ("ra", ["1_0", "10"]),
    "off the sky": ("dec", [100.0, -1.0]),
    "off the circle": ("ra", [1e30, 10.0]),
    "infinite": ("ra", [-np.inf, 10.0]),
    "a flux": ("psfFlux", ["bright", "1.5"]),
    "a flag": ("isDipole", ["perhaps", "t"]),
}


@pytest.mark.parametrize("what", BAD_CELLS)
def test_one_bad_cell_costs_its_row_only(columns, what):
    name, values = BAD_CELLS[what]
    (table,) = arrow_tables(pd.DataFrame(columns | {name: values}))
    found = reasons(table)
    assert list(found) == IDS[:1]
    assert name in found[IDS[0]]
    assert table.column(name)[0].as_py() is None or "sky" in found[IDS[0]]
    assert table.column(name)[1].as_py() == (True if values[1] == "t" else float(values[1]))


@pytest.mark.parametrize("cell", ["", "-", "--", "nan", "NULL", "N/A", None, "<NA>", "\\N"])
def test_a_missing_number_is_null_however_it_is_written(columns, cell):
    (table,) = arrow_tables(pd.DataFrame(columns | {"snr": [cell, "7.5"], "diaObjectId": [cell, "5"]}))
    assert table.select(["snr", "diaObjectId"]).to_pylist()[0] == {"snr": None, "diaObjectId": None}
    assert reasons(table) == {}


def test_several_things_wrong_with_a_row_are_all_told(columns):
    (table,) = arrow_tables(pd.DataFrame(columns | {"visit": ["x", "1"], "dec": [100.0, -1.0]}))
    assert reasons(table) == {
        IDS[0]: "visit is 'x', not a whole number; there is no position ra = 10.0, dec = 100.0 on the sky"
    }


def test_a_number_that_is_too_large_is_told_from_what_is_none(columns):
    (table,) = arrow_tables(pd.DataFrame(columns | {"visit": [str(2**63), "1"]}))
    assert reasons(table) == {IDS[0]: "visit is '9223372036854775808', not within 64 bits"}


def test_reasons_stay_when_a_table_is_read_again(columns):
    (once,) = arrow_tables(pd.DataFrame(columns | {"visit": ["x", "1"]}))
    (twice,) = arrow_tables(once)
    assert twice.equals(once)


def test_a_column_without_a_readable_value_is_refused_with_an_example(columns):
    for name, values in {"ra": ["10:00:00.0"] * 2, "visit": ["x", "y"], "psfFlux": ["a", "b"]}.items():
        with pytest.raises(CutoutsError, match=f"'{name}' is a .*; the first is '{values[0]}'"):
            next(arrow_tables(pd.DataFrame(columns | {name: values})))


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("t", "f"),
        ("T", "F"),
        ("True", "false"),
        ("yes", "no"),
        ("Y", "N"),
        ("1", "0"),
        (1, 0),
        (1.0, 0.0),
        (b"T", b"F"),
    ],
)
@pytest.mark.parametrize("name", ["isDipole", "psfFlux_flag", "pixelFlags_cr"])
def test_flags_are_truth_values_however_they_are_written(columns, name, true, false):
    (table,) = arrow_tables(pd.DataFrame(columns | {name: [true, false]}))
    assert table.column(name).to_pylist() == [True, False]


def test_columns_that_are_named_flags_are_truth_values_if_they_can_be(columns):
    frame = pd.DataFrame(
        columns | {"my_flag": ["t", "f"], "flag_quality": ["good", "bad"], "flagship": ["t", "f"]}
    )
    (table,) = arrow_tables(frame)
    assert table.select(["my_flag", "flag_quality", "flagship"]).to_pydict() == {
        "my_flag": [True, False],
        "flag_quality": ["good", "bad"],
        "flagship": ["t", "f"],
    }


def test_flags_of_other_words_are_refused_by_name(columns):
    with pytest.raises(CutoutsError, match="'pixelFlags_cr' is true or false; the first is 'good'"):
        next(arrow_tables(pd.DataFrame(columns | {"pixelFlags_cr": ["good", "bad"]})))


ODD_COLUMNS = {
    "mixed objects": [1, "x"],
    "complex": [1j, 2j],
    "lists": [[1], [2, 3]],
    "objects without text": [type("Mute", (), {"__str__": lambda self: 1 / 0})()] * 2,
    "times": pd.to_datetime(["2026-01-01", None]),
    "zones": pd.to_datetime(["2026-01-01", None]).tz_localize("UTC"),
    "periods": pd.period_range("2026-01", periods=2, freq="M"),
    "intervals": pd.interval_range(0, 2),
    "categories": pd.Categorical(["a", "b"]),
    "sparse": pd.arrays.SparseArray([0.0, 1.0]),
    "big-endian": np.array([1.0, 2.0], ">f4"),
    "long doubles": np.array([1.0, 2.0], np.longdouble),
    "invalid UTF-8": [b"\xff", b"a"],
    "surrogates": pd.Series(["\ud800", "a"], dtype=object),
}


@pytest.mark.parametrize("what", ODD_COLUMNS)
def test_a_column_that_nobody_needs_may_hold_anything(columns, what):
    frame = pd.DataFrame(columns).assign(note=ODD_COLUMNS[what], band=ODD_COLUMNS[what])
    (table,) = arrow_tables([frame])
    assert use(table) == IDS


ODD_TYPES = {
    "text views": (pa.string_view(), ["a", "b"]),
    "byte views": (pa.binary_view(), [b"a", b"b"]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["a", "b"]),
    "run ends": (pa.run_end_encoded(pa.int32(), pa.string()), ["a", "a"]),
    "half": (pa.float16(), [np.float16(1), np.float16(2)]),
    "decimal": (pa.decimal256(50, 3), [Decimal("1.5"), Decimal("2.5")]),
    "wild times": (pa.timestamp("s"), [-(2**60), 2**60]),
    "time of day": (pa.time64("ns"), [1, 2]),
    "length of time": (pa.duration("ns"), [1, 2]),
    "month, day, nano": (pa.month_day_nano_interval(), [(1, 2, 3), (1, 2, 3)]),
    "structure of views": (pa.struct([("x", pa.list_view(pa.string_view()))]), [{"x": ["a"]}, {"x": None}]),
    "map": (pa.map_(pa.string(), pa.int64()), [[("a", 1)], []]),
    "uuid": (pa.uuid(), [b"0" * 16, b"1" * 16]),
    "fixed bytes": (pa.binary(3), [b"abc", b"\xff\xfe\xfd"]),
    "null": (pa.null(), [None, None]),
}


@pytest.mark.parametrize("what", ODD_TYPES)
def test_every_type_of_arrow_is_taken(columns, what):
    kind, values = ODD_TYPES[what]
    odd = pa.array([None if v is None else v for v in values], kind)
    base = KINDS["pyarrow"]({name: values for name, values in columns.items() if name != "band"})
    table = base.append_column("note", odd).append_column("band", odd)
    (table,) = arrow_tables([table])
    assert use(table) == IDS


def test_text_in_arrow_that_is_not_utf8_is_taken(columns):
    note = pa.array([b"\xff", b"a"]).view(pa.string())  # as a damaged file has it
    table = KINDS["pyarrow"](columns).append_column("note", note).append_column("x", note)
    (table,) = arrow_tables([table])
    assert reasons(table) == {IDS[0]: "x is '\ufffd', not a number", IDS[1]: "x is 'a', not a number"}
    assert table.column("note").to_pylist() == ["\ufffd", "a"]


def use(table):
    """Do with a table what is done on the way to a picture."""
    joined = join_tables([table, table.slice(0, 0), table])
    rows = Selection(where="dec < 0").apply(joined)
    (batches) = list(group_by_detector([rows.slice(0, 2), rows.slice(2)], "TestCam"))
    assert sum(len(batch.rows.to_pylist()) for batch in batches) == 4
    return sorted({i for batch in batches for i in batch.take([0]).rows.column("diaSourceId").to_pylist()})


def test_tables_that_disagree_about_a_column_are_joined_as_text(columns):
    tables = [pa.table({"note": [1, 2]}), pa.table({"note": ["x"]}), pa.table({"note": [[1.5]]})]
    assert join_tables(tables).column("note").to_pylist() == ["1", "2", "x", "[1.5]"]
    assert join_tables([pa.table({"n": [1]}), pa.table({"n": [1.5]})]).column("n").to_pylist() == [1.0, 1.5]


def test_an_index_that_is_a_column_too_counts_once(columns):
    frame = pd.DataFrame(columns | {"diaObjectId": [1, 2]})
    frame = frame.set_index(["diaObjectId", "band", "diaSourceId"], drop=False)
    (table,) = arrow_tables(frame)
    assert sorted(table.column_names) == sorted([*columns, "diaObjectId"])
    assert table.column("diaSourceId").to_pylist() == IDS


def test_a_column_that_is_there_twice_counts_once_if_it_is_the_same(columns):
    frame = pd.DataFrame(columns)
    (table,) = arrow_tables(pd.concat([frame, frame[["ra"]]], axis=1))
    assert table.column("ra").to_pylist() == columns["ra"]
    with pytest.raises(CutoutsError, match="several columns 'ra'"):
        next(arrow_tables(pd.concat([frame, frame[["ra"]] + 1], axis=1)))
    (table,) = arrow_tables(
        pd.concat([frame.assign(note=1), frame[["ra"]].set_axis(["note"], axis=1)], axis=1)
    )
    assert table.column("note").to_pylist() == [1, 1]


def test_mixin_columns_of_astropy_do_no_harm(columns):
    table = astropy.table.QTable(columns)
    table["where"] = SkyCoord([1, 2], [3, 4], unit="deg")
    table["when"] = Time([61000.0, 61001.0], format="mjd")
    table["psfFlux"] = Masked([1.0, 2.0] * u.nJy, mask=[True, False])
    (found,) = arrow_tables(table)
    assert found.column("psfFlux").to_pylist() == [None, 2.0]
    assert len(found.column("when").to_pylist()) == len(found.column("where").to_pylist()) == 2


@pytest.mark.parametrize("thing", ["catalog.csv", 7, {"ra": 1}, [3]])
def test_what_is_no_table_is_refused(thing):
    with pytest.raises(CutoutsError, match="pandas DataFrame"):
        next(arrow_tables(thing))


def test_a_row_is_refused_where_tables_are_wanted(columns):
    table = astropy.table.Table(columns)
    for thing in (table[0], [table[0]], pd.DataFrame(columns).iloc[0]):
        with pytest.raises(CutoutsError, match=r"a (Row|Series), not a table.* table\[k : k \+ 1\]"):
            next(arrow_tables(thing))


def test_one_row_of_anything(columns):
    frame = pd.DataFrame(columns)
    expected = frame.iloc[0].to_dict()
    table = astropy.table.Table(columns)
    for source in (expected, frame.iloc[0], frame.iloc[:1], table[0], table[:1]):
        (found,) = arrow_tables(rows_of(source))
        assert found.to_pylist() == [expected]
