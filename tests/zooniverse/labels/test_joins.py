"""Subjects find their sources, by whatever they carry."""

import hashlib
import json

import pytest
from tests.zooniverse.volunteers import Subject

from lsst.analysis.ap.domain import CutoutsError, DetectorVisit
from lsst.analysis.ap.output import Journal, ManifestForm, OutputDirectory, Picture, open_existing
from lsst.analysis.ap.zooniverse import Consensus
from lsst.analysis.ap.zooniverse._ledger import Entry, Ledger

BIG = 506428274000265570


def key(identifier):
    return hashlib.sha256(str(identifier).encode()).hexdigest()[:16]


def vote(project, subject, people, *values):
    for person, value in zip(people, values, strict=False):
        project.classify(subject, person, value)


@pytest.mark.parametrize(
    "metadata",
    [
        {"diaSourceId": str(BIG)},
        {"#diaSourceId": BIG},
        {"//diaSourceId": f" {BIG} "},
        {"external_id": str(BIG)},
        {"filename": f"{BIG}.png"},
        {"Filename": f"folder/{BIG}.png"},
        {"image": f"https://host/a%20b/{BIG}.png", "#snr": 5.0},
    ],
)
def test_a_source_is_known_by_its_identifier_wherever_it_is(project, people, label, make_directory, metadata):
    vote(project, Subject(9, metadata), people, "Real")
    labels, rows = label(make_directory([BIG, BIG + 1]))
    assert rows[BIG]["votes_real"] == 1
    assert rows[BIG]["subject_id"] == 9
    assert len(labels.unjoined) == 0


@pytest.mark.parametrize("identifier", [0, -5, 2**63 - 1, 1234567890123456789])
def test_identifiers_may_be_any_of_64_bits(project, people, label, make_directory, identifier):
    vote(project, Subject(9, {"diaSourceId": str(identifier)}), people, "Real")
    vote(project, Subject(10, {"diaSourceId": str(2**63)}), people, "Real")
    vote(project, Subject(11, {"#snr": "5"}), people, "Real")
    labels, rows = label(make_directory([identifier, 3]))
    assert [rows[i]["votes_real"] for i in (identifier, 3)] == [1, 0]
    assert labels.unjoined.column("subject_id").to_pylist() == ["10", "11"]


@pytest.mark.parametrize("column", ["#key", "external_id", "filename"])
def test_a_source_is_known_by_its_key(project, people, label, make_directory, column):
    value = f"{key(BIG)}.png" if column == "filename" else key(BIG)
    vote(project, Subject(9, {column: value}), people, "Real")
    _, rows = label(make_directory([BIG, BIG + 1], name=key))
    assert rows[BIG]["votes_real"] == 1


def test_the_ledger_of_the_upload_knows_what_nobody_else_does(project, people, label, make_directory):
    directory = make_directory()
    with open_existing(directory) as (_, journal):
        Ledger(journal, "https://panoptes", 5).update({3: Entry(1.0, 903), 4: Entry(1.0, 904)})
        Ledger(journal, "https://staging", 6).update({4: Entry(1.0, 903), 5: Entry(1.0, 905), 9: Entry(1.0)})
    for subject in (903, 904, 905):
        vote(project, Subject(subject, {"#snr": "5"}), people, "Real")
    vote(project, Subject(906, {"diaSourceId": "2"}), people, "Real")
    labels, rows = label(directory)
    assert [rows[i]["votes_real"] for i in range(1, 6)] == [0, 1, 0, 1, 1]
    assert labels.unjoined.column("subject_id").to_pylist() == ["903"]  # one of each server


def test_the_subject_export_tells_where_a_picture_is(project, people, label, make_directory, tmp_path):
    subjects = [Subject(10 + i, {"#snr": "5"}, [f"https://host/pictures/{i}.png"]) for i in (1, 2)]
    for subject in subjects:
        vote(project, subject, people, "Real", "Real")
    project.retire(subjects[0], "classification_count")
    labels, rows = label(make_directory())
    assert not any(row["volunteers"] for row in rows.values())
    assert {row["reason"] for row in labels.unjoined.to_pylist()} == {
        "its metadata do not say which DiaSource it shows: give the subject export as well"
    }
    exports = [tmp_path / "classifications.csv", tmp_path / "subjects.csv"]
    project.write_subjects(exports[1], subjects)
    labels, rows = label(tmp_path / "pictures", exports[::-1])
    assert [rows[i]["votes_real"] for i in (1, 2, 3)] == [2, 2, 0]
    assert [rows[i]["retired"] for i in (1, 2, 3)] == [True, False, False]
    assert rows[1]["retirement_reason"] == "classification_count"
    assert len(labels.unjoined) == 0


