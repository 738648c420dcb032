"""Labels join by diaSourceId, or say why not."""

import re

import astropy.table
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.stamps.helpers import begun, choice, ids_of, read, run, write_part

from lsst.analysis.ap import CutoutsError
from lsst.analysis.ap.output import OutputDirectory
from lsst.analysis.ap.stamps import StampFiles
from lsst.analysis.ap.stamps._labels import Labels, read_labels

BIG = 2**62
IDS = [BIG + 5, BIG + 1, BIG + 3]


def table(**columns):
    return pa.table({"diaSourceId": IDS, **columns})


def catalogue(ids):
    return pa.table({"diaSourceId": ids, "ra": np.full(len(ids), 1.0), "dec": np.full(len(ids), 2.0)})


WRITERS = {
    ".parquet": lambda t, path: pq.write_table(t, path),
    ".csv": lambda t, path: t.to_pandas().to_csv(path, index=False),
    ".csv.gz": lambda t, path: t.to_pandas().to_csv(path, index=False),
    ".ecsv": lambda t, path: astropy.table.Table.from_pandas(t.to_pandas()).write(path),
    ".fits": lambda t, path: astropy.table.Table.from_pandas(t.to_pandas()).write(path),
    ".vot": lambda t, path: astropy.table.Table.from_pandas(t.to_pandas()).write(path, format="votable"),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_labels_of_every_kind_of_file(suffix, tmp_path):
    path = tmp_path / f"labels{suffix}"
    WRITERS[suffix](table(label=["real", "bogus", "real"], p_real=[0.9, 0.1, 0.8]), path)
    labels = read_labels(str(path))
    assert labels.column == "label"
    found = labels.of(pa.chunked_array([[BIG + 1, 7, BIG + 5]]))
    assert found["label"].to_pylist() == ["bogus", None, "real"]
    assert found["p_real"].to_pylist() == [0.1, None, 0.9]


def test_they_join_catalogue_and_arrays_order(tmp_path, caplog):
    pq.write_table(
        table(label=["a", "b", "a"], ra=[0.0, 0.0, 0.0], votes=[3, None, 4]), tmp_path / "l.parquet"
    )
    ids = [BIG + n for n in range(1, 7)]
    with begun(tmp_path / "out", "npy", (5,), labels=str(tmp_path / "l.parquet")) as stamps:
        write_part(stamps, ids, (5,), catalogue(ids))
        caplog.set_level("INFO")
        stamps.assemble(ids[::-1], [].append)
    _, rows = read(tmp_path / "out", "npy", (5,))
    assert ids_of(rows) == ids[::-1]
    assert rows["label"].to_pylist() == [None, "a", None, "a", None, "b"]
    assert rows["ra"].to_pylist() == [1.0] * 6  # that of the catalogue counts
    frame = pd.read_parquet(tmp_path / "out" / "stamps_catalogue.parquet")
    assert str(frame["votes"].dtype) == "Int64"
    assert "Labels of the 6 sources: 3 (none), 2 a, 1 b" in caplog.text
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| label | train | validation | test | all |" in card
    assert re.search(r"\| a \| \d \| \d \| \d \| 2 \|", card)


def test_other_labels_make_the_files_again(tmp_path):
    path = tmp_path / "labels.csv"
    for line, label in (("1,real", "real"), ("1,bogus", "bogus"), ("2,bogus", None)):
        path.write_text(f"diaSourceId,label\n{line}\n")
        run(tmp_path / "out", "npy", [[1]], [1], (5,), labels=str(path))
        assert read(tmp_path / "out", "npy", (5,))[1]["label"].to_pylist() == [label]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("diaSourceId,label\n2.05e17,real\n", "of type double, not of integers"),
        ("objectId,label\n1,real\n", "needs a column diaSourceId"),
        ("diaSourceId\n1\n", "at least one of labels"),
        (
            "diaSourceId,label\n7,real\n6,real\n7,bogus\n6,real\n",
            "rows that differ for one diaSourceId, as for 7",
        ),
        ("diaSourceId,label\n7,real\n7,bogus\n", "rows that differ for one diaSourceId, as for 7"),
        ("diaSourceId,label\n7,real,x\n", "cannot be read"),
    ],
)
def test_what_is_no_table_of_labels_is_refused_before_the_work(content, words, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(CutoutsError, match=words) as caught:
        StampFiles(OutputDirectory(tmp_path), choice("npy", labels=str(path)))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CutoutsError, match=r"nothing\.parquet cannot be read"):
        read_labels(str(tmp_path / "nothing.parquet"))


def test_equal_rows_and_null_identifiers_do_no_harm():
    labels = Labels(
        pa.table({"diaSourceId": pa.array([3, None, 3, 1, 3]), "real": [True, False, True, False, True]}), "x"
    )
    assert labels.column == "real"
    assert labels.of(pa.chunked_array([[1, 2, 3]]))["real"].to_pylist() == [False, None, True]


def test_no_label_at_all_joins_too():
    empty = Labels(
        pa.table({"diaSourceId": pa.array([], pa.int64()), "class": pa.array([], pa.string())}), "x"
    )
    assert empty.of(pa.chunked_array([[1]]))["class"].to_pylist() == [None]
