"""Uploads to a server that stands in for Zooniverse."""

import csv
import sqlite3
import threading
import time

import pytest
from tests.zooniverse.stand_in import FAULTS, PROJECT, SUBJECT_SET, USER

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.output import Journal, ManifestForm, OutputDirectory
from lsst.analysis.ap.zooniverse import Account, Patience, upload, upload_status
from lsst.analysis.ap.zooniverse._api_connection import Connection, UnansweredError
from lsst.analysis.ap.zooniverse._ledger import Ledger

IDS = range(1, 21)
WITHOUT_LINK = [kind for kind in FAULTS if FAULTS[kind] and kind not in ("link", "update")]


@pytest.fixture
def send(account, patience):
    """A function that uploads a directory."""

    def run(directory, subject_set=SUBJECT_SET, **options):
        options = {"jobs": 3, "progress": False, "account": account, "patience": patience, **options}
        return upload(directory, subject_set, **options)

    return run


@pytest.fixture
def compare(account, patience):
    """A function that compares a directory with the server."""
    return lambda directory: upload_status(directory, account=account, patience=patience)


def check(zooniverse, directory, ids=IDS):
    """Each DiaSource is there exactly once, with its picture, and nothing else is."""
    subjects = zooniverse.in_set()
    assert sorted(int(subject.external_id) for subject in subjects) == sorted(ids)
    assert zooniverse.orphans() == []
    for subject in subjects:
        content = (directory / f"{subject.external_id}.png").read_bytes()
        assert zooniverse.contents(subject) == [content], subject
    rows = list(csv.DictReader((directory / "subjects.csv").open()))
    assert {int(row["subject_id"]): int(row["diaSourceId"]) for row in rows} == {
        subject.number: int(subject.external_id) for subject in subjects
    }


def forget(directory):
    """Lose what the directory knows of uploads."""
    with sqlite3.connect(directory / ".journal.sqlite3") as db:
        db.execute("DELETE FROM upload")


def test_subjects_come_with_their_pictures_and_metadata(zooniverse, fill, send):
    directory = fill(IDS)
    result = send(directory)
    assert sorted(result.sent) == list(IDS)
    assert (result.skipped, result.failed, result.left) == ((), {}, 0)
    check(zooniverse, directory)
    first, second = sorted(zooniverse.in_set(), key=lambda subject: int(subject.external_id))[:2]
    assert first.metadata == {
        "filename": "1.png",
        "diaSourceId": "1",
        "#visit": "7",
        "#reliability": "0.5",
    }
    assert second.metadata == {"filename": "2.png", "diaSourceId": "2", "#visit": "7"}  # no value, no entry


def test_a_second_upload_sends_nothing(zooniverse, fill, send):
    directory = fill(IDS)
    send(directory)
    zooniverse.requests.clear()
    result = send(directory)
    assert sorted(result.skipped) == list(IDS)
    assert not result.sent
    assert not zooniverse.requests


def test_what_is_new_in_the_directory_is_sent_later(zooniverse, fill, send):
    send(fill(range(1, 11)))
    result = send(fill(IDS))
    assert sorted(result.sent) == list(range(11, 21))
    check(zooniverse, fill(IDS))


@pytest.mark.parametrize("kind", WITHOUT_LINK)
def test_whatever_goes_wrong_each_subject_is_there_once(zooniverse, fill, send, kind):
    directory = fill(IDS)
    zooniverse.faults.plan(kind, *FAULTS[kind])
    assert not send(directory).failed
    check(zooniverse, directory)
    assert zooniverse.faults.count.total() >= min(len(FAULTS[kind]), 2)


def test_a_subject_that_the_answer_shows_in_no_set_is_linked(zooniverse, fill, send):
    zooniverse.links_at_once = False
    zooniverse.faults.plan("link", *FAULTS["link"])
    directory = fill(IDS)
    send(directory)
    check(zooniverse, directory)
    assert zooniverse.faults.count.total() == len(FAULTS["link"])


@pytest.mark.parametrize("seed", range(3))
def test_a_server_in_trouble_gets_each_subject_once(zooniverse, fill, send, seed):
    directory = fill(IDS)
    zooniverse.faults.rng.seed(seed)
    zooniverse.faults.rate = 0.4
    for _ in range(10):
        if not send(directory).failed:
            break
    assert zooniverse.faults.count.total() > 10
    zooniverse.faults.rate = 0.0
    send(directory)
    check(zooniverse, directory)