def test_the_subject_export_knows_retirement_and_counts(project, subjects, people, label, tmp_path):
    vote(project, subjects[0], people, "Real", "Real")
    _, rows = label()
    assert (rows[1]["retired"], rows[1]["retirement_reason"]) == (False, None)
    project.retire(subjects[0], "nothing_here")
    subjects[0].classifications = 5
    exports = [tmp_path / "classifications.csv", tmp_path / "subjects.csv"]
    project.write_subjects(exports[1], [*subjects, Subject(999, {"diaSourceId": "1"})])
    subjects[0].retired = None
    labels, rows = label(tmp_path / "pictures", exports)
    assert (rows[1]["retired"], rows[1]["retirement_reason"]) == (True, "nothing_here")
    assert rows[1]["subjects"] == 1  # nobody classified the other one
    (warning,) = labels.report["warnings"]
    assert "counted 3 classifications more" in warning


def test_subjects_without_source_are_listed_with_reasons(project, people, label):
    lost = {
        11: {"diaSourceId": "77"},
        12: {"diaSourceId": "5.06428E+17"},
        13: {"filename": "holiday.png"},
        14: {"#snr": "5"},
    }
    for number, metadata in lost.items():
        vote(project, Subject(number, metadata), people, "Real", "Bogus")
    strange = project.classify(Subject(15, {}), people[0], "Real")
    strange["subject_data"] = json.dumps({"16": {}})
    labels, rows = label()
    reasons = {row["subject_id"]: row["reason"] for row in labels.unjoined.to_pylist()}
    assert reasons == {
        "11": "DiaSource 77 has no picture in the directory",
        "12": "its diaSourceId '5.06428E+17' is no whole number: a spreadsheet may have changed it",
        "13": "no picture in the directory is called holiday",
        "14": "its metadata do not say which DiaSource it shows: give the subject export as well",
        "15": "its metadata cannot be read",
    }
    assert [row["classifications"] for row in labels.unjoined.to_pylist()] == [2, 2, 2, 2, 1]
    assert labels.report["classifications"]["of unknown sources"] == 9
    assert not any(row["volunteers"] for row in rows.values())


def test_two_subjects_of_one_source_are_merged_and_told(project, subjects, people, label):
    twin = Subject(7, {"#diaSourceId": "1"})
    vote(project, subjects[0], people, "Real", "Real")
    vote(project, twin, people[1:], "Bogus", "Bogus")  # the first of these saw the other one before
    project.retire(subjects[0], "consensus")
    labels, rows = label()
    row = rows[1]
    assert (row["subjects"], row["subject_id"]) == (2, 7)
    assert (row["votes_real"], row["votes_bogus"], row["volunteers"]) == (1, 2, 3)
    assert (row["retired"], row["retirement_reason"]) == (True, "consensus")
    assert labels.report["merged"] == {"1": ["7", "101"]}
    assert labels.report["classifications"]["replaced by a later one"] == 1


def test_of_a_volunteer_the_latest_vote_counts(project, subjects, people, label):
    anne, bert, *_ = people
    project.classify(subjects[0], anne, "Real", identifier=20)
    project.classify(subjects[0], anne, "Bogus", identifier=30)
    late, same = project.clock, project.clock.replace(second=59)
    project.classify(subjects[0], bert, "Bogus", identifier=50, at=late)
    project.classify(subjects[0], bert, "Real", identifier=40, at=same)  # later, with a lower number
    labels, rows = label()
    assert (rows[1]["votes_real"], rows[1]["votes_bogus"], rows[1]["volunteers"]) == (1, 1, 2)
    assert labels.report["classifications"]["replaced by a later one"] == 2
    assert labels.volunteers.column("votes").to_pylist() == [1, 1]


def test_within_a_second_the_higher_number_is_later(project, subjects, people, label):
    moment = project.clock
    project.classify(subjects[0], people[0], "Bogus", identifier=31, at=moment)
    project.classify(subjects[0], people[0], "Real", identifier=30, at=moment)
    _, rows = label()
    assert (rows[1]["votes_real"], rows[1]["votes_bogus"]) == (0, 1)


