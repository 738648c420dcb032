import csv
import dataclasses
import io
import json
import pickle
import subprocess
import time
from pathlib import Path

import astropy.table
import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.visualization import AsinhStretch, ImageNormalize, LinearStretch, MinMaxInterval, ZScaleInterval
from lsst.daf.butler import Butler
from PIL import Image

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsConfig, ZooniverseCutoutsTask, _fill
from lsst.analysis.ap.sources import Selection, SqlApdb


@pytest.fixture(scope="module")
def butler(demo):
    return Butler.from_config(demo.repo, collections=demo.collection)


@pytest.fixture(scope="module")
def sources(demo):
    (table,) = SqlApdb.from_sqlite(demo.apdb).read(Selection())
    return table.to_pandas()


@pytest.fixture(scope="module")
def task(butler):
    return ZooniverseCutoutsTask(butler=butler)


@pytest.fixture(scope="module")
def one_detector(sources):
    first = sources.iloc[0]
    return sources[(sources["visit"] == first["visit"]) & (sources["detector"] == first["detector"])]


@pytest.fixture(scope="module")
def first_run(task, sources, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("plain")
    return outdir, task.run(sources, outdir)


def annotated(butler, **fields):
    config = ZooniverseCutoutsConfig()
    config.addMetadata = True
    config.update(**fields)
    return ZooniverseCutoutsTask(config, butler=butler)


def contents(folder):
    """Return every file but those that tell of the run itself."""
    files = (p for p in folder.iterdir() if p.is_file() and p.name[0] != "." and p.name != "report.json")
    return {p.name: p.read_bytes() for p in files}


def manifest(folder):
    with open(folder / "manifest.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def pixels(png):
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def find(picture, part):
    """Return the row and column at which a part of a picture begins."""
    first_row = part[0]
    height, width = picture.shape[0] - part.shape[0], picture.shape[1] - part.shape[1]
    for y in range(height + 1):
        for x in range(width + 1):
            if (picture[y, x] == first_row[0]).all() and (
                picture[y : y + part.shape[0], x : x + part.shape[1]] == part
            ).all():
                return y, x
    return None


def test_each_source_has_a_picture_and_a_row_in_the_manifest(first_run, sources):
    outdir, result = first_run
    ids = sorted(sources["diaSourceId"])
    assert result.written == ids
    assert result.skipped == result.failed == []
    assert sorted(p.stem for p in outdir.glob("*.png")) == sorted(map(str, ids))
    rows = manifest(outdir)
    assert sorted(int(row["diaSourceId"]) for row in rows) == ids
    assert all(row["filename"] == f"{row['diaSourceId']}.png" for row in rows)
    assert result.manifest == str(outdir / "manifest.csv")
    assert not (outdir / "failures.csv").exists()


def test_scientific_columns_are_hidden_and_exact(first_run, sources):
    by_id = sources.set_index("diaSourceId")
    for row in manifest(first_run[0]):
        source = by_id.loc[int(row["diaSourceId"])]
        assert float(row["#ra"]) == source["ra"]
        assert np.float32(row["#psfFlux"]) == np.float32(source["psfFlux"])
        assert row["#visit"] == str(source["visit"])
        assert set(row) - {"filename", "diaSourceId"} == {n for n in row if n.startswith("#")}


def test_a_data_value_ends_where_it_should_in_the_picture(butler, sources, first_run):
    """Full images, the WCS, plain slices, astropy's stretches and matplotlib's colours."""
    bone = matplotlib.colormaps["bone"]
    checked = 0
    for source in sources.itertuples():
        data_id = {"instrument": "DemoCam", "visit": source.visit, "detector": source.detector}
        science = butler.get("preliminary_visit_image", data_id)
        sky = SkyCoord(source.ra, source.dec, unit="deg")
        at = science.sky_projection.sky_to_pixel(sky)
        y, x = (int(np.floor(c - 15 + 1)) for c in (at.y - science.bbox.y.start, at.x - science.bbox.x.start))
        inside = y >= 0 and x >= 0 and y + 30 <= science.bbox.y.size and x + 30 <= science.bbox.x.size
        if not inside or checked == 5:
            continue
        checked += 1
        picture = pixels((first_run[0] / f"{source.diaSourceId}.png").read_bytes())
        previous = 0
        for name, interval, stretch in (
            ("template_detector", MinMaxInterval(), AsinhStretch(0.1)),
            ("preliminary_visit_image", MinMaxInterval(), AsinhStretch(0.1)),
            ("difference_image", ZScaleInterval(), LinearStretch()),
        ):
            stamp = butler.get(name, data_id).image.array[y : y + 30, x : x + 30]
            if not np.isfinite(stamp).all():
                continue
            scaled = ImageNormalize(stamp, interval=interval, stretch=stretch, clip=True)(stamp)
            colors = (bone(scaled, bytes=True)[::-1, :, :3]).repeat(7, axis=0).repeat(7, axis=1)
            place = find(picture, colors[:150])  # the scale bar covers some of the rest
            assert place is not None, name
            assert place[1] >= previous
            previous = place[1] + 210
    assert checked == 5


def test_any_kind_of_catalogue_gives_the_same_files(task, one_detector, first_run, tmp_path):
    kinds = {
        "astropy": astropy.table.Table.from_pandas(one_detector),
        "arrow": pa.Table.from_pandas(one_detector, preserve_index=False),
        "shuffled": one_detector.sample(frac=1, random_state=3),
        "batches": (one_detector.iloc[n : n + 3] for n in range(0, len(one_detector), 3)),
    }
    task.run(one_detector, tmp_path / "pandas")
    expected = contents(tmp_path / "pandas")
    assert len(expected) == len(one_detector) + 1
    for name, catalogue in kinds.items():
        task.run(catalogue, tmp_path / name)
        assert contents(tmp_path / name) == expected, name


def test_processes_change_nothing_but_the_time(task, sources, first_run, tmp_path):
    result = task.run(sources, tmp_path, jobs=2)
    assert result.written == first_run[1].written
    assert contents(tmp_path) == contents(first_run[0])


def test_a_finished_run_is_not_done_again(task, one_detector, tmp_path):
    first = task.run(one_detector, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.png")}
    listed = (tmp_path / "manifest.csv").read_bytes()
    again = task.run(one_detector, tmp_path)
    assert (again.written, again.skipped, again.failed) == ([], first.written, [])
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.png")} == before
    assert (tmp_path / "manifest.csv").read_bytes() == listed


def test_a_run_continues_where_another_stopped(task, one_detector, tmp_path):
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


def test_other_settings_do_not_mix_unless_asked(butler, task, one_detector, tmp_path):
    half = len(one_detector) // 2
    task.run(one_detector[:half], tmp_path)
    other = annotated(butler)
    plain = contents(tmp_path)
    with pytest.raises(CutoutsError, match=r"addMetadata was False, is True.*--overwrite"):
        other.run(one_detector, tmp_path)
    assert contents(tmp_path) == plain
    result = other.run(one_detector, tmp_path, append=True)
    assert (len(result.skipped), len(result.written)) == (half, len(one_detector) - half)
    assert len(manifest(tmp_path)) == len(one_detector)
    result = other.run(one_detector[1:], tmp_path, overwrite=True)
    assert len(result.written) == len(manifest(tmp_path)) == len(list(tmp_path.glob("*.png")))
    assert len(result.written) == len(one_detector) - 1


def test_a_bad_source_costs_only_itself(task, one_detector, tmp_path):
    bad = one_detector.iloc[:8].reset_index(drop=True).astype({"visit": "Int64"})
    bad.loc[0, "ra"] = np.nan
    bad.loc[1, "ra"] += 1.0
    bad.loc[2, "detector"] = 77
    bad.loc[3, "visit"] = pd.NA
    result = task.run(bad, tmp_path)
    assert result.written == sorted(bad["diaSourceId"][4:])
    reasons = {f.diaSourceId: f.reason for f in result.failed}
    assert set(reasons) == set(bad["diaSourceId"][:4])
    for row, word in enumerate(("position", "off", "77", "visit")):
        assert word in reasons[bad["diaSourceId"][row]]
    with open(tmp_path / "failures.csv", newline="") as stream:
        listed = {int(row["diaSourceId"]): row["reason"] for row in csv.DictReader(stream)}
    assert listed == reasons
    assert len(manifest(tmp_path)) == 4
    mended = task.run(one_detector.iloc[:8], tmp_path)
    assert mended.failed == []
    assert len(mended.written) == 4
    assert not (tmp_path / "failures.csv").exists()


def test_a_missing_image_costs_its_detector_and_names_it(demo, damaged_demo, sources, tmp_path):
    (victim,) = damaged_demo.glob("**/difference_image*0112*D01*.fits") or damaged_demo.glob(
        "**/difference_image/**/*0112*1*.fits"
    )
    victim.unlink()
    butler = Butler.from_config(damaged_demo, collections=demo.collection)
    result = ZooniverseCutoutsTask(butler=butler).run(sources, tmp_path / "out")
    lost = sources[(sources["visit"] == 2026011000112) & (sources["detector"] == 1)]
    assert {f.diaSourceId for f in result.failed} == set(lost["diaSourceId"])
    assert all("difference" in f.reason for f in result.failed)
    assert len(result.written) == len(sources) - len(lost) > 0


def test_a_repeated_identifier_is_used_once(task, one_detector, tmp_path, caplog):
    doubled = pd.concat([one_detector, one_detector.iloc[:3]])
    result = task.run(doubled, tmp_path)
    assert result.written == sorted(one_detector["diaSourceId"])
    assert "3 rows repeat a diaSourceId" in caplog.text


def test_hosted_pictures_have_urls_that_match_the_files(butler, one_detector, tmp_path):
    annotated(butler, urlRoot="https://host/pictures/").run(one_detector, tmp_path)
    for row in manifest(tmp_path):
        root, _, name = row["location:1"].rpartition("/")
        assert root == "https://host/pictures"
        assert (tmp_path / name).is_file()
        assert name == f"{row['external_id']}.png"


def test_chunks_put_each_picture_where_the_manifest_says(butler, one_detector, tmp_path):
    task = annotated(butler, chunkSize=4, urlRoot="https://host/pictures")
    result = task.run(one_detector, tmp_path)
    rows = manifest(tmp_path)
    assert len(rows) == len(result.written)
    for row in rows:
        path = tmp_path / row["location:1"].removeprefix("https://host/pictures/")
        assert path.is_file()
        assert len(list(path.parent.iterdir())) <= 4
    assert task.run(one_detector, tmp_path).written == []


def test_only_failures_are_tried_again_when_asked(task, one_detector, tmp_path):
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


def test_manifests_of_others_stay(butler, one_detector, tmp_path):
    whole, split = annotated(butler), annotated(butler, manifestRows=1)
    whole.run(one_detector[:2], tmp_path / "night")
    (tmp_path / "manifest-edited.csv").write_text("mine")
    split.run(one_detector[:2], tmp_path)
    whole.run(one_detector[:2], tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("manifest*.csv")}
    assert found == {"manifest.csv", "manifest-edited.csv", "night/manifest.csv"}


def test_citsci_lists_every_picture_beside_itself_whatever_the_folders(butler, one_detector, tmp_path):
    rows = one_detector.sort_values("diaSourceId")
    annotated(butler, manifestStyle="citsci").run(rows[::2], tmp_path)
    grouped = annotated(butler, manifestStyle="citsci", chunkSize=10**15)
    result = grouped.run(rows[1::2], tmp_path, append=True)
    assert len(result.manifests) == len(set(result.manifests)) > 1
    listed = set()
    for path in map(Path, result.manifests):
        listed |= {path.parent / row["filename"] for row in csv.DictReader(path.read_text().splitlines())}
    assert listed == set(tmp_path.rglob("*.png"))
    assert len(listed) == len(rows)


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
def test_who_interrupts_a_long_run_waits_for_no_list(task, sources, tmp_path, monkeypatch, limit, listed):
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


def test_another_manifest_needs_no_new_pictures(butler, one_detector, tmp_path):
    annotated(butler).run(one_detector, tmp_path)
    result = annotated(butler, manifestColumns=["!psfNdata"], manifestRows=5).run(one_detector, tmp_path)
    assert result.written == []
    assert len(result.manifests) == -(-len(one_detector) // 5)
    rows = [row for path in result.manifests for row in csv.DictReader(Path(path).read_text().splitlines())]
    expected = one_detector.sort_values("diaSourceId")["psfNdata"]
    assert [row["!psfNdata"] for row in rows] == [str(value) for value in expected]
    assert not (tmp_path / "manifest.csv").exists()


def test_columns_for_zooniverse_itself_pass_through(task, one_detector, tmp_path):
    gold = one_detector.iloc[:2].assign(**{"#training_subject": ["true", None]})
    task.run(pd.concat([gold, one_detector.iloc[2:3]]), tmp_path)
    assert [row["#training_subject"] for row in manifest(tmp_path)] == ["true", "null", "null"]


def test_a_report_says_what_was_asked_and_what_came_of_it(butler, one_detector, tmp_path):
    annotated(butler).run(one_detector, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["run"] == {"written": len(one_detector), "skipped": 0, "failed": 0}
    assert report["settings"]["addMetadata"] == "True"
    assert report["settings"]["differenceImageType"] == "'difference_image'"


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
def test_a_full_disk_is_one_clear_error_and_loses_nothing(butler, sources, small_disk, jobs):
    task = annotated(butler, sizes=[100])
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


def test_few_columns_are_enough(butler, one_detector, tmp_path):
    few = one_detector[["diaSourceId", "visit", "detector", "ra", "dec"]]
    result = annotated(butler).run(few, tmp_path)
    assert len(result.written) == len(few)


def test_several_sizes_make_a_taller_picture(butler, one_detector, tmp_path):
    plain = pixels(annotated(butler).render(one_detector.iloc[5]))
    tall = pixels(annotated(butler, sizes=[30, 60]).render(one_detector.iloc[5]))
    assert tall.shape[0] > plain.shape[0] + 150


def test_a_notebook_shows_the_bytes_of_the_file(task, one_detector, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    task.run(one_detector, tmp_path)
    for source in (one_detector.iloc[0], one_detector.iloc[0].to_dict(), one_detector.iloc[:1]):
        expected = (tmp_path / f"{one_detector['diaSourceId'].iloc[0]}.png").read_bytes()
        assert task.render(source) == expected
        task.show(source)
        assert shown.pop().data == expected


def test_a_figure_is_the_same_picture(task, one_detector):
    source = one_detector.iloc[0]
    stream = io.BytesIO()
    task.figure(source).savefig(stream, format="png")
    np.testing.assert_array_equal(pixels(stream.getvalue()), pixels(task.render(source)))


def test_images_can_be_given_by_hand(butler, task, one_detector):
    source = one_detector.iloc[0]
    data_id = {"instrument": "DemoCam", "visit": source["visit"], "detector": source["detector"]}
    images = {
        "template": butler.get("template_detector", data_id),
        "science": butler.get("preliminary_visit_image", data_id),
        "difference": butler.get("difference_image", data_id),
    }
    by_hand = ZooniverseCutoutsTask().render(source.to_dict() | {"instrument": "DemoCam"}, images)
    assert by_hand == task.render(source)


def test_the_task_pickles(butler, one_detector):
    task = annotated(butler, sizes=[30, 60])
    copy = pickle.loads(pickle.dumps(task))
    assert copy.config == task.config
    assert copy.render(one_detector.iloc[0]) == task.render(one_detector.iloc[0])


def test_what_cannot_be_done_is_said(task, one_detector, tmp_path):
    with pytest.raises(CutoutsError, match="no butler"):
        ZooniverseCutoutsTask().run(one_detector, tmp_path)
    with pytest.raises(CutoutsError, match="at least 1"):
        task.run(one_detector, tmp_path, jobs=0)
    with pytest.raises(CutoutsError, match="cannot be made"):
        task.run(one_detector, "/proc/nowhere")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sizes", []),
        ("sizes", [0]),
        ("sizes", [100_000]),
        ("colorMap", "no such map"),
        ("imageStretch", "cubic"),
        ("asinhA", 0.0),
        ("panelPixels", 60),
        ("urlRoot", "host/path"),
    ],
)
def test_impossible_configurations_are_refused(field, value):
    config = ZooniverseCutoutsConfig()

    def configure():
        config.update(**{field: value})
        config.validate()

    with pytest.raises(ValueError, match=field):
        configure()


def test_every_field_has_a_sentence():
    for name, field in ZooniverseCutoutsConfig._fields.items():
        assert field.doc.rstrip().endswith((".", "?")), name


def test_files_of_the_real_afw_become_pictures(afw_root, tmp_path):
    """The data come from RICE-compressed ExposureF; the look is that of the published tool's picture."""
    butler = Butler.from_config(afw_root, collections="LSSTCam/runs/rice")
    samples = json.loads((afw_root.parent / "samples.json").read_text())["sources"]
    catalogue = pd.DataFrame(samples).assign(visit=123456, detector=94)
    result = annotated(butler).run(catalogue, tmp_path)
    off = [s["diaSourceId"] for s in samples if s["kind"].startswith("off")]
    assert [f.diaSourceId for f in result.failed] == off
    assert len(result.written) == len(samples) - len(off)


def test_files_that_the_registry_names_but_are_not_there_fail_with_their_path(afw_root, tmp_path):
    butler = Butler.from_config(afw_root, collections="LSSTCam/runs/uncompressed")
    catalogue = pd.DataFrame(
        {"diaSourceId": [1], "visit": 123456, "detector": 94, "ra": 244.9, "dec": -45.04}
    )
    (failure,) = ZooniverseCutoutsTask(butler=butler).run(catalogue, tmp_path).failed
    assert "LSSTCam/runs/uncompressed" in failure.reason


def test_a_bad_source_that_nobody_thought_of_costs_only_itself(task, one_detector, tmp_path, monkeypatch):
    from lsst.analysis.ap.render import Renderer

    real = Renderer.render
    victim = int(one_detector["diaSourceId"].iloc[1])

    def render(self, triplets, row=None):
        if row["diaSourceId"] == victim:
            raise ZeroDivisionError("unheard of")
        return real(self, triplets, row)

    monkeypatch.setattr(Renderer, "render", render)
    result = task.run(one_detector, tmp_path)
    assert [(f.diaSourceId, "unheard of" in f.reason) for f in result.failed] == [(victim, True)]
    assert len(result.written) == len(one_detector) - 1


def test_footprints_decide_the_size_of_each_stamp(afw_root, tmp_path):
    """With afw's own record of the footprints."""
    boxes = json.loads((afw_root.parent / "footprint_boxes.json").read_text())
    samples = json.loads((afw_root.parent / "samples.json").read_text())["sources"]
    catalogue = pd.DataFrame(samples).assign(visit=123456, detector=94)
    butler = Butler.from_config(afw_root, collections="LSSTCam/runs/rice")
    config = ZooniverseCutoutsConfig()
    config.useFootprint = True
    config.footprintMinSize = 5
    result = ZooniverseCutoutsTask(config, butler=butler).run(catalogue, tmp_path)
    assert {str(i) for i in result.written} == set(boxes)
    sizes = {}
    for identifier, (x0, y0, x1, y1) in boxes.items():
        side = max(x1 - x0 + 1, y1 - y0 + 1, 5)
        width = Image.open(tmp_path / f"{identifier}.png").width
        assert width >= 3 * side * round(210 / side)
        sizes.setdefault(side, set()).add(width)
    assert len(sizes) > 2
    assert all(len(widths) == 1 for widths in sizes.values())


def test_without_footprints_the_catalogue_gives_their_size(butler, one_detector, tmp_path):
    config = ZooniverseCutoutsConfig()
    config.useFootprint = True
    task = ZooniverseCutoutsTask(config, butler=butler)
    known = one_detector.iloc[:4].assign(bboxSize=[10, 35, 35, 60])
    result = task.run(known, tmp_path)
    assert result.failed == []
    pictures = [Image.open(tmp_path / f"{i}.png").size for i in known["diaSourceId"]]
    assert pictures[1] == pictures[2] != pictures[3]
    with pytest.raises(CutoutsError, match="no column bboxSize"):
        task.run(one_detector.drop(columns="bboxSize"), tmp_path / "none")


def test_separate_panels_are_frames_of_the_subject(butler, one_detector, tmp_path):
    few = one_detector.iloc[:3]
    annotated(butler, addMetadata=False, separatePanels=True).run(few, tmp_path)
    names = ("filename", "template", "science", "difference")
    for row in manifest(tmp_path):
        files = [Image.open(tmp_path / row[name]) for name in names]
        assert len({image.size for image in files[1:]}) == 1
        assert files[0].width > 2 * files[1].width
    assert len(list(tmp_path.glob("*.png"))) == 12
    hosted = annotated(butler, addMetadata=False, separatePanels=True, urlRoot="https://host")
    hosted.run(few, tmp_path)
    row = manifest(tmp_path)[0]
    assert row["location:4"] == f"https://host/{row['external_id']}_difference.png"
    annotated(butler).run(few, tmp_path, overwrite=True)
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_every_choice_of_looks_is_a_field(butler):
    """Each field of the style is set by the field of the configuration that has its name in camel case."""
    values = {
        "sizes": [31, 60],
        "addMetadata": True,
        "imageStretch": "log",
        "imageInterval": "percentile",
        "asinhA": 0.5,
        "differenceStretch": "sqrt",
        "differenceInterval": "minmax",
        "percentile": 90.0,
        "limitsRegion": 11,
        "sharedLimits": True,
        "differenceSymmetric": True,
        "colorMap": "viridis",
        "differenceColorMap": "gray",
        "panelPixels": 100,
        "background": "dark",
        "orientation": "north-up",
        "compass": True,
        "centerMark": "ticks",
        "maskPlanes": ["SAT"],
        "footprint": True,
    }
    style = annotated(butler, **values).config.makeStyle()
    found = {}
    for field in dataclasses.fields(style):
        first, *others = field.name.split("_")
        value = getattr(style, field.name)
        found[first + "".join(map(str.title, others))] = list(value) if isinstance(value, tuple) else value
    assert found == values
