import csv
import json
import sqlite3
from contextlib import closing

import pytest
from PIL import Image

from lsst.analysis.ap.cli.cutouts import main


@pytest.fixture(scope="module")
def objects(demo):
    """How many sources each object has."""
    with closing(sqlite3.connect(demo.apdb)) as db:
        return dict(
            db.execute(
                "SELECT diaObjectId, count(*) FROM DiaSource WHERE diaObjectId > 0 GROUP BY diaObjectId"
            )
        )


@pytest.fixture
def run(words, apdb, tmp_path):
    """A function that writes histories of some kind into a directory, and returns the status and that."""

    def write(kind, *more):
        status = main([*words, str(tmp_path / "out"), *apdb, "--limit", "6", "--history", kind, *more])
        return status, tmp_path / "out"

    return write


def rows(folder):
    with open(folder / "histories.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_object_is_one_picture_and_is_not_made_again(run, capsys):
    status, folder = run("strip")
    assert status == 0
    listed = rows(folder)
    assert len(listed) > 1
    assert {row["filename"] for row in listed} == {path.name for path in folder.glob("*.png")}
    identifiers = [row["#diaObjectId"] or row["#ssObjectId"] for row in listed]
    assert len(set(identifiers)) == len(listed)
    lost = folder / listed[0]["filename"]
    before, kept = lost.read_bytes(), (folder / listed[1]["filename"]).stat().st_mtime_ns
    lost.unlink()
    capsys.readouterr()
    assert run("strip")[0] == 0
    assert lost.read_bytes() == before
    assert (folder / listed[1]["filename"]).stat().st_mtime_ns == kept
    assert f"written        1\n  skipped        {len(listed) - 1}" in capsys.readouterr().out


def test_frames_of_a_subject_have_one_size_and_fill_the_first_row(run):
    status, folder = run("frames")
    assert status == 0
    listed = rows(folder)
    columns = [name for name in listed[0] if name.startswith("filename")]
    assert columns[:2] == ["filename", "filename_2"]
    assert all(listed[0][name] for name in columns)
    for row in listed:
        paths = [row[name] for name in columns if row[name]]
        assert len({Image.open(folder / path).size for path in paths}) == 1


def test_a_light_curve_has_the_detections(run, objects):
    status, folder = run("json")
    assert status == 0
    for row in rows(folder):
        assert Image.open(folder / row["filename"]).format == "PNG"  # Talk shows the first file
        data = json.loads((folder / row["filename_2"]).read_text())
        points = [point for series in data["data"] for point in series["seriesData"]]
        if row["#diaObjectId"]:
            assert len(points) >= objects[int(row["#diaObjectId"])]
        else:
            assert points


def test_an_object_without_stamps_stops_no_other(repo, demo, apdb, tmp_path):
    from lsst.daf.butler import Butler

    with Butler.from_config(repo, collections=demo.collection) as butler:
        for ref in butler.query_datasets("difference_image", where="detector = 0", instrument="DemoCam"):
            butler.getURI(ref).remove()
    words = ["--quiet", "--collections", demo.collection, str(repo), str(tmp_path / "out"), *apdb]
    words += ["--sample", "9"]
    # A light curve needs no image.
    assert main([*words, "--history", "json"]) == 0
    curves = rows(tmp_path / "out")
    assert main([*words, "--history", "strip", "--epochs", "1"]) == 1
    with open(tmp_path / "out" / "failed-histories.csv", newline="") as stream:
        failed = list(csv.DictReader(stream))
    assert failed
    assert all("difference" in row["reason"] for row in failed)
    assert 1 < len(rows(tmp_path / "out")) == len(curves) - len(failed)


def test_stamps_of_a_moving_object_are_centred_on_each_detection(task, demo, sources):
    moving = sources[sources["ssObjectId"].fillna(0) > 0]
    identifier = int(moving["ssObjectId"].value_counts().index[0])
    places = moving[moving["ssObjectId"] == identifier].sort_values("midpointMjdTai")
    history = task.history(ssObjectId=identifier, catalog=demo.apdb)
    assert history.total == len(places)
    found = [epoch.triplet.position for epoch in history.epochs]
    for position, x, y in zip(found, places["x"], places["y"], strict=True):
        assert position == pytest.approx((x, y), abs=0.1)