def test_a_picture_that_is_refused_fails_and_comes_with_the_next_upload(zooniverse, fill, send):
    directory = fill(IDS)
    zooniverse.faults.always["medium"] = "403"
    result = send(directory)
    assert sorted(result.failed) == list(IDS)
    assert not result.sent
    rows = list(csv.DictReader((directory / "upload_failures.csv").open()))
    assert all("403" in row["reason"] for row in rows)
    zooniverse.faults.always.clear()
    before = zooniverse.requests["create"]
    assert not send(directory).failed
    assert zooniverse.requests["create"] == before
    assert not (directory / "upload_failures.csv").exists()
    check(zooniverse, directory)


def test_a_picture_that_is_gone_makes_no_subject(zooniverse, fill, send):
    directory = fill(IDS)
    (directory / "5.png").unlink()
    (directory / "6.png").write_bytes(b"")
    result = send(directory)
    assert sorted(result.failed) == [5, 6]
    check(zooniverse, directory, set(IDS) - {5, 6})


def test_a_token_that_ends_is_renewed(zooniverse, fill, send):
    directory = fill(IDS)
    zooniverse.token_lifetime, zooniverse.delay = 0.1, 0.03
    send(directory)
    check(zooniverse, directory)
    assert len(zooniverse.tokens) > 1


def test_what_an_earlier_upload_left_in_doubt_gets_the_time_to_appear(zooniverse, fill, send, patience):
    """The server may still be at work on what a killed upload asked for."""
    directory = fill([1])
    links = {"project": PROJECT, "subject_sets": [SUBJECT_SET]}
    late = {"locations": ["image/png"], "external_id": "1", "links": links}
    with Journal(OutputDirectory(directory)) as journal:
        # However long ago it was decided, the request may have waited for its turn.
        Ledger(journal, zooniverse.url, SUBJECT_SET, clock=lambda: time.time() - 1000).ask([1])
    timer = threading.Timer(0.4, zooniverse.create_subject, [late])
    timer.start()
    send(directory, patience=Patience(first=0.01, settle=1.0))
    timer.join()
    check(zooniverse, directory, [1])


def test_what_an_earlier_upload_asked_for_in_vain_is_asked_for_again(zooniverse, fill, send):
    directory = fill(IDS)
    with Journal(OutputDirectory(directory)) as journal:
        Ledger(journal, zooniverse.url, SUBJECT_SET).ask(IDS)
    send(directory)
    check(zooniverse, directory)


def test_a_directory_that_forgot_finds_its_subjects_again(zooniverse, fill, send):
    directory = fill(IDS)
    send(directory)
    forget(directory)
    lost = zooniverse.in_set()[3]
    del zooniverse.media[lost.locations[0][1]]
    zooniverse.requests.clear()
    send(directory)
    check(zooniverse, directory)
    assert zooniverse.requests["create"] == 0
    assert zooniverse.requests["medium"] == 1


def test_another_picture_of_the_same_source_stays(zooniverse, fill, send):
    directory = fill(IDS)
    send(directory)
    forget(directory)
    fill([7], content=lambda _: b"\x89PNG of other settings")
    assert set(send(fill(IDS, content=lambda i: b"\x89PNG" + b"x" * i)).failed) == set(IDS)
    assert zooniverse.requests["medium"] == len(IDS)


def test_subjects_that_another_program_sent_are_found_by_their_metadata(zooniverse, fill, send):
    directory = fill(IDS)
    send(directory)
    forget(directory)
    for subject in zooniverse.in_set():
        subject.external_id = None
    zooniverse.requests.clear()
    assert sorted(send(directory).sent) == list(IDS)
    assert zooniverse.writes() == 0


def test_the_limit_of_the_account_is_told_before_anything_is_sent(zooniverse, fill, send):
    zooniverse.subject_limit, zooniverse.uploaded = 100, 85
    with pytest.raises(CutoutsError, match=r"20 subjects are to send, and .* may send 15 more .*85 of 100"):
        send(fill(IDS))
    assert zooniverse.writes() == 0
    result = send(fill(IDS), limit=15)
    assert (len(result.sent), result.left) == (15, 5)
    zooniverse.whitelisted, zooniverse.subject_limit = True, 105
    send(fill(IDS))
    check(zooniverse, fill(IDS))


