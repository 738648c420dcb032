import csv
import dataclasses
import io
import json
import pickle

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
from tests.reading import pixels

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsConfig, ZooniverseCutoutsTask


@pytest.fixture(scope="module")
def first_run(task, sources, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("plain")
    return outdir, task.run(sources, outdir)


def find(picture, part):
    """Return the row and column at which a part of a picture begins."""
    rows, width = [row.tobytes() for row in part], picture.shape[1]
    for y in range(picture.shape[0] - len(rows) + 1):
        line, start = picture[y].tobytes(), -1
        while (start := line.find(rows[0], start + 1)) >= 0:
            x = start // 3
            there = picture[y : y + len(rows), x : x + part.shape[1]]
            if start % 3 == 0 and x + part.shape[1] <= width and (there == part).all():
                return y, x
    return None


def test_each_source_has_a_picture_and_a_row_in_the_manifest(first_run, sources, manifest):
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


def test_scientific_columns_are_hidden_and_exact(first_run, sources, manifest):
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
        if checked == 5:
            break
        data_id = {"instrument": "DemoCam", "visit": source.visit, "detector": source.detector}
        science = butler.get("preliminary_visit_image", data_id)
        sky = SkyCoord(source.ra, source.dec, unit="deg")
        at = science.sky_projection.sky_to_pixel(sky)
        y, x = (int(np.floor(c - 15 + 1)) for c in (at.y - science.bbox.y.start, at.x - science.bbox.x.start))
        inside = y >= 0 and x >= 0 and y + 30 <= science.bbox.y.size and x + 30 <= science.bbox.x.size
        if not inside:
            continue
        checked += 1
        picture = pixels((first_run[0] / f"{source.diaSourceId}.png").read_bytes())
        previous = 0
        for name, interval, stretch in (
            ("template_detector", MinMaxInterval(), AsinhStretch(0.1)),
            ("preliminary_visit_image", MinMaxInterval(), AsinhStretch(0.1)),
            ("difference_image", ZScaleInterval(), LinearStretch()),
        ):
            image = butler.get(name, data_id)
            # A template is wider than the detector.
            dy, dx = (
                a.start - b.start for a, b in ((science.bbox.y, image.bbox.y), (science.bbox.x, image.bbox.x))
            )
            stamp = image.image.array[y + dy : y + dy + 30, x + dx : x + dx + 30]
            if not np.isfinite(stamp).all():
                continue
            scaled = ImageNormalize(stamp, interval=interval, stretch=stretch, clip=True)(stamp)
            colors = (bone(scaled, bytes=True)[::-1, :, :3]).repeat(7, axis=0).repeat(7, axis=1)
            place = find(picture, colors[:150])  # the scale bar covers some of the rest
            assert place is not None, name
            assert place[1] >= previous
            previous = place[1] + 210
    assert checked == 5


def test_any_kind_of_catalogue_gives_the_same_files(task, one_detector, first_run, tmp_path, contents):
    kinds = {
        "astropy": astropy.table.Table.from_pandas(one_detector),
        "arrow": pa.Table.from_pandas(one_detector, preserve_index=False),
        "shuffled": one_detector.sample(frac=1, random_state=3),
        "batches": (one_detector.iloc[n : n + 3] for n in range(0, len(one_detector), 3)),
    }
    task.run(one_detector, tmp_path / "pandas")
    expected = contents(tmp_path / "pandas")
    assert len(expected) == len(one_detector) + len({"manifest.csv", "config.py"})
    for name, catalogue in kinds.items():
        task.run(catalogue, tmp_path / name)
        assert contents(tmp_path / name) == expected, name


def test_processes_change_nothing_but_the_time(task, sources, first_run, tmp_path, contents):
    result = task.run(sources, tmp_path, jobs=2)
    assert result.written == first_run[1].written
    assert contents(tmp_path) == contents(first_run[0])


def test_a_bad_source_costs_only_itself(task, one_detector, tmp_path, manifest):
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


def test_a_missing_image_costs_its_detector_and_names_it(demo, repo, sources, tmp_path):
    (victim,) = repo.glob("**/difference_image*0112*D01*.fits") or repo.glob(
        "**/difference_image/**/*0112*1*.fits"
    )
    victim.unlink()
    butler = Butler.from_config(repo, collections=demo.collection)
    result = ZooniverseCutoutsTask(butler=butler).run(sources, tmp_path / "out")
    lost = sources[(sources["visit"] == 2026011000112) & (sources["detector"] == 1)]
    assert {f.diaSourceId for f in result.failed} == set(lost["diaSourceId"])
    assert all("difference" in f.reason for f in result.failed)
    assert len(result.written) == len(sources) - len(lost) > 0


def test_few_columns_are_enough(one_detector, tmp_path, annotated):
    few = one_detector[["diaSourceId", "visit", "detector", "ra", "dec"]]
    result = annotated().run(few, tmp_path)
    assert len(result.written) == len(few)


def test_several_sizes_make_a_taller_picture(one_detector, tmp_path, annotated):
    plain = pixels(annotated().render(one_detector.iloc[5]))
    tall = pixels(annotated(sizes=[30, 60]).render(one_detector.iloc[5]))
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


def test_the_task_pickles(one_detector, annotated):
    task = annotated(sizes=[30, 60])
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
    with pytest.raises(CutoutsError, match="output directory is a DataFrame"):
        task.run(str(tmp_path), one_detector)
    with pytest.raises(CutoutsError, match=r"butler is a path, demo/repo: give Butler\("):
        ZooniverseCutoutsTask(butler="demo/repo")
    with pytest.raises(CutoutsError, match="no DiaSource to show"):
        task.show(one_detector[:0])
    result = task.run(one_detector[:0], tmp_path)
    assert not result.uploads  # of no pictures


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sizes", []),
        ("sizes", [0]),
        ("sizes", [100_000]),
        ("colorMap", "no such map"),
        ("orientation", None),
        ("centerMark", None),
        ("imageStretch", "cubic"),
        ("asinhA", 0.0),
        ("panelPixels", 9),
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


def test_files_of_the_real_afw_become_pictures(afw_root, tmp_path, annotated):
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


def test_subjects_consist_of_the_frames_that_are_asked_for(one_detector, tmp_path, annotated, manifest):
    few = one_detector.iloc[:3]
    flipbook = {"addMetadata": False, "subjectFrames": ["template", "science"]}
    annotated(**flipbook).run(few, tmp_path)
    for row in manifest(tmp_path):
        identifier = row["diaSourceId"]
        frames = [row["filename"], row["filename_2"]]
        assert frames == [f"{identifier}_template.png", f"{identifier}_science.png"]
        assert len({Image.open(tmp_path / name).size for name in frames}) == 1
    assert len(list(tmp_path.glob("*.png"))) == 12
    annotated(**flipbook, urlRoot="https://host").run(few, tmp_path)
    row = manifest(tmp_path)[0]
    assert row["location:2"] == f"https://host/{row['external_id']}_science.png"
    assert "location:3" not in row
    annotated(addMetadata=False, separatePanels=True).run(few, tmp_path)  # the same files, another list
    assert [name for name in manifest(tmp_path)[0] if name.startswith("filename")] == ["filename"]
    annotated().run(few, tmp_path, overwrite=True)
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_every_choice_of_looks_is_a_field(annotated):
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
        "differenceLimitsRegion": 7,
        "imageLimits": [-1.0, 2.0],
        "differenceLimits": [-3.0, 4.0],
        "colorBar": True,
        "sharedLimits": True,
        "differenceSymmetric": True,
        "colorMap": "viridis",
        "differenceColorMap": "gray",
        "panelPixels": 100,
        "background": "dark",
        "orientation": "nearest-north",
        "compass": True,
        "centerMark": "ticks",
        "maskPlanes": ["SAT"],
        "footprint": True,
    }
    style = annotated(**values).config.makeStyle()
    found = {}
    for field in dataclasses.fields(style):
        first, *others = field.name.split("_")
        value = getattr(style, field.name)
        found[first + "".join(map(str.title, others))] = list(value) if isinstance(value, tuple) else value
    assert found == values


def test_a_misspelt_field_is_named_with_the_one_that_was_meant(demo):
    with pytest.raises(CutoutsError, match=r"no field 'size'\. Did you mean sizes\?"):
        ZooniverseCutoutsTask.from_repository(str(demo.repo), demo.collection, size=[30])
