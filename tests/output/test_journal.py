import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pyarrow as pa
import pytest

from lsst.analysis.ap.domain import CutoutsError, DetectorVisit, SourceBatch
from lsst.analysis.ap.output import Failure, Journal, OutputDirectory, Picture

PLACE = DetectorVisit("Cam", 7, 3)


def picture(identifier, place=PLACE):
    return Picture(identifier, place, f"{identifier}.png", 99, {"ra": "1.5"})


def test_what_is_recorded_is_there_after_reopening(tmp_path):
    first = [picture(2**62), Failure(5, PLACE, "no image"), Failure(6, None, "no visit")]
    with Journal(OutputDirectory(tmp_path)) as journal:
        journal.record(first)
        journal.begin_run({"sizes": "[30]"})
    with Journal(OutputDirectory(tmp_path)) as journal:
        assert list(journal.pictures()) == first[:1]
        assert sorted(journal.failures(), key=lambda f: f.diaSourceId) == first[1:]
        assert journal.settings == {"sizes": "[30]"}
        assert journal.done([2**62, 5, 8]) == {2**62: (f"{2**62}.png", 99)}


def test_each_run_has_its_own_end(tmp_path):
    for number in (1, 2):
        with Journal(OutputDirectory(tmp_path)) as journal:
            journal.begin_run({}, {"asked": number})
            if number == 2:
                journal.end_run({"written": 7})
    with Journal(OutputDirectory(tmp_path)) as journal:
        first, second = journal.runs()
    assert (first["asked"], first.get("written")) == (1, None)
    assert (second["asked"], second["written"]) == (2, 7)


def test_the_latest_outcome_of_a_source_counts(tmp_path):
    with Journal(OutputDirectory(tmp_path)) as journal:
        journal.record([Failure(1, PLACE, "no image"), picture(2)])
        journal.record([picture(1), Failure(2, PLACE, "gone"), picture(1)])
        assert [p.diaSourceId for p in journal.pictures()] == [1]
        assert [f.diaSourceId for f in journal.failures()] == [2]


def test_an_earlier_picture_may_stay_when_its_source_fails(tmp_path):
    with Journal(OutputDirectory(tmp_path)) as journal:
        journal.record([picture(1), picture(2)])
        journal.record([Failure(1, PLACE, "no image"), Failure(2, PLACE, "no image")], kept={1})
        assert [p.diaSourceId for p in journal.pictures()] == [1]
        assert journal.failed([1, 2]) == {1, 2}
        journal.describe({1: {"ra": "2.5"}})
        assert journal.failed([1, 2]) == {2}


def test_rows_are_new_when_they_or_the_columns_of_the_manifest_have_changed(tmp_path):
    def batch(ids, ra=1.5):
        rows = pa.table({"diaSourceId": ids, "ra": [ra + n for n in range(len(ids))]})
        return SourceBatch(PLACE, rows)

    def keep_durably(*arguments):
        is_new = journal.keep(*arguments)
        journal.record([])
        return is_new

    with Journal(OutputDirectory(tmp_path)) as journal:
        assert journal.keep(batch([1, 2, 3]), ["ra"])
        assert not journal.keep(batch([1, 2, 3]), ["ra"])
        journal.record([])
    with Journal(OutputDirectory(tmp_path)) as journal:
        assert not keep_durably(batch([1, 2, 3]), ["ra"])
        assert not keep_durably(batch([1, 2]), ["ra"])
        assert keep_durably(batch([1, 2], ra=2.5), ["ra"])
        assert keep_durably(batch([4]), ["ra"])
        assert not keep_durably(batch([4]), ["ra"])
        # The others are still described by other columns, and have to be in their turn.
        assert keep_durably(batch([1, 2], ra=2.5), ["ra", "dec"])
        assert keep_durably(batch([4]), ["ra", "dec"])


def test_folders_come_one_after_the_other(tmp_path):
    with Journal(OutputDirectory(tmp_path)) as journal:
        paths = {1: "1.png", 2: "0-9/2.png", 3: "3.png", 4: "0-9/4.png", 15: "10-19/15.png", 7: "7.png"}
        journal.record(Picture(i, PLACE, path, 9) for i, path in paths.items())
        found = [p.path for p in journal.pictures(by_folder=True)]
        assert found == ["1.png", "3.png", "7.png", "0-9/2.png", "0-9/4.png", "10-19/15.png"]
        assert journal.most_in_a_folder() == 3
        assert [journal.has_pictures(number) for number in (1, 6, 7)] == [True, True, False]


