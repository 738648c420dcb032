import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from tests.zooniverse.stand_in import SUBJECT_SET, Zooniverse

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import ManifestForm, OutputDirectory, Picture, metadata_of
from lsst.analysis.ap.output._manifest import ManifestColumn, choose_columns

PLACE = DetectorVisit("Cam", 7, 3)

DEFAULT = ("#ra", "#dec")


@pytest.fixture
def pictures():
    return [
        Picture(11, PLACE, "11.png", 1, {"ra": "1.5", "band": "r", "visit": "7", "note": 'a "b", c\nd'}),
        Picture(12, PLACE, "12.png", 1, {"ra": "2.5"}),
    ]


@pytest.fixture
def directory(tmp_path):
    return OutputDirectory(tmp_path)


def read(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_local_files_are_named_beside_their_metadata(directory, pictures):
    form = ManifestForm("panoptes", ("#ra", "!band", "%visit", "note"))
    assert form.write(directory, pictures, [].append) == ["manifest.csv"]
    assert read(directory.path / "manifest.csv") == [
        {
            "filename": "11.png",
            "diaSourceId": "11",
            "#ra": "1.5",
            "!band": "r",
            "%visit": "7",
            "note": 'a "b", c\nd',
        },
        {
            "filename": "12.png",
            "diaSourceId": "12",
            "#ra": "2.5",
            "!band": "null",
            "%visit": "null",
            "note": "null",
        },
    ]


@pytest.mark.parametrize("root", ["https://host/run", "https://host/run/"])
def test_hosted_pictures_have_urls_and_an_external_identifier(directory, root):
    pictures = [Picture(11, PLACE, "0/11 a.png", 1, {"ra": "1.5"})]
    ManifestForm("hosted", ("#ra", "#dec"), root).write(directory, pictures, [].append)
    assert read(directory.path / "manifest.csv") == [
        {
            "external_id": "11",
            "location:1": "https://host/run/0/11%20a.png",
            "metadata:diaSourceId": "11",
            "metadata:#ra": "1.5",
            "metadata:#dec": "",
        }
    ]


def test_panoptes_gets_urls_of_hosted_pictures(directory, pictures):
    form = ManifestForm("panoptes", ("#ra", "!band"), "https://host/run", frames=("template", "science"))
    form.write(directory, pictures, [].append)
    assert read(directory.path / "manifest.csv")[1] == {
        "#url": "https://host/run/12_template.png",
        "#url_2": "https://host/run/12_science.png",
        "diaSourceId": "12",
        "#ra": "2.5",
        "!band": "null",
    }


def test_keys_take_the_place_of_identifiers(directory):
    pictures = [Picture(11, PLACE, "a/k7x.png", 1, {"ra": "1.5", "diaObjectId": "9"})]
    for style, root, place in (
        ("panoptes", None, {"filename": "a/k7x.png", "#key": "k7x", "#ra": "1.5"}),
        (
            "hosted",
            "https://host",
            {
                "external_id": "k7x",
                "location:1": "https://host/a/k7x.png",
                "metadata:#key": "k7x",
                "metadata:#ra": "1.5",
            },
        ),
        ("citsci", None, {"filename": "k7x.png", "metadata:#key": "k7x", "metadata:#ra": "1.5"}),
    ):
        (name,) = ManifestForm(style, ("#ra",), root, anonymous=True).write(directory, pictures, [].append)
        assert read(directory.path / name) == [place]


def test_what_rubin_citsci_and_the_import_make_of_a_manifest_can_be_joined(directory):
    """The service adds a column for the file and one for a time stamp; the import drops all but metadata."""
    pictures = [
        Picture(123, PLACE, "123.png", 1, {"ra": "1.5", "note": "seen", "diaObjectId": "77"}),
        Picture(9124, PLACE, "9124.png", 1, {"ra": "2.5"}),
    ]
    columns = ("#ra", "!note", "#diaObjectId")
    (name,) = ManifestForm("citsci", columns).write(directory, pictures, [].append)
    rows = read(directory.path / name)
    assert not {"external_id", "location:1"} & set(rows[0])
    assert [row["diaObjectId"] for row in rows] == ["77", ""]  # for the service's own table
    served = io.StringIO()
    writer = csv.DictWriter(served, ["external_id", "location:1", *rows[0]])
    writer.writeheader()
    for number, row in enumerate(rows):
        (file,) = (path for path in ("123.png", "9124.png") if row["filename"] in path)
        writer.writerow({"external_id": f"2026{number}", "location:1": f"https://epo/{file}", **row})
    zooniverse = Zooniverse()
    counts = zooniverse.import_manifest(served.getvalue(), SUBJECT_SET)
    assert counts == {"imported_count": 2, "failed_count": 0, "failed_uuids": []}
    assert {s.metadata["#diaSourceId"]: s.locations for s in zooniverse.in_set()} == {
        "123": [("image/png", "https://epo/123.png")],
        "9124": [("image/png", "https://epo/9124.png")],
    }
    assert zooniverse.in_set()[0].metadata == {
        "#diaSourceId": "123",
        "#ra": "1.5",
        "!note": "seen",
        "#diaObjectId": "77",
    }
    again = zooniverse.import_manifest(served.getvalue(), SUBJECT_SET)
    zooniverse.server_close()
    assert (again["imported_count"], again["failed_uuids"]) == (0, ["20260", "20261"])


def test_the_import_takes_a_hosted_manifest_once(directory, pictures):
    (name,) = ManifestForm("hosted", ("#ra",), "https://host/run").write(directory, pictures, [].append)
    text = (directory.path / name).read_text()
    zooniverse = Zooniverse()
    zooniverse.import_manifest(text, SUBJECT_SET)
    assert zooniverse.import_manifest(text, SUBJECT_SET)["failed_uuids"] == ["11", "12"]
    zooniverse.server_close()
    assert [(s.external_id, s.metadata["diaSourceId"]) for s in zooniverse.in_set()] == [
        ("11", "11"),
        ("12", "12"),
    ]


def test_citsci_has_a_manifest_beside_the_pictures_of_each_folder(directory):
    pictures = [Picture(i, PLACE, f"{i // 10 * 10}/{i}.png", 1) for i in (11, 12, 25)]
    names = ManifestForm("citsci", ("#ra",)).write(directory, pictures, [].append)
    assert names == ["10/manifest.csv", "20/manifest.csv"]
    found = {name: read(directory.path / name) for name in names}
    assert [row["filename"] for row in found["10/manifest.csv"]] == ["11.png", "12.png"]
    assert [row["filename"] for row in found["20/manifest.csv"]] == ["25.png"]
    assert not {"external_id", "location:1"} & set(found["10/manifest.csv"][0])


def test_a_long_manifest_is_split(directory):
    pictures = [Picture(i, PLACE, f"{i}.png", 1) for i in range(7)]
    announced = []

    def announce(name):
        assert not (directory.path / name).exists()
        announced.append(name)

    names = ManifestForm("panoptes", (), rows=3).write(directory, pictures, announce)
    assert names == announced == ["manifest-001.csv", "manifest-002.csv", "manifest-003.csv"]
    assert [len(read(directory.path / name)) for name in names] == [3, 3, 1]


@pytest.mark.parametrize("rows", [None, 5])
def test_a_manifest_of_nothing_has_its_header(directory, rows):
    assert ManifestForm("panoptes", ("#ra",), rows=rows).write(directory, [], [].append) == ["manifest.csv"]
    assert (directory.path / "manifest.csv").read_text() == "filename,diaSourceId,#ra\n"


@pytest.mark.parametrize(
    ("items", "names"),
    [
        (["#ra", "#dec"], ["#ra", "#dec"]),
        (["snr", "!band"], ["snr", "!band"]),
        (["+#snr"], ["#ra", "#dec", "#snr"]),
        (["+#snr", "!band"], ["!band", "#snr"]),
        (["anonymous"], []),
        (["anonymous", "+%band"], ["%band"]),
        ([], []),
        (["+#dec", "+#snr", "+#snr"], ["#ra", "#dec", "#snr"]),
    ],
)
def test_columns_are_the_default_or_others_or_more(items, names):
    assert [column.name for column in choose_columns(items, DEFAULT)] == names


def test_only_what_somebody_asked_for_must_be_there():
    columns = choose_columns(["+#snr", "+#dec"], DEFAULT)
    assert {column.name: column.is_asked for column in columns} == {"#ra": False, "#dec": True, "#snr": True}
    assert not any(column.is_asked for column in choose_columns(DEFAULT, DEFAULT))


def test_a_column_may_show_something_else_than_its_name():
    assert choose_columns(["#training_subject = pixelFlags_injected", "!b=x == 'a,b'"], ()) == (
        ManifestColumn("#training_subject", "pixelFlags_injected"),
        ManifestColumn("!b", "x == 'a,b'"),
    )


@pytest.mark.parametrize("item", ["", "#", "#a:b", "a,b", "#x=", "=x", "+"])
def test_what_is_no_column_is_refused(item):
    with pytest.raises(ValueError, match="is no column: write NAME"):
        choose_columns([item], DEFAULT)


def test_numbers_are_as_short_as_their_precision_allows():
    rows = pa.table(
        {
            "single": pa.array(np.float32([0.8, 1e12])),
            "double": [0.1 + 0.2, 53.202312052481766],
            "identifier": [2**62 + 1, None],
            "flag": [True, False],
            "unwanted": [1, 2],
        }
    )
    assert metadata_of(rows, ["single", "double", "identifier", "flag", "absent"]) == [
        {
            "single": "0.8",
            "double": "0.30000000000000004",
            "identifier": "4611686018427387905",
            "flag": "true",
        },
        {"single": "1e+12", "double": "53.202312052481766", "flag": "false"},
    ]


def test_columns_that_zooniverse_itself_reads_pass_through():
    rows = pa.table({"#training_subject": ["true"], "#feedback_1_id": [3], "ra": [1.0]})
    assert metadata_of(rows, []) == [{"#training_subject": "true", "#feedback_1_id": "3"}]


def test_rows_without_a_wanted_column_have_no_values():
    assert metadata_of(pa.table({"ra": [1.0, 2.0]}), ["absent"]) == [{}, {}]


def test_values_that_are_no_text_are_told_all_the_same():
    rows = pa.table(
        {
            "#feedback": pa.array([[1.5, None], None]),
            "#place": [{"x": 1}, {"x": 2}],
            "#bytes": pa.array([b"\xff", b"abc"]),
        }
    )
    assert metadata_of(rows, []) == [
        {"#feedback": "[1.5, null]", "#place": '{"x": 1}', "#bytes": "\"b'\\\\xff'\""},
        {"#place": '{"x": 2}', "#bytes": "\"b'abc'\""},
    ]
