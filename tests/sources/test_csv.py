"""Catalogues as text: what people's CSV files look like, whole and damaged."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from tests.sources.reading import read_catalog

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import group_by_detector

BIG = 2**62 + 1
HEAD = "diaSourceId,visit,detector,ra,dec,note\n"


@pytest.fixture
def read(tmp_path):
    """Write a CSV file, and return its rows and the reasons of those that fail."""

    def read(content):
        path = tmp_path / "c.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = read_catalog(path)
        batches = list(group_by_detector([table], "TestCam"))
        found = {
            b.rows.column("diaSourceId")[r].as_py(): text for b in batches for r, text in b.reasons.items()
        }
        return table, found

    return read


def rows(count, note="n"):
    return [f"{BIG + i},7,3,1.5,-2.5,{note}\n" for i in range(count)]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.replace("visit", " visit ").replace("dec", '"dec"').encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=[
        "mark",
        "UTF-16",
        "semicolons",
        "tabs",
        "Windows",
        "blank lines",
        "blanks and quotes",
        "no last newline",
    ],
)
def test_the_spellings_of_csv_give_the_same_rows(read, change):
    table, reasons = read(change(HEAD + "".join(rows(3))))
    assert reasons == {}
    assert table.select(["diaSourceId", "visit", "detector", "ra", "dec", "note"]).to_pylist() == [
        {"diaSourceId": BIG + i, "visit": 7, "detector": 3, "ra": 1.5, "dec": -2.5, "note": "n"}
        for i in range(3)
    ]


def test_unknown_columns_become_what_all_of_their_values_are(read):
    columns = {
        "count": ["1", "", "-3"],
        "flux": ["1", "2.5", "nan"],
        "good": ["true", "False", ""],
        "word": ["1", "x", "2"],
        "long": ["1", "2", "9" * 20],  # as a float it would lose digits
        "none": ["", "", ""],
    }
    lines = [",".join(["diaSourceId,visit,detector,ra,dec", *columns])]
    lines += [",".join([f"{i},7,3,1.5,-2.5", *(values[i] for values in columns.values())]) for i in range(3)]
    table, _ = read("\n".join(lines))
    assert table.select(list(columns)).to_pydict() == {
        "count": [1, None, -3],
        "flux": [1.0, 2.5, None],
        "good": [True, False, None],
        "word": ["1", "x", "2"],
        "long": ["1", "2", "9" * 20],
        "none": [None] * 3,
    }


def test_rows_of_another_width_fail_alone_and_stay_in_their_place(read):
    lines = rows(6)
    lines[1] = f"{BIG + 1},7,3,1.5\n"
    lines[4] = f"{BIG + 4},7,3,1.5,-2.5,n,n,n\n"
    table, reasons = read(HEAD + "".join(lines))
    assert table.column("diaSourceId").to_pylist() == [BIG + i for i in range(6)]
    assert reasons == {
        BIG + 1: "row 2 has 4 values, where the catalogue has 6 columns",
        BIG + 4: "row 5 has 8 values, where the catalogue has 6 columns",
    }


def test_values_of_several_lines_are_whole(read):
    lines = rows(4)
    lines[1] = f'{BIG + 1},7,3,1.5,-2.5,"two, with ""quotes""\nlines\n"\n'
    table, reasons = read(HEAD + "".join(lines))
    assert reasons == {}
    assert table.column("note").to_pylist() == ["n", 'two, with "quotes"\nlines\n', "n", "n"]


@pytest.mark.parametrize("cell", ['"', '"-2.5', '-2.5"', '-"2.5', '"-2"5', '""-2.5"'])
def test_a_stray_quote_costs_its_row_only(read, cell):
    lines = rows(50, '"a, b"')
    lines[20] = f"{BIG + 20},7,3,1.5,{cell},n\n"
    table, reasons = read(HEAD + "".join(lines))
    assert table.column("diaSourceId").to_pylist() == [BIG + i for i in range(50)]
    assert list(reasons) == [BIG + 20]
    assert table.column("note").to_pylist().count("a, b") == 49


def test_bytes_that_are_not_utf8_cost_their_row_at_most(read):
    lines = [line.encode() for line in rows(3)]
    lines[0] = lines[0].replace(b"-2.5", b"-2\xf8.5")
    lines[1] = lines[1].replace(b",n\n", b",gr\xf6\xdfe\n")
    table, reasons = read(HEAD.encode() + b"".join(lines))
    assert reasons == {BIG: "dec is '-2\ufffd.5', not a number"}
    assert table.column("note").to_pylist() == ["n", "gr\ufffd\ufffde", "n"]


@pytest.mark.parametrize("content", ["", "\n", HEAD, HEAD.strip()])
def test_a_file_without_rows_is_a_table_without_rows_or_says_so(read, content):
    if content.strip():
        table, _ = read(content)
        assert len(table) == 0
    else:
        with pytest.raises(CutoutsError, match=r"c\.csv .*names of its columns are missing"):
            read(content)


def test_what_pythons_own_writer_writes_is_read_back(read):
    rng = np.random.default_rng(5)
    alphabet = np.array(list("ab ,;\"\n\r\t\u00e4'#"))
    notes = ["".join(rng.choice(alphabet, rng.integers(0, 8))) + "z" for _ in range(300)]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEAD.strip().split(","))
    writer.writerows([BIG + i, 7, 3, 1.5, -2.5, note] for i, note in enumerate(notes))
    table, reasons = read(file.getvalue())
    assert reasons == {}
    assert table.column("diaSourceId").to_pylist() == [BIG + i for i in range(300)]
    expected = pd.read_csv(io.StringIO(file.getvalue()), keep_default_na=False)["note"].to_list()
    assert table.column("note").to_pylist() == expected