def test_a_volunteer_who_changed_the_name_is_one(project, subjects, people, label):
    anne, *_ = people
    project.classify(subjects[0], anne, "Bogus")
    renamed = type(anne)("anne_of_the_stars", anne.user, anne.real, anne.bogus)
    project.classify(subjects[0], renamed, "Real")
    labels, rows = label()
    assert rows[1]["volunteers"] == 1
    assert rows[1]["votes_real"] == 1
    assert labels.volunteers.select(["volunteer", "user_id"]).to_pylist() == [
        {"volunteer": "anne_of_the_stars", "user_id": 1}
    ]


def test_volunteers_without_account_are_told_apart_by_their_names(project, subjects, people, label):
    anonymous = people[3]
    other = type(anonymous)("not-logged-in-ffffffffffffffffffff", None, 0.5, 0.5)
    vote(project, subjects[0], [anonymous, other], "Real", "Real")
    labels, rows = label()
    assert rows[1]["volunteers"] == 2
    assert labels.volunteers.column("user_id").null_count == 2


def test_rows_come_in_the_order_of_the_manifest(project, subjects, people, label, tmp_path):
    directory = OutputDirectory(tmp_path / "pictures")
    places = {1: 9, 2: 3, 3: 9, 4: 1, 5: 3}
    with Journal(directory) as journal:
        journal.record(
            Picture(i, DetectorVisit("Cam", visit, 2), f"{i}.png", 9, {}) for i, visit in places.items()
        )
        form = ManifestForm("panoptes", ("#snr",), rows=2)
        form.write(directory, journal.pictures(), journal.add_manifest)
    vote(project, subjects[0], people, "Real")
    labels, _ = label(directory.path)
    assert labels.table.column("diaSourceId").to_pylist() == [4, 2, 5, 1, 3]
    # A manifest in another order, such as a shuffled one, that no longer has everything.
    lines = (directory.path / "manifest-001.csv").read_text().splitlines(keepends=True)
    (directory.path / "manifest-001.csv").write_text("".join([lines[0], *lines[:0:-1]]))
    (directory.path / "manifest-003.csv").unlink()
    labels, _ = label(directory.path)
    assert labels.table.column("diaSourceId").to_pylist() == [2, 4, 5, 1, 3]


def test_a_manifest_that_cannot_be_read_is_told(project, subjects, people, label, make_directory):
    vote(project, subjects[0], people, "Real")
    directory = make_directory()
    (directory / "manifest.csv").write_text("filename,diaSourceId\n1.png\n")
    with pytest.raises(CutoutsError, match=r"manifest\.csv of .* cannot be read"):
        label(directory)


@pytest.mark.parametrize("style", ["panoptes", "hosted", "citsci"])
def test_every_style_of_manifest_has_its_order(project, subjects, people, label, make_directory, style):
    url = "https://host/pictures" if style == "hosted" else None
    directory = make_directory([5, 3, 1], form=ManifestForm(style, ("#snr",), url))
    vote(project, subjects[0], people, "Real")
    labels, rows = label(directory)
    assert labels.table.column("diaSourceId").to_pylist() == [1, 3, 5]
    assert rows[1]["votes_real"] == 1


def test_the_columns_of_the_manifest_are_numbers_again(project, subjects, people, label, make_directory):
    def metadata(i):
        values = {"ra": "53.125", "diaObjectId": str(BIG + i), "isDipole": str(i == 1).lower(), "band": "r"}
        return (
            values
            | ({"snr": "7"} if i == 1 else {"snr": "nan"} if i == 2 else {"snr": "8.5"})
            | {"label": "x"}
        )

    vote(project, subjects[0], people, "Real", "Real", "Real")
    labels, rows = label(make_directory(metadata=metadata))
    row = rows[1]
    assert (row["ra"], row["diaObjectId"], row["isDipole"], row["band"]) == (53.125, BIG + 1, True, "r")
    assert (row["snr"], rows[3]["snr"]) == (7.0, 8.5)
    assert (row["instrument"], row["visit"], row["detector"]) == ("Cam", 7, 3)
    assert row["label"] == "real"  # ours, whatever the catalogue calls so
    assert str(labels.table.schema.field("diaSourceId").type) == "int64"


def test_sources_that_nobody_saw_have_rows_without_votes(project, subjects, people, label):
    vote(project, subjects[0], people, "Real", "Real")
    _, rows = label(method=Consensus())
    assert rows[1]["label"] == "real"
    untouched = rows[2]
    assert (untouched["volunteers"], untouched["votes_real"], untouched["subjects"]) == (0, 0, 0)
    assert untouched["fraction_real"] is None
    assert untouched["p_real"] is None
    assert untouched["label"] is None
    assert untouched["stable"] is False
