"""Files that are whole, packed, damaged, or something else."""

import gzip
import shutil

import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.zooniverse import read_labels


@pytest.fixture
def export(project, subjects, people, tmp_path):
    """A classification export with votes on five sources."""
    for subject in subjects:
        for person, value in zip(people, ("Real", "Real", "Bogus", "Real"), strict=True):
            project.classify(subject, person, value)
        project.retire(subject)
    return project.write_classifications(tmp_path / "classifications.csv")


@pytest.fixture
def refused(make_directory):
    """A function that returns why exports are refused."""

    def why(*exports):
        with pytest.raises(CutoutsError) as caught:
            read_labels(make_directory(), exports, progress=False)
        return str(caught.value)

    return why


@pytest.fixture
def same(make_directory, export):
    """A function that checks that exports give the same labels as the whole one."""
    directory = make_directory()
    whole = read_labels(directory, [export], progress=False)

    def check(*exports):
        labels = read_labels(directory, exports, progress=False)
        assert labels.table.equals(whole.table)
        assert labels.volunteers.equals(whole.volunteers)
        return labels

    return check


def test_a_packed_export_is_unpacked_whatever_its_name(same, export, tmp_path):
    packed = tmp_path / "export.csv"
    packed.write_bytes(gzip.compress(export.read_bytes()))
    same(packed)


def test_the_mark_of_utf_8_and_line_ends_of_windows_do_no_harm(same, export, tmp_path):
    saved = tmp_path / "saved.csv"
    saved.write_bytes(b"\xef\xbb\xbf" + export.read_bytes().replace(b"\n", b"\r\n"))
    same(saved)


def test_the_order_of_the_rows_makes_no_difference(same, project, tmp_path):
    backwards = project.write_classifications(tmp_path / "backwards.csv", project.rows[::-1])
    same(backwards)


def test_rows_that_come_again_count_once(same, project, export, tmp_path):
    first = project.write_classifications(tmp_path / "first.csv", project.rows[:12])
    last = project.write_classifications(tmp_path / "last.csv.gz", project.rows[7:])
    labels = same(first, export, last, export)
    assert labels.report["classifications"]["repeated"] == 12 + 13 + 20


def test_an_older_export_knows_less_of_retirement(same, project, subjects, export, tmp_path):
    retired = [subject.retired for subject in subjects]
    for subject in subjects:
        subject.retired = None
    older = project.write_classifications(tmp_path / "older.csv", project.rows[:15])
    for subject, status in zip(subjects, retired, strict=True):
        subject.retired = status
    same(older, export)
    same(export, older)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.77, 0.88, 0.999])
def test_an_export_that_is_cut_off_is_refused(refused, export, part):
    content = export.read_bytes()
    export.write_bytes(content[: int(part * len(content))])
    assert str(export) in (reason := refused(export))
    assert "Download it again" in reason


def test_every_cut_through_the_last_row_is_seen(refused, export):
    content = export.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    for end in range(last + 1, len(content), 7):
        export.write_bytes(content[:end])
        assert "Download it again" in refused(export)


@pytest.mark.parametrize("part", [0.4, 0.99])
def test_a_packed_export_that_is_cut_off_is_refused(refused, export, tmp_path, part):
    content = gzip.compress(export.read_bytes())
    packed = tmp_path / "export.csv.gz"
    packed.write_bytes(content[: int(part * len(content))])
    assert "Download it again" in refused(packed)


def test_a_packed_export_that_is_damaged_is_refused(refused, export, tmp_path):
    packed = tmp_path / "export.csv.gz"
    content = bytearray(gzip.compress(export.read_bytes()))
    for place in (20, len(content) // 2, len(content) - 6):
        damaged = content.copy()
        damaged[place] ^= 0xFF
        packed.write_bytes(damaged)
        assert "Download it again" in refused(packed)


def test_an_export_that_is_cut_between_two_rows_is_told(make_directory, export, caplog):
    lines = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join(lines[:-3]))
    labels = read_labels(make_directory(), [export], progress=False)
    (warning,) = labels.report["warnings"]
    assert "Zooniverse counted 3 classifications more, of 1 subjects" in warning
    assert warning in caplog.text


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("classification_id", "1e9", "classification_id is no number"),
        ("created_at", "yesterday", "created_at is no time"),
        ("created_at", "2026-99-10 12:00:00 UTC", "created_at is no time"),
        ("subject_ids", "103;104", "not about one subject"),
        ("annotations", "[{", "annotations are no JSON"),
        ("annotations", "3", "annotations are no JSON"),
        ("annotations", '[{"value":"Real"}]', "annotations are no JSON"),
    ],
)
def test_a_row_that_cannot_be_read_costs_that_row_only(label, project, export, column, value, reason):
    project.rows[9][column] = value  # the second one about the third source
    labels, rows = label()
    assert rows[3]["volunteers"] == 3
    assert all(rows[i]["volunteers"] == 4 for i in (1, 2, 4, 5))
    (told,) = [row for row in labels.unjoined.to_pylist() if row["reason"] != "not counted"]
    assert told["classifications"] == 1
    assert reason in told["reason"]


def test_a_row_with_too_few_cells_costs_that_row_only(make_directory, export):
    lines = export.read_text().splitlines(keepends=True)
    lines[10] = lines[10].partition(",")[0] + ",anne\n"
    export.write_text("".join(lines))
    labels = read_labels(make_directory(), [export], progress=False)
    assert labels.table.column("volunteers").to_pylist() == [4, 4, 3, 4, 4]
    assert labels.unjoined.to_pylist() == [
        {"subject_id": "", "classifications": 1, "reason": "a row has 2 cells in place of 14"}
    ]


def test_text_that_is_no_utf_8_is_refused(refused, export):
    export.write_bytes(export.read_bytes().replace(b"anne", b"an\xffe"))
    assert "UTF8" in refused(export)


def test_other_files_are_refused_by_what_they_are(refused, export, project, subjects, tmp_path):
    shutil.make_archive(tmp_path / "export", "zip", tmp_path, export.name)
    assert "unpack it" in refused(tmp_path / "export.zip")
    other = tmp_path / "other.csv"
    other.write_text("diaSourceId,label\n1,real\n")
    assert "neither a classification export nor a subject export" in refused(other)
    assert "There is no file" in refused(tmp_path / "absent.csv")
    other.write_bytes(b"")
    assert "neither" in refused(other)
    export.write_text(export.read_text().partition("\n")[0] + "\n")
    assert "no classifications" in refused(export)
    only_subjects = project.write_subjects(tmp_path / "subjects.csv", subjects)
    assert "Give a classification export" in refused(only_subjects)


def test_a_directory_without_pictures_is_refused(export, tmp_path):
    with pytest.raises(CutoutsError, match="There is no directory"):
        read_labels(tmp_path / "nowhere", [export])
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(CutoutsError, match="no directory of pictures"):
        read_labels(tmp_path, [export])
