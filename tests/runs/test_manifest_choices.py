"""What a manifest carries, in which order, and beside which files."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsConfig
from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Failure, OutputDirectory
from lsst.analysis.ap.runs._lists import write_failures

DEFAULT = ZooniverseCutoutsConfig().manifestColumns


def test_a_column_is_added_to_the_default(one_detector, tmp_path, annotated, manifest):
    annotated(manifestColumns=["+#psfNdata"]).run(one_detector, tmp_path)
    rows = manifest(tmp_path)
    assert list(rows[0]) == ["filename", "diaSourceId", *DEFAULT, "#psfNdata"]
    values = dict(zip(one_detector["diaSourceId"], one_detector["psfNdata"], strict=True))
    assert {int(row["diaSourceId"]): int(row["#psfNdata"]) for row in rows} == values


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("+#pixelFlags_injekted", r"pixelFlags_injekted,.*mean pixelFlags_injected"),
        ("#nonsense", "nonsense, which manifestColumns asks for"),
        ("+#bright=snrr > 5", r"snrr,.*mean snr"),
    ],
)
def test_a_column_that_no_source_has_stops_the_run_before_the_first_picture(
    one_detector, tmp_path, annotated, column, hint
):
    earlier = annotated().run(one_detector, tmp_path)
    with pytest.raises(CutoutsError, match=f"no column {hint}"):
        annotated(manifestColumns=[column]).run(one_detector, tmp_path, overwrite=True)
    assert len(list(tmp_path.glob("*.png"))) == len(earlier.written)
    with pytest.raises(CutoutsError):
        annotated(manifestColumns=[column]).run(one_detector, tmp_path / "new")
    assert not list((tmp_path / "new").glob("*.png"))


def test_a_default_that_the_catalogue_lacks_stops_nothing(one_detector, tmp_path, annotated, manifest):
    few = one_detector[["diaSourceId", "visit", "detector", "ra", "dec"]]
    assert len(annotated(manifestColumns=["+#ra"]).run(few, tmp_path).written) == len(few)
    assert {row["#snr"] for row in manifest(tmp_path)} == {"null"}


def test_a_mask_plane_that_no_image_has_stops_the_run_before_the_first_picture(
    one_detector, tmp_path, annotated
):
    with pytest.raises(CutoutsError, match=r"no mask plane SATT, which maskPlanes asks for; they have .*SAT"):
        annotated(maskPlanes=["SAT", "SATT"]).run(one_detector, tmp_path)
    assert not list(tmp_path.glob("*.png"))
    assert annotated(maskPlanes=["SAT"]).run(one_detector, tmp_path).written


def test_columns_are_computed(one_detector, tmp_path, annotated, manifest):
    sources = one_detector.reset_index(drop=True)
    sources["isDipole"] = [n % 3 == 1 for n in range(len(sources))]
    sources.loc[0, "snr"] = np.nan
    columns = ["#training_subject=isDipole", "!bright=snr > 10 and not isDipole", "#old=decl"]
    annotated(manifestColumns=columns).run(sources, tmp_path)
    found = {int(row.pop("diaSourceId")): row for row in manifest(tmp_path)}
    for row in sources.itertuples():
        bright = "true" if row.snr > 10 and not row.isDipole else "false"
        assert found[row.diaSourceId] == {
            "filename": f"{row.diaSourceId}.png",
            "#training_subject": str(row.isDipole).lower(),
            "!bright": "null" if np.isnan(row.snr) and not row.isDipole else bright,
            "#old": repr(row.dec),
        }


@pytest.mark.parametrize("columns", [["anonymous"], ["+#band", "anonymous"]])
def test_nothing_that_is_published_tells_of_a_source(sources, tmp_path, annotated, manifest, columns):
    task = annotated(addMetadata=False, manifestColumns=columns)
    result = task.run(sources[:12], tmp_path)
    ids = set(sources["diaSourceId"][:12])
    with (tmp_path / "keys.csv").open() as stream:
        keys = {row["key"]: int(row["diaSourceId"]) for row in csv.DictReader(stream)}
    assert set(keys.values()) == ids == set(result.written)
    rows = manifest(tmp_path)
    assert list(rows[0]) == ["filename", "#key", *(["#band"] if len(columns) > 1 else [])]
    assert {row["#key"] for row in rows} == keys.keys()
    published = [tmp_path / row["filename"] for row in rows]
    assert {path.stem for path in published} == keys.keys()
    for path in [*published, tmp_path / "manifest.csv"]:
        content = path.read_bytes()
        assert not any(str(i).encode() in content for i in ids)
    with Image.open(published[0]) as picture:
        assert [name.split()[0] for name in picture.text] == ["Software", "Panels"]
    # The same directory goes on with the same keys; another one has others.
    assert task.run(sources[:15], tmp_path).skipped == result.written
    assert keys.keys() < {row["#key"] for row in manifest(tmp_path)}
    task.run(sources[:12], tmp_path / "other")
    assert not keys.keys() & {row["#key"] for row in manifest(tmp_path / "other")}
    plain = annotated(addMetadata=False).run(sources[:12], tmp_path / "plain").written
    pixels = np.array(Image.open(tmp_path / "plain" / f"{plain[0]}.png"))
    (key,) = (key for key, identifier in keys.items() if identifier == plain[0])
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / f"{key}.png")), pixels)


def test_the_secret_of_the_keys_is_in_no_other_file(one_detector, tmp_path, annotated):
    from lsst.analysis.ap.output import Journal, OutputDirectory

    annotated(addMetadata=False, manifestColumns=["anonymous"]).run(one_detector, tmp_path)
    with Journal(OutputDirectory(tmp_path)) as journal:
        secret = journal.secret()
    assert len(secret) == 32
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert (secret in content) == (path.name == ".journal.sqlite3")
        assert secret.hex().encode() not in content


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"manifestColumns": ["anonymous"], "addMetadata": True}, "does not go with addMetadata"),
        ({"manifestColumns": ["anonymous", "+#diaSourceId"], "addMetadata": False}, "there to hide it"),
        (
            {"manifestColumns": ["anonymous"], "chunkSize": 10, "addMetadata": False},
            "folders tell the identifiers",
        ),
        ({"manifestColumns": ["#a:b"]}, "is no column"),
        ({"manifestColumns": ["#a="]}, "is no column"),
        ({"subjectFrames": ["composite", "science"]}, "frames of a subject have one size"),
        ({"subjectFrames": ["science", "science"]}, "twice"),
        ({"subjectFrames": ["sciense"]}, "subjectFrames"),
        ({"subjectFrames": []}, "subjectFrames"),
        ({"subjectFrames": ["template", "science"], "manifestStyle": "citsci"}, "subjects of one picture"),
        ({"manifestStyle": "citsci", "urlRoot": "https://host"}, "hosts them itself"),
        ({"manifestStyle": "hosted"}, "needs urlRoot"),
        ({"manifestOrder": "shuffled"}, "'random:N'"),
        ({"chunkSize": 10, "chunkFiles": 10}, "set one of the two"),
        ({"chunkFiles": 4, "subjectFrames": ["science"]}, "no room for the files of one source"),
        ({"urlRoot": "https://host/x?sig=1"}, "query"),
        ({"urlRoot": "ftp://host/x"}, "no URL of a folder"),
    ],
)
def test_choices_that_make_no_sense_are_refused(annotated, fields, cause):
    def configure():
        config = annotated().config
        config.update(**fields)
        config.validate()

    with pytest.raises(ValueError, match=re.escape(cause)):
        configure()


def test_folders_have_as_many_files_as_they_may(sources, tmp_path, annotated, manifest):
    task = annotated(chunkFiles=8)
    task.run(sources, tmp_path, jobs=2)
    folders = Counter(path.parent.name for path in tmp_path.rglob("*.png"))
    count = len(sources)
    assert folders == {
        f"part-{number + 1:04d}": min(7, count - 7 * number) for number in range(-(-count // 7))
    }
    assert all((tmp_path / row["filename"]).is_file() for row in manifest(tmp_path))


def test_an_interrupted_run_leaves_the_folders_as_they_would_have_been(sources, tmp_path, annotated):
    task = annotated(chunkFiles=8)

    def interrupted():
        yield sources[:20]
        raise InterruptedError

    with pytest.raises(InterruptedError):
        task.run(interrupted(), tmp_path / "a", jobs=2)
    task.run(sources, tmp_path / "a")
    task.run(sources, tmp_path / "b")
    paths = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*.png")) for n in "ab"]
    assert paths[0] == paths[1]


def test_folders_have_room_for_panels_and_a_manifest(sources, tmp_path, annotated):
    annotated(chunkFiles=20, subjectFrames=["difference"], manifestStyle="citsci").run(sources, tmp_path)
    for folder in tmp_path.glob("part-*"):
        files = [path.name for path in folder.iterdir()]
        assert len(files) <= 20
        assert "manifest.csv" in files
        with (folder / "manifest.csv").open() as stream:
            assert all(row["filename"].endswith("_difference.png") for row in csv.DictReader(stream))


def test_a_random_order_is_the_same_again_and_with_more_sources(sources, tmp_path, annotated, manifest):
    def listed(seed, count):
        folder = tmp_path / f"{seed} {count}"
        annotated(manifestOrder=f"random:{seed}").run(sources[:count], folder)
        return [int(row["diaSourceId"]) for row in manifest(folder)]

    first, others, all_of_them = listed(1, 20), listed(2, 20), listed(1, len(sources))
    assert sorted(first) == sorted(others) == sorted(sources["diaSourceId"][:20])
    assert first != sorted(first)
    assert first != others
    assert [i for i in all_of_them if i in first] == first
    # Fakes that come last fall among the others.
    places = [all_of_them.index(i) for i in sources["diaSourceId"][-12:]]
    assert min(places) < len(sources) / 3 < 2 * len(sources) / 3 < max(places)


def test_stamps_follow_the_random_order(one_detector, tmp_path, annotated, manifest):
    annotated(manifestOrder="random", writeStamps="npy").run(one_detector, tmp_path)
    catalogue = pd.read_parquet(tmp_path / "stamps_catalogue.parquet")
    assert list(catalogue["diaSourceId"]) == [int(row["diaSourceId"]) for row in manifest(tmp_path)]


@pytest.mark.parametrize("fields", [{}, {"manifestRows": 3}])
def test_a_manifest_of_somebody_else_is_not_overwritten(one_detector, tmp_path, annotated, fields):
    theirs = tmp_path / ("manifest-001.csv" if fields else "manifest.csv")
    theirs.write_text("theirs")
    with pytest.raises(CutoutsError, match=f"{theirs.name} in .* is there already, and no run has made it"):
        annotated(**fields).run(one_detector, tmp_path)
    assert theirs.read_text() == "theirs"
    assert not list(tmp_path.glob("*.png"))
    annotated(**fields).run(one_detector, tmp_path, overwrite=True)
    assert theirs.read_text() != "theirs"
    annotated(**fields).run(one_detector, tmp_path)  # it is ours now


def test_a_manifest_of_somebody_else_that_appears_meanwhile_stays(sources, tmp_path, annotated):
    def batches():
        yield sources[:20]
        yield sources[20:40]
        assert list(tmp_path.glob("*.png"))
        (tmp_path / "manifest.csv").write_text("theirs")
        yield sources[40:]

    with pytest.raises(CutoutsError, match="no run has made it"):
        annotated().run(batches(), tmp_path)
    assert (tmp_path / "manifest.csv").read_text() == "theirs"
    assert len(list(tmp_path.glob("*.png"))) == len(sources)


def test_the_report_tells_of_every_run(one_detector, tmp_path, annotated):
    task = annotated()
    task.run(one_detector[:3], tmp_path, asked={"selection": "snr > 5"})
    task.run(one_detector, tmp_path, asked={"selection": "all"})
    runs = json.loads((tmp_path / "report.json").read_text())["runs"]
    number = len(one_detector)
    assert [(run["selection"], run["written"], run["skipped"]) for run in runs] == [
        ("snr > 5", 3, 0),
        ("all", number - 3, 3),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", run["began"]) for run in runs)
    task.run(one_detector, tmp_path, overwrite=True, asked={"selection": "again"})
    (run,) = json.loads((tmp_path / "report.json").read_text())["runs"]
    assert run["selection"] == "again"


@pytest.mark.parametrize(
    ("fields", "uploads"),
    [
        (
            {},
            {
                "upload with": ["zooniverseCutoutsUpload '{out}' SUBJECT_SET"],
                "or with": ["panoptes subject-set upload-subjects SUBJECT_SET '{out}/manifest.csv'"],
            },
        ),
        (
            {
                "urlRoot": "https://host",
                "manifestStyle": "panoptes",
                "subjectFrames": ["template", "science"],
            },
            {
                "upload with": ["zooniverseCutoutsUpload '{out}' SUBJECT_SET"],
                "or with": [
                    "panoptes subject-set upload-subjects -r 1 -r 2 SUBJECT_SET '{out}/manifest.csv'"
                ],
            },
        ),
        ({"urlRoot": "https://host"}, {"upload with": ["zooniverseCutoutsUpload '{out}' SUBJECT_SET"]}),
        (
            {"manifestStyle": "citsci", "chunkFiles": 5},
            {
                "upload with": [
                    "pipeline.send_image_data('NAME', pipeline.zip_image_cutouts('{out}/part-0001')[0])",
                    "pipeline.send_image_data('NAME', pipeline.zip_image_cutouts('{out}/part-0002')[0])",
                ]
            },
        ),
    ],
)
def test_a_run_says_how_to_upload_its_pictures(one_detector, tmp_path, annotated, fields, uploads):
    outdir = Path(tmp_path, "night of January")
    result = annotated(**fields).run(one_detector[:6], outdir)
    assert result.uploads == {
        name: [line.replace("{out}", str(outdir)) for line in lines] for name, lines in uploads.items()
    }


def test_failures_are_listed_and_a_stale_list_removed(tmp_path):
    directory, path = OutputDirectory(tmp_path), tmp_path / "failures.csv"
    place = DetectorVisit("Cam", 7, 3)
    write_failures(directory, [Failure(1, place, "no image, sorry"), Failure(2, None, "no visit: ±1")])
    cam = {"instrument": "Cam", "visit": "7", "detector": "3"}
    assert list(csv.DictReader(path.open(newline=""))) == [
        {"diaSourceId": "1", **cam, "reason": "no image, sorry"},
        {"diaSourceId": "2", **dict.fromkeys(cam, ""), "reason": "no visit: ±1"},
    ]
    assert path.read_bytes().endswith(b"\n2,,,,no visit: \xc2\xb11\n")
    write_failures(directory, [])
    assert not path.exists()
