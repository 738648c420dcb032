import astropy.table
import pandas as pd
import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import read_catalog


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "diaSourceId": [506428274000265570, 506428274000266579],
            "visit": [1, 1],
            "detector": [4, 5],
            "ra": [10.25, 20.5],
            "dec": [-1.0, -2.0],
            "isDipole": [True, False],
            "band": ["r", "g"],
        }
    )


WRITERS = {
    "c.parquet": lambda frame, path: frame.to_parquet(path),
    "c.csv": lambda frame, path: frame.to_csv(path, index=False),
    "c.ecsv": lambda frame, path: astropy.table.Table.from_pandas(frame).write(path),
    "c.fits": lambda frame, path: astropy.table.Table.from_pandas(frame).write(path),
    "c.vot": lambda frame, path: astropy.table.Table.from_pandas(frame).write(path, format="votable"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_rows(frame, tmp_path, name):
    path = tmp_path / name
    WRITERS[name](frame, path)
    assert read_catalog(path).select(list(frame)).to_pylist() == frame.to_dict("records")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CutoutsError, match=r"no catalogue .*nowhere\.csv"):
        read_catalog(tmp_path / "nowhere.csv")


def test_a_missing_column_names_the_file(frame, tmp_path):
    frame.drop(columns="ra").to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(CutoutsError, match=r"c\.csv: .*no column 'ra'"):
        read_catalog(tmp_path / "c.csv")


@pytest.mark.parametrize("name", WRITERS)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x00not what it says\xff")
    with pytest.raises(CutoutsError, match=name):
        read_catalog(path)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    path = tmp_path / "c.xlsx"
    path.touch()
    with pytest.raises(CutoutsError, match=r"\.parquet, \.csv"):
        read_catalog(path)
