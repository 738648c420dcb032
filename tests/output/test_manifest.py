import csv

import pytest

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Failure, OutputDirectory, Picture, write_failures, write_manifest

PLACE = DetectorVisit("Cam", 7, 3)
COLUMNS = ["#ra", "!band", "%visit", "note"]


@pytest.fixture
def pictures():
    return [
        Picture(11, PLACE, "11.png", {"ra": "1.5", "band": "r", "visit": "7", "note": 'a "b", c\nd'}),
        Picture(12, PLACE, "12.png", {"ra": "2.5"}),
    ]


@pytest.fixture
def directory(tmp_path):
    return OutputDirectory(tmp_path)


def read(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_local_files_are_named_beside_their_metadata(directory, pictures):
    path = write_manifest(directory, pictures, COLUMNS, None)
    rows = read(path)
    assert rows[0] == {
        "filename": "11.png",
        "diaSourceId": "11",
        "#ra": "1.5",
        "!band": "r",
        "%visit": "7",
        "note": 'a "b", c\nd',
    }
    assert rows[1] == {
        "filename": "12.png",
        "diaSourceId": "12",
        "#ra": "2.5",
        "!band": "null",
        "%visit": "null",
        "note": "null",
    }


@pytest.mark.parametrize("root", ["https://host/a b", "https://host/a b/"])
def test_hosted_pictures_have_urls_and_an_external_identifier(directory, pictures, root):
    row = read(write_manifest(directory, pictures, ["#ra"], root))[0]
    assert row == {
        "external_id": "11",
        "location:1": "https://host/a b/11.png",
        "metadata:diaSourceId": "11",
        "metadata:#ra": "1.5",
    }


def test_a_manifest_of_nothing_has_its_header(directory):
    write_manifest(directory, [], ["#ra"], None)
    assert (directory.path / "manifest.csv").read_text() == "filename,diaSourceId,#ra\n"


def test_failures_are_listed_and_a_stale_list_removed(directory):
    path = directory.path / "failures.csv"
    write_failures(directory, [Failure(1, PLACE, "no image, sorry"), Failure(2, None, "no visit")])
    cam = {"instrument": "Cam", "visit": "7", "detector": "3"}
    assert read(path) == [
        {"diaSourceId": "1", **cam, "reason": "no image, sorry"},
        {"diaSourceId": "2", **dict.fromkeys(cam, ""), "reason": "no visit"},
    ]
    write_failures(directory, [])
    assert not path.exists()
