"""Lists of identifiers, as people keep them."""

import gzip
import os
import threading

import astropy.table
import pandas as pd
import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources._identifiers import read_identifiers

BIG = 2**62 + 1
IDS = (BIG, 7)

TEXTS = {
    "lines": f"# a list\n{BIG}\n\n7 # seven\n",
    "commas": f"{BIG}, 7,\n",
    "quotes": f'"{BIG}"\n"7"\n',
    "apostrophes": f"'{BIG}'\n'7'\n",
    "semicolons and tabs": f"{BIG};\t7\n",
    "whole floats": f"{BIG}\n7.0\n",
    "Windows": f"{BIG}\r\n7\r\n",
    "name above": f"diaSourceId\n{BIG}\n7\n",
    "blank behind the name": f"diaSourceId \n{BIG}\n7\n",
    "name in quotes": f'"diaSourceId","note"\n"{BIG}","a"\n7,b\n',
    "older name": f"ra;id\n1.5;{BIG}\n2.5;7\n",
    "blank rows": f"diaSourceId,note\n{BIG},a\n,\n7,b\n",
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("suffix", [".txt", ".csv", ""])
@pytest.mark.parametrize("text", TEXTS)
def test_a_list_is_read_however_it_is_kept(tmp_path, text, suffix, encoding):
    path = tmp_path / f"ids{suffix}"
    path.write_bytes(TEXTS[text].encode(encoding))
    assert read_identifiers(str(path)) == IDS


def test_words_are_read(tmp_path):
    for words in (f"{BIG},7", f"{BIG} 7", f" {BIG} , 7 ,"):
        assert read_identifiers(words) == IDS


@pytest.mark.parametrize("suffix", [".parquet", ".fits", ".ecsv", ".vot", ".csv.gz", ".fits.gz"])
def test_a_column_of_a_table_is_read(tmp_path, suffix):
    frame = pd.DataFrame({"ra": [1.0, 2.0], "diaObjectId": [BIG, 7]})
    path = tmp_path / f"t{suffix.removesuffix('.gz')}"
    match path.suffix:
        case ".parquet":
            frame.to_parquet(path)
        case ".csv":
            frame.to_csv(path, index=False)
        case ".vot":
            astropy.table.Table.from_pandas(frame).write(path, format="votable")
        case _:
            astropy.table.Table.from_pandas(frame).write(path)
    if suffix.endswith(".gz"):
        whole = tmp_path / f"t{suffix}"
        whole.write_bytes(gzip.compress(path.read_bytes()))
        path = whole
    assert read_identifiers(str(path), "diaObjectId") == IDS
    with pytest.raises(CutoutsError, match=r"no column diaSourceId, only ra, diaObjectId"):
        read_identifiers(str(path))


def test_a_pipe_is_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[TEXTS["name above"]])
    writer.start()
    assert read_identifiers(str(tmp_path / "pipe")) == IDS
    writer.join()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2.05934E+17\n1\n", "2.05934E\\+17 .* has lost its last digits"),
        ("diaSourceId\n2.05934250095018e+17\n", "has lost its last digits"),
        ("1\nx\n", "'x' .* is no diaSourceId"),
        ("1.5\n", "'1.5' .* is no diaSourceId"),
        ("9" * 30, "is no diaSourceId"),
        ("", "There is no diaSourceId"),
        ("# nothing\n", "There is no diaSourceId"),
        ("diaSourceId\n", "There is no diaSourceId"),
    ],
)
def test_what_is_no_list_is_refused_in_one_line(tmp_path, text, said):
    (tmp_path / "ids.txt").write_text(text)
    with pytest.raises(CutoutsError, match=said) as caught:
        read_identifiers(str(tmp_path / "ids.txt"))
    assert "\n" not in str(caught.value)


def test_identifiers_of_a_table_that_lost_digits_are_refused(tmp_path):
    pd.DataFrame({"diaSourceId": [float(BIG), None]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(CutoutsError, match="has lost its last digits"):
        read_identifiers(str(tmp_path / "t.parquet"))


@pytest.mark.parametrize("words", ["", "nowhere.txt", "1,x", "x" * 5000, "a\0b", "."])
def test_words_that_are_neither_numbers_nor_a_file_are_refused(words):
    with pytest.raises(CutoutsError) as caught:
        read_identifiers(words)
    assert len(str(caught.value)) < 300