def test_pictures_come_by_visit_detector_and_source_whatever_the_order_of_work(tmp_path):
    places = [DetectorVisit("Cam", v, d) for v in (2, 1) for d in (1, 0)]
    with Journal(OutputDirectory(tmp_path)) as journal:
        for n, place in enumerate(places):
            journal.record([picture(10 * n + 1, place), picture(10 * n, place)])
        found = [(p.data_id.visit, p.data_id.detector, p.diaSourceId) for p in journal.pictures()]
    assert found == sorted(found)
    assert len(found) == 8


@pytest.mark.parametrize("by_folder", [False, True])
@pytest.mark.parametrize("seed", [None, 0, 7])
def test_orders_are_those_of_a_sort_by_folder_place_and_chance(tmp_path, by_folder, seed):
    pictures = [
        Picture(n, DetectorVisit("Cam", 9 - n // 3, n % 3), f"part-000{n * n % 5}/{n}.png", 9)
        for n in range(12)
    ]

    def key(picture):
        chance = hashlib.blake2b(b"%d %d" % (seed or 0, picture.diaSourceId), digest_size=8).digest()
        place = (picture.data_id.visit, picture.data_id.detector)
        return (
            picture.path.partition("/")[0] if by_folder else "",
            () if by_folder or seed is not None else place,
            b"" if seed is None else chance,
            picture.diaSourceId,
        )

    with Journal(OutputDirectory(tmp_path)) as journal:
        journal.record(pictures)
        assert list(journal.pictures(by_folder=by_folder, seed=seed)) == sorted(pictures, key=key)
        found = list(journal.identifiers(by_folder=by_folder, seed=seed))
        assert found == [p.diaSourceId for p in sorted(pictures, key=key)]


def test_a_journal_that_is_cleared_knows_of_nothing_but_its_secret(tmp_path):
    batch = SourceBatch(PLACE, pa.table({"diaSourceId": [1, 2], "ra": [1.5, 2.5]}))
    with Journal(OutputDirectory(tmp_path)) as journal:
        journal.begin_run({"sizes": "[30]"})
        assert journal.keep(batch, ["ra"])
        places, secret = journal.places([7, 8]), journal.secret()
        journal.record([picture(1), Failure(2, PLACE, "no image")])
        journal.clear()
        assert list(journal.pictures()) == list(journal.failures()) == journal.runs() == []
        assert journal.done([1, 2]) == {}
        assert journal.keep(batch, ["ra"])
        assert journal.places([8, 7]) == {8: places[7], 7: places[8]}
        assert journal.secret() == secret


def test_a_directory_has_one_run_at_a_time(tmp_path):
    with Journal(OutputDirectory(tmp_path)), pytest.raises(CutoutsError, match="Another run"):
        Journal(OutputDirectory(tmp_path))
    with Journal(OutputDirectory(tmp_path)) as journal:
        assert list(journal.pictures()) == []


RECORD_AND_DIE = """
import os, sys
from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Journal, OutputDirectory, Picture
journal = Journal(OutputDirectory(sys.argv[1]))
journal.record([Picture(1, DetectorVisit("Cam", 7, 3), "1.png", 99)])
columns = "instrument, visit, detector, path, size, metadata"
journal._db.execute(f"INSERT INTO picture SELECT 2, {columns} FROM picture")
os.kill(os.getpid(), 9)
"""


def test_a_killed_run_leaves_what_it_recorded(tmp_path):
    process = subprocess.run([sys.executable, "-c", RECORD_AND_DIE, tmp_path], check=False)
    assert process.returncode == -9
    with Journal(OutputDirectory(tmp_path)) as journal:
        assert [p.diaSourceId for p in journal.pictures()] == [1]


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_batches_that_follow_at_once_wait_for_the_disk_together(tmp_path, error):
    """A disk takes longer over each of them than a picture does; none is lost when the run ends."""
    commits = []
    with suppress(KeyboardInterrupt), Journal(OutputDirectory(tmp_path)) as journal:
        journal._db.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
        for number in range(200):
            journal.new_in_this_run([number])
            journal.record([picture(number)])
        if error is not None:
            raise error
    assert 0 < len(commits) < 100
    with Journal(OutputDirectory(tmp_path)) as journal:
        assert [p.diaSourceId for p in journal.pictures()] == list(range(200))


def test_a_damaged_journal_is_named(tmp_path):
    with Journal(OutputDirectory(tmp_path)):
        pass
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"garbage, and more of it than a header" * 10)
    with pytest.raises(CutoutsError, match=r"journal\.sqlite3 is damaged"):
        Journal(OutputDirectory(tmp_path))
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT * FROM picture")


def test_damage_that_shows_later_is_named_as_well(tmp_path):
    with Journal(OutputDirectory(tmp_path)) as journal:
        journal.record(picture(number) for number in range(2000))
    (path,) = tmp_path.iterdir()
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        stream.write(b"\xff" * 20_000)
    with (
        Journal(OutputDirectory(tmp_path)) as journal,
        pytest.raises(CutoutsError, match=r"journal\.sqlite3 is damaged"),
    ):
        list(journal.pictures())


def test_nothing_is_recorded_in_a_directory_that_is_gone(tmp_path):
    with Journal(OutputDirectory(tmp_path / "out")) as journal:
        (tmp_path / "out").rename(tmp_path / "elsewhere")
        with pytest.raises(CutoutsError, match="out is gone"):
            journal.record([picture(1)])
    with Journal(OutputDirectory(tmp_path / "elsewhere")) as journal:
        assert not journal.has_pictures()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE picture SET path = '../victim.png'",
        "UPDATE picture SET path = '/tmp/victim.png'",
        "UPDATE picture SET path = '0-9/../../victim.png'",
        "UPDATE picture SET path = 'a/b/1.png'",
        "UPDATE picture SET path = '.journal.sqlite3'",
        "UPDATE picture SET path = x'00ff'",
        "INSERT INTO manifest VALUES ('../victim.csv')",
        "INSERT INTO manifest VALUES ('/tmp/manifest.csv')",
        "INSERT INTO manifest VALUES ('victim.csv')",
    ],
)
def test_a_path_that_no_run_writes_is_a_damaged_journal(tmp_path, change):
    directory = OutputDirectory(tmp_path)
    with Journal(directory) as journal:
        journal.record([Picture(1, DetectorVisit("A", 2, 3), "0-9/1.png", 10)])
        journal.add_manifest("manifest-001.csv")
        assert journal.done([1]) == {1: ("0-9/1.png", 10)}
        assert journal.manifests() == {"manifest-001.csv"}
    with closing(sqlite3.connect(tmp_path / ".journal.sqlite3")) as db, db:
        db.execute(change)
    with Journal(directory) as journal:
        ask = journal.manifests if "manifest" in change else lambda: list(journal.pictures())
        with pytest.raises(CutoutsError, match="is damaged: it names"):
            ask()
        if "manifest" not in change:
            with pytest.raises(CutoutsError, match="is damaged: it names"):
                journal.done([1])


def test_a_journal_that_is_a_link_or_of_a_newer_version_is_refused(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    with Journal(OutputDirectory(here)):
        pass
    there.mkdir()
    (there / ".journal.sqlite3").symlink_to(here / ".journal.sqlite3")
    with pytest.raises(CutoutsError, match="is a symbolic link"):
        Journal(OutputDirectory(there))
    with closing(sqlite3.connect(here / ".journal.sqlite3")) as db, db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        db.execute("PRAGMA user_version = 7")
    with pytest.raises(CutoutsError, match="newer version of this package"):
        Journal(OutputDirectory(here))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_vanishes_is_noticed(tmp_path, replaced):
    with Journal(OutputDirectory(tmp_path)) as journal:
        (tmp_path / ".journal.sqlite3").unlink()
        if replaced:
            (tmp_path / ".journal.sqlite3").touch()
        with pytest.raises(CutoutsError, match="removed or replaced while the run was working"):
            journal.record([Failure(1, None, "none")])
