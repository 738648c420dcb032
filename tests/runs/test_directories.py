"""What a directory of pictures holds after runs of every kind."""

import csv
import io
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsConfig
from lsst.analysis.ap.runs import _fill


def test_a_finished_run_is_not_done_again(task, one_detector, tmp_path):
    first = task.run(one_detector, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.png")}
    listed = (tmp_path / "manifest.csv").read_bytes()
    again = task.run(one_detector, tmp_path)
    assert (again.written, again.skipped, again.failed) == ([], first.written, [])
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.png")} == before
    assert (tmp_path / "manifest.csv").read_bytes() == listed


def test_a_run_continues_where_another_stopped(task, one_detector, tmp_path, contents, manifest):
    def interrupted():
        yield one_detector.iloc[:4]
        yield one_detector.iloc[4:6].assign(detector=1)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        task.run(interrupted(), tmp_path)
    assert {int(row["diaSourceId"]) for row in manifest(tmp_path)} == set(one_detector["diaSourceId"][:4])
    result = task.run(one_detector, tmp_path)
    assert result.skipped == sorted(one_detector["diaSourceId"][:4])
    task.run(one_detector, tmp_path / "uninterrupted")
    expected = contents(tmp_path / "uninterrupted")
    assert contents(tmp_path) == expected


def test_a_picture_that_was_deleted_is_made_again(task, one_detector, tmp_path):
    result = task.run(one_detector, tmp_path)
    victim = tmp_path / f"{result.written[2]}.png"
    content = victim.read_bytes()
    victim.unlink()
    assert task.run(one_detector, tmp_path).written == [result.written[2]]
    assert victim.read_bytes() == content


def test_other_settings_do_not_mix_unless_asked(task, one_detector, tmp_path, annotated, contents, manifest):
    half = len(one_detector) // 2
    task.run(one_detector[:half], tmp_path)
    other = annotated()
    plain = contents(tmp_path)
    with pytest.raises(CutoutsError, match=r"addMetadata was False, is True.*overwrite=True"):
        other.run(one_detector, tmp_path)
    assert contents(tmp_path) == plain
    result = other.run(one_detector, tmp_path, append=True)
    assert (len(result.skipped), len(result.written)) == (half, len(one_detector) - half)
    assert len(manifest(tmp_path)) == len(one_detector)
    result = other.run(one_detector[1:], tmp_path, overwrite=True)
    assert len(result.written) == len(manifest(tmp_path)) == len(list(tmp_path.glob("*.png")))
    assert len(result.written) == len(one_detector) - 1


def test_a_repeated_identifier_is_used_once(task, one_detector, tmp_path, caplog):
    doubled = pd.concat([one_detector, one_detector.iloc[:3]])
    result = task.run(doubled, tmp_path)
    assert result.written == sorted(one_detector["diaSourceId"])
    assert "3 rows repeat a diaSourceId" in caplog.text


def test_hosted_pictures_have_urls_that_match_the_files(one_detector, tmp_path, annotated, manifest):
    annotated(urlRoot="https://host/pictures/").run(one_detector, tmp_path)
    for row in manifest(tmp_path):
        root, _, name = row["location:1"].rpartition("/")
        assert root == "https://host/pictures"
        assert (tmp_path / name).is_file()
        assert name == f"{row['external_id']}.png"


def test_chunks_put_each_picture_where_the_manifest_says(one_detector, tmp_path, annotated, manifest):
    task = annotated(chunkSize=4, urlRoot="https://host/pictures")
    result = task.run(one_detector, tmp_path)
    rows = manifest(tmp_path)
    assert len(rows) == len(result.written)
    for row in rows:
        path = tmp_path / row["location:1"].removeprefix("https://host/pictures/")
        assert path.is_file()
        assert len(list(path.parent.iterdir())) <= 4
    assert task.run(one_detector, tmp_path).written == []


def test_only_failures_are_tried_again_when_asked(task, one_detector, tmp_path, manifest):
    bad = one_detector.iloc[:6].reset_index(drop=True)
    good = bad.copy()
    bad.loc[[1, 4], "ra"] = np.nan
    task.run(bad[:5], tmp_path)
    result = task.run(good, tmp_path, retry_failed=True)
    assert result.written == sorted(good["diaSourceId"][[1, 4]])
    assert len(manifest(tmp_path)) == 5


def test_what_failed_is_not_forgotten_and_asked_for_at_once(task, one_detector, tmp_path):
    first = task.run(one_detector, tmp_path)
    with pytest.raises(CutoutsError, match=r"give one of them"):
        task.run(one_detector, tmp_path, overwrite=True, retry_failed=True)
    assert task.run(one_detector, tmp_path).skipped == first.written


def test_manifests_of_others_stay(one_detector, tmp_path, annotated):
    whole, split = annotated(), annotated(manifestRows=1)
    whole.run(one_detector[:2], tmp_path / "night")
    (tmp_path / "manifest-edited.csv").write_text("mine")
    split.run(one_detector[:2], tmp_path)
    whole.run(one_detector[:2], tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("manifest*.csv")}
    assert found == {"manifest.csv", "manifest-edited.csv", "night/manifest.csv"}


def test_citsci_lists_every_picture_beside_itself_whatever_the_folders(one_detector, tmp_path, annotated):
    rows = one_detector.sort_values("diaSourceId")
    annotated(manifestStyle="citsci").run(rows[::2], tmp_path)
    grouped = annotated(manifestStyle="citsci", chunkSize=10**15)
    result = grouped.run(rows[1::2], tmp_path, append=True)
    assert len(result.manifests) == len(set(result.manifests)) > 1
    listed = set()
    for path in map(Path, result.manifests):
        listed |= {path.parent / row["filename"] for row in csv.DictReader(path.read_text().splitlines())}
    assert listed == set(tmp_path.rglob("*.png"))
    assert len(listed) == len(rows)


def test_more_files_than_rubin_citsci_takes_are_warned_of(
    one_detector, tmp_path, annotated, caplog, monkeypatch
):
    """A manifest and three pictures are one file more than it takes here."""
    monkeypatch.setattr("lsst.analysis.ap.runs._lists.CITSCI_FILES", 3)
    annotated(manifestStyle="citsci").run(one_detector[:2], tmp_path / "two")
    assert "rubin.citsci" not in caplog.text
    annotated(manifestStyle="citsci").run(one_detector[:3], tmp_path / "three")
    assert "rubin.citsci takes 3 files of a directory" in caplog.text
    assert "there are 4: select fewer sources" in caplog.text


def test_rows_for_rubin_citsci_are_not_split():
    config = ZooniverseCutoutsConfig()
    config.update(manifestStyle="citsci", manifestRows=5)
    with pytest.raises(ValueError, match=r"manifestRows.*one manifest"):
        config.validate()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_directory_that_goes_away_ends_the_run(task, sources, tmp_path, jobs):
    outdir = tmp_path / "out"

    def batches():
        for start in range(0, len(sources), 5):
            if start == 30:
                while not list(outdir.glob("*.png")):
                    time.sleep(0.01)
                outdir.rename(tmp_path / "elsewhere")
            yield sources[start : start + 5]

    with pytest.raises(CutoutsError, match="out is gone"):
        task.run(batches(), outdir, jobs=jobs)
    assert not outdir.exists()
    result = task.run(sources, tmp_path / "elsewhere")
    assert len(result.written) + len(result.skipped) == len(sources)


@pytest.mark.parametrize(("limit", "listed"), [(1, False), (1000, True)])
def test_who_interrupts_a_long_run_waits_for_no_list(
    task, sources, tmp_path, monkeypatch, limit, listed, manifest
):
    monkeypatch.setattr(_fill, "_QUICK_LISTS", limit)

    def interrupted():
        yield sources[:30]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        task.run(interrupted(), tmp_path)
    assert list(tmp_path.glob("*.png"))
    assert (tmp_path / "manifest.csv").exists() is listed
    task.run(sources, tmp_path)
    assert len(manifest(tmp_path)) == len(sources)


def test_the_bar_counts_what_was_there(task, one_detector, tmp_path, capsys):
    task.run(one_detector[:4], tmp_path)
    capsys.readouterr()
    task.run(one_detector, tmp_path, total=len(one_detector), progress=True)
    bars = capsys.readouterr().err.replace("\r", "\n").splitlines()
    number = len(one_detector)
    for stage in ("pictures", "manifest"):
        last = [line for line in bars if line.startswith(stage)][-1]
        assert "100%" in last
        assert f"{number}/{number}" in last


def test_another_manifest_needs_no_new_pictures(one_detector, tmp_path, annotated):
    annotated().run(one_detector, tmp_path)
    result = annotated(manifestColumns=["!psfNdata"], manifestRows=5).run(one_detector, tmp_path)
    assert result.written == []
    assert len(result.manifests) == -(-len(one_detector) // 5)
    rows = [row for path in result.manifests for row in csv.DictReader(Path(path).read_text().splitlines())]
    expected = one_detector.sort_values("diaSourceId")["psfNdata"]
    assert [row["!psfNdata"] for row in rows] == [str(value) for value in expected]
    assert not (tmp_path / "manifest.csv").exists()


def test_a_manifest_may_have_no_column_of_the_catalogue(one_detector, tmp_path, annotated, manifest):
    annotated(manifestColumns=[]).run(one_detector, tmp_path)
    rows = manifest(tmp_path)
    assert {tuple(row) for row in rows} == {("filename", "diaSourceId")}
    assert len(rows) == len(one_detector)


def test_columns_for_zooniverse_itself_pass_through(task, one_detector, tmp_path, manifest):
    gold = one_detector.iloc[:2].assign(**{"#training_subject": ["true", None]})
    task.run(pd.concat([gold, one_detector.iloc[2:3]]), tmp_path)
    assert [row["#training_subject"] for row in manifest(tmp_path)] == ["true", "null", "null"]


def test_a_report_says_what_was_asked_and_what_came_of_it(one_detector, tmp_path, annotated):
    annotated().run(one_detector, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["run"] == {"written": len(one_detector), "skipped": 0, "failed": 0}
    assert report["settings"]["addMetadata"] is True
    assert report["settings"]["differenceImageType"] == "difference_image"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few hundred kilobytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_is_one_clear_error_and_loses_nothing(sources, small_disk, jobs, annotated, manifest):
    task = annotated(sizes=[100])
    with pytest.raises(CutoutsError, match="No space left on device"):
        task.run(sources, small_disk, jobs=jobs)
    pictures = {p.name: p.read_bytes() for p in small_disk.glob("*.png")}
    assert all(Image.open(io.BytesIO(content)).size[0] > 300 for content in pictures.values())
    assert not list(small_disk.glob(".*.partial"))
    with pytest.raises(CutoutsError, match=r"No space left|disk is full"):
        task.run(sources, small_disk, jobs=jobs)
    assert pictures.items() <= {p.name: p.read_bytes() for p in small_disk.glob("*.png")}.items()
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    result = task.run(sources, small_disk)
    assert result.failed == []
    assert len(manifest(small_disk)) == len(sources)
    for name, content in pictures.items():
        assert (small_disk / name).read_bytes() == content


def test_pictures_that_vanish_while_the_run_works_fail(task, one_detector, tmp_path, monkeypatch):
    first = one_detector["diaSourceId"].tolist()[0]
    record = _fill.Ledger.record

    def record_and_remove(self, outcomes):
        record(self, outcomes)
        (tmp_path / f"{first}.png").unlink(missing_ok=True)

    monkeypatch.setattr(_fill.Ledger, "record", record_and_remove)
    result = task.run(one_detector, tmp_path)
    assert [failure.diaSourceId for failure in result.failed] == [first]
    assert "removed while the run was working" in result.failed[0].reason
    assert first not in result.written
    monkeypatch.undo()
    assert task.run(one_detector, tmp_path).written == [first]


def test_an_empty_name_is_no_directory(task, one_detector):
    with pytest.raises(CutoutsError, match="output directory is empty"):
        task.run(one_detector, "")