def test_a_limit_that_is_met_on_the_way_leaves_no_doubt(zooniverse, fill, send):
    zooniverse.subject_limit, zooniverse.whitelisted = 10, True
    with pytest.raises(CutoutsError, match="403: User has uploaded 10 subjects of 10 maximum"):
        send(fill(IDS))
    with Journal(OutputDirectory(fill(IDS))) as journal:
        ledger = Ledger(journal, zooniverse.url, SUBJECT_SET)
        assert len(ledger) == 10
        assert not ledger.doubtful()


def test_a_second_set_does_not_get_the_same_sources(zooniverse, fill, send):
    directory = fill(IDS)
    send(directory)
    zooniverse.add_set(56, PROJECT, "February")
    with pytest.raises(
        CutoutsError, match=r"subject set 55; sent to 56 .*panoptes subject-set add-subjects 56"
    ):
        send(directory, 56)


def test_a_set_that_is_not_there_is_named(fill, send):
    with pytest.raises(
        CutoutsError, match=r"/subject_sets/77 \(status 404: Could not find sets with id='77'.*The lab shows"
    ):
        send(fill(IDS), 77)


def test_a_wrong_password_is_told_and_not_shown(zooniverse, fill, send):
    with pytest.raises(CutoutsError, match=r"does not let 'astronomer' in: Invalid email") as refusal:
        send(fill(IDS), account=Account(zooniverse.url, USER, "hunter2"))
    assert "hunter2" not in f"{refusal.value!r} {Account(zooniverse.url, USER, 'hunter2')}"


def test_a_server_that_asks_for_time_gets_it(zooniverse, fill, send):
    zooniverse.retry_after = "1"
    zooniverse.faults.plan("create", "429")
    began = time.monotonic()
    send(fill([1]))
    assert time.monotonic() - began > 1.0


def test_a_server_that_asks_for_an_hour_is_left_alone(zooniverse, fill, send):
    zooniverse.retry_after = "3600"
    zooniverse.faults.plan("create", "429")
    with pytest.raises(CutoutsError, match="left alone for 3600 s"):
        send(fill(IDS))


def test_failures_at_the_same_time_count_once(zooniverse):
    """Six connections that fail together are one sign of trouble, not six."""
    connection = Connection(Patience(answer=5.0, first=0.05))
    zooniverse.faults.always["create"] = "503"
    zooniverse.answers_together = threading.Barrier(6)

    def post():
        with pytest.raises(UnansweredError):
            connection.send("POST", f"{zooniverse.url}/api/subjects", repeatable=False, json={})

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    zooniverse.answers_together = None
    began = time.monotonic()
    connection.send("GET", f"{zooniverse.url}/api/subject_sets/{SUBJECT_SET}")
    assert time.monotonic() - began < 0.5  # after six failures in a row it would be 0.8 s at least


def test_a_server_that_fails_again_and_again_ends_the_upload(zooniverse, fill, send):
    zooniverse.faults.always["create"] = "503"
    with pytest.raises(CutoutsError, match=r"has failed \d+ times in a row; the last time: status 503"):
        send(fill(IDS), jobs=1)
    zooniverse.faults.always.clear()
    send(fill(IDS))
    check(zooniverse, fill(IDS))


def test_a_server_that_is_not_there_is_named(fill, send):
    with pytest.raises(CutoutsError, match=r"Logging in to http://127.0.0.1:9 failed .* ConnectionError"):
        send(fill(IDS), account=Account("http://127.0.0.1:9", USER, "x"))


def test_an_interrupted_upload_records_what_it_did(zooniverse, fill, send, monkeypatch):
    directory = fill(IDS)
    update, calls = Ledger.update, []

    def interrupted(self, entries):
        update(self, entries)
        calls.extend(entry for entry in entries.values() if entry.subject)
        if len(calls) >= 5 and None not in calls:
            calls.append(None)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send(directory)
    with Journal(OutputDirectory(directory)) as journal:
        ledger = Ledger(journal, zooniverse.url, SUBJECT_SET)
        assert {entry.subject for entry in ledger.values()} == {s.number for s in zooniverse.in_set()}
        assert len(ledger) < len(IDS)
    send(directory)
    check(zooniverse, directory)


@pytest.mark.parametrize("style", ["hosted", "citsci"])
def test_the_manifest_may_be_of_any_style(zooniverse, fill, send, style):
    root = "https://host/run" if style == "hosted" else None
    directory = fill(IDS, ManifestForm(style, ("#visit", "#reliability"), root))
    assert not send(directory).failed
    subjects = {int(subject.external_id): subject for subject in zooniverse.in_set()}
    assert subjects.keys() == set(IDS)
    if style == "hosted":
        assert subjects[3].locations == [("image/png", "https://host/run/3.png")]
        assert subjects[3].metadata == {"diaSourceId": "3", "#visit": "7", "#reliability": "0.5"}
        assert not zooniverse.media


