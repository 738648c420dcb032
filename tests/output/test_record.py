"""What is read of the directory of a finished run."""

import sqlite3
from contextlib import closing

import pytest
from tests.gallery.directories import fill, rows

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.output import read_record

PIXELS = b"\x89PNG"


@pytest.fixture
def directory(tmp_path):
    return fill(tmp_path / "out", rows(9), lambda number: PIXELS, {"sizes": "[30]"})


def test_every_picture_has_its_whole_row(directory):
    record = read_record(directory)
    assert record.settings == {"sizes": "[30]"}
    order = [("visit", "ascending"), ("detector", "ascending"), ("diaSourceId", "ascending")]
    expected = rows(9).sort_by(order)
    assert record.paths == tuple(f"{i}.png" for i in expected.column("diaSourceId").to_pylist())
    assert record.rows.select(expected.column_names).to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("path", ["../1.png", "/etc/passwd", b"1.png"])
def test_a_journal_that_names_what_no_run_writes_is_damaged(directory, path):
    with closing(sqlite3.connect(directory / ".journal.sqlite3")) as db, db:
        db.execute("UPDATE picture SET path = ? WHERE diaSourceId = ?", (path, 2**61))
    with pytest.raises(CutoutsError, match=r"is damaged: it names .*, which no run writes"):
        read_record(directory)