def test_subjects_of_several_frames_are_whole(zooniverse, fill, send):
    frames = ("template", "science", "difference")
    directory = fill(IDS, ManifestForm("panoptes", ("#visit",), frames=frames))
    for identifier in IDS:
        for frame in frames:
            (directory / f"{identifier}_{frame}.png").write_bytes(f"{identifier} {frame}".encode())
    zooniverse.faults.plan("medium", None, "403", None, "drop after", "expired", "500")
    assert not send(directory).failed
    subjects = zooniverse.in_set()
    assert sorted(int(subject.external_id) for subject in subjects) == list(IDS)
    for subject in subjects:
        expected = [f"{subject.external_id} {frame}".encode() for frame in frames]
        assert zooniverse.contents(subject) == expected


def test_a_subject_known_by_a_key_does_not_tell_its_source(zooniverse, send, task, sources, tmp_path):
    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    config = ZooniverseCutoutsConfig()
    config.manifestColumns = ["anonymous", "+#band"]
    few = sources[:6]
    ZooniverseCutoutsTask(config, butler=task.butler).run(few, tmp_path / "out")
    result = send(tmp_path / "out")
    assert sorted(result.sent) == sorted(few["diaSourceId"])
    with (tmp_path / "out" / "keys.csv").open() as stream:
        keys = {row["key"]: int(row["diaSourceId"]) for row in csv.DictReader(stream)}
    for subject in zooniverse.in_set():
        assert subject.external_id in keys
        assert subject.metadata.keys() == {"filename", "#key", "#band"}
        told = f"{subject.external_id} {subject.metadata} {subject.locations}"
        assert str(keys[subject.external_id]) not in told
        assert str(keys[subject.external_id]).encode() not in zooniverse.contents(subject)[0]
    with (tmp_path / "out" / "subjects.csv").open() as stream:
        found = {row["external_id"]: int(row["diaSourceId"]) for row in csv.DictReader(stream)}
    assert found == keys


def test_columns_to_search_by_are_told_to_the_set(zooniverse, fill, send):
    zooniverse.faults.plan("update", "409", "412")
    send(fill(IDS, ManifestForm("panoptes", ("%visit", "#reliability"))))
    assert zooniverse.sets[SUBJECT_SET]["metadata"] == {"indexFields": "visit"}
    assert zooniverse.in_set()[0].metadata["visit"] == "7"


def test_a_directory_without_pictures_is_refused(send, tmp_path):
    with pytest.raises(CutoutsError, match="There is no directory"):
        send(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(CutoutsError, match="is no directory of pictures"):
        send(tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())


def test_the_status_tells_what_differs(zooniverse, fill, send, compare):
    directory = fill(IDS)
    send(directory, limit=18)
    fill(IDS)
    assert compare(directory).unsent == 2
    send(directory)
    assert compare(directory).agrees
    links = {"project": PROJECT, "subject_sets": [SUBJECT_SET]}
    first, second, third = zooniverse.in_set()[:3]
    second.sets.clear()
    double = {"locations": [], "external_id": first.external_id, "links": links}
    extra = zooniverse.create_subject(double)
    zooniverse.create_subject({"locations": [], "external_id": "somebody's", "links": links})
    with Journal(OutputDirectory(directory)) as journal:
        Ledger(journal, zooniverse.url, SUBJECT_SET).forget([int(third.external_id)])
    status = compare(directory)
    assert not status.agrees
    assert (status.subjects, status.complete, status.unsent, status.foreign) == (20, 18, 0, 1)
    assert status.missing == (int(second.external_id),)
    assert status.unrecorded == (int(third.external_id),)
    assert status.surplus == (extra.number,)
    assert f"subjects too many: {extra.number}" in "\n".join(status.lines())


def test_doubles_in_the_set_are_warned_of(zooniverse, fill, send, caplog):
    directory = fill(IDS)
    links = {"project": PROJECT, "subject_sets": [SUBJECT_SET]}
    for _ in range(2):
        zooniverse.create_subject({"locations": ["image/png"], "external_id": "4", "links": links})
    send(directory)
    assert "1 DiaSources are in the set more than once" in caplog.text
    assert "remove-subjects 55 102" in caplog.text
