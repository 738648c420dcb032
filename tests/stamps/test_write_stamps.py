"""Stamps of whole runs, compared with the images that they were cut from."""

import dataclasses
import functools
import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from lsst.daf.butler import Butler
from tests.reading import listed as manifest_ids
from tests.reading import manifest
from tests.stamps.helpers import ids_of, read

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsConfig, ZooniverseCutoutsTask
from lsst.analysis.ap.cli.cutouts import main
from lsst.analysis.ap.sources import Selection, SqlApdb

SIZE = 51
IMAGES = ("template_detector", "preliminary_visit_image", "difference_image")


@pytest.fixture(scope="module")
def sources(demo):
    return read_sources(demo.apdb)


@pytest.fixture(scope="module")
def whole(butler, sources, tmp_path_factory):
    """A run that nothing disturbed."""
    outdir = tmp_path_factory.mktemp("whole")
    return outdir, make_task(butler, "npy").run(sources, outdir)


def read_sources(apdb):
    (table,) = SqlApdb.from_sqlite(apdb).read(Selection())
    return table


def make_task(butler, form, **fields):
    config = ZooniverseCutoutsConfig()
    config.update(**{"sizes": [SIZE], "writeStamps": form} | fields)
    return ZooniverseCutoutsTask(config, butler=butler)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name[0] != "."}


def stamps_alone(folder):
    return {n: content for n, content in contents(folder).items() if n.startswith(("stamps", "README"))}


@functools.cache
def whole_images(butler, visit, detector):
    data_id = {"instrument": "DemoCam", "visit": visit, "detector": detector}
    return [butler.get(name, data_id) for name in IMAGES]


def full_image_slices(butler, row, size, plane="image", outside=np.nan):
    """Return the stamps of a source from whole images, and their PARENT corner."""
    planes = np.full((3, size, size), outside, dtype=np.float32)
    for stamp, image in zip(planes, whole_images(butler, row["visit"], row["detector"]), strict=True):
        at = image.sky_projection.sky_to_pixel(SkyCoord(row["ra"], row["dec"], unit="deg"))
        x, y = (int(np.floor(center - size / 2 + 1)) for center in (at.x, at.y))
        pixels = getattr(image, plane).array.astype(np.float32)
        wide = np.pad(pixels, size, constant_values=outside)
        row_start, column_start = y - image.bbox.y.start + size, x - image.bbox.x.start + size
        stamp[:] = wide[row_start : row_start + size, column_start : column_start + size]
    return planes, (x, y)


def test_arrays_are_slices_of_the_images_in_the_order_of_the_manifest(butler, whole):
    outdir, result = whole
    stamps = np.load(outdir / "stamps.npy", mmap_mode="r")
    rows = pq.read_table(outdir / "stamps_catalogue.parquet").to_pylist()
    assert result.stamps == [str(outdir / "stamps.npy"), str(outdir / "stamps_catalogue.parquet")]
    assert (stamps.shape, stamps.dtype) == ((len(result.written), 3, SIZE, SIZE), np.float32)
    assert [row["diaSourceId"] for row in rows] == manifest_ids(outdir)
    assert np.isnan(stamps).any()
    for stamp, row in zip(stamps, rows, strict=True):
        expected, corner = full_image_slices(butler, row, SIZE)
        np.testing.assert_array_equal(stamp, expected)
        assert (row["x0"], row["y0"]) == corner


def test_the_order_of_meas_transinet_is_that_classifiers_input(butler, sources, tmp_path):
    """Difference, science, template; no data, in the image and off it, is 0: bit for bit."""
    make_task(butler, "npy", stampsOrder="meas_transiNet", pictures=False).run(sources, tmp_path)
    stamps = np.load(tmp_path / "stamps.npy")
    rows = pq.read_table(tmp_path / "stamps_catalogue.parquet").to_pylist()
    padded = 0
    for stamp, row in zip(stamps, rows, strict=True):
        (template, science, difference), _ = full_image_slices(butler, row, SIZE, outside=0.0)
        prepared = np.stack([np.nan_to_num(image) for image in (difference, science, template)])
        assert stamp.tobytes() == prepared.tobytes()
        padded += not prepared.all()
    assert padded


def test_without_pictures_all_else_is_the_same(butler, sources, whole, tmp_path):
    result = make_task(butler, "npy", pictures=False).run(sources, tmp_path)
    assert list(result.written) == list(whole[1].written)
    assert list(tmp_path.rglob("*.png")) == []
    assert stamps_alone(tmp_path) == stamps_alone(whole[0])
    expected = [{k: v for k, v in row.items() if k != "filename"} for row in manifest(whole[0])]
    assert manifest(tmp_path) == expected
    again = make_task(butler, "npy").run(sources, tmp_path, pictures=False)
    assert (len(again.written), len(again.skipped)) == (0, len(result.written))


def test_pictures_can_be_wanted_later_and_stay(butler, sources, whole, tmp_path):
    make_task(butler, "npy", pictures=False).run(sources.slice(3), tmp_path)
    result = make_task(butler, "npy").run(sources.slice(0, 10), tmp_path)
    assert sorted(result.written) == sorted(sources.column("diaSourceId").to_pylist()[:10])
    assert sorted(manifest_ids(tmp_path)) == sorted(result.written)  # a row for each file
    assert stamps_alone(tmp_path) == stamps_alone(whole[0])
    make_task(butler, "npy").run(sources, tmp_path)
    expected = contents(whole[0])
    assert {n: c for n, c in contents(tmp_path).items() if n != "report.json"} == {
        n: c for n, c in expected.items() if n != "report.json"
    }
    # Stamps of other planes are read again, and leave the pictures alone.
    make_task(butler, "npy", stampsPlanes=["variance"]).run(sources, tmp_path, pictures=False)
    make_task(butler, "npy").run(sources, tmp_path)
    assert contents(tmp_path)["manifest.csv"] == expected["manifest.csv"]
    make_task(butler, "npy", pictures=False).run(sources.slice(0, 4), tmp_path, overwrite=True)
    assert list(tmp_path.glob("*.png")) == []


@pytest.mark.parametrize(("style", "columns"), [("citsci", []), ("hosted", ["external_id"])])
def test_a_list_without_pictures_names_no_file(style, columns, butler, sources, tmp_path):
    root = "https://host/pictures" if style == "hosted" else None
    task = make_task(butler, "npy", pictures=False, manifestStyle=style, urlRoot=root)
    task.run(sources.slice(0, 2), tmp_path)
    rows = manifest(tmp_path)
    named = [name for name in rows[0] if name.startswith(("filename", "location", "external_id"))]
    assert named == columns
    assert len(rows) == 2


def test_planes_are_those_of_the_images(butler, sources, tmp_path):
    few = sources.slice(0, 6)
    make_task(butler, "npy", pictures=False, stampsPlanes=["psf", "mask", "variance"]).run(few, tmp_path)
    rows = pq.read_table(tmp_path / "stamps_catalogue.parquet")
    constants = rows.schema.metadata[b"stamps"]
    assert b'"BUNIT": "nJy"' in constants
    found = {plane: np.load(tmp_path / f"stamps_{plane}.npy") for plane in ("mask", "variance", "psf")}
    import json

    bits = json.loads(json.loads(constants)["MASK"])
    for number, row in enumerate(rows.to_pylist()):
        expected, corner = full_image_slices(butler, row, SIZE, "variance")
        np.testing.assert_array_equal(found["variance"][number], expected)
        for plane, image in enumerate(whole_images(butler, row["visit"], row["detector"])):
            psf = image.psf.compute_kernel_image(x=corner[0] + 25.0, y=corner[1] + 25.0).array
            border = (SIZE - len(psf)) // 2
            np.testing.assert_allclose(found["psf"][number, plane].sum(), psf.sum(), rtol=1e-3)
            inner = found["psf"][number, plane][border : SIZE - border, border : SIZE - border]
            np.testing.assert_allclose(inner, psf, atol=1e-3 * psf.max())
            names = {p.name: p for p in image.mask.schema if p is not None}
            for name in set(names) & set(bits):
                whole_plane = image.mask.get(name)
                y, x = corner[1] - image.bbox.y.start, corner[0] - image.bbox.x.start
                if min(x, y) < 0 or y + SIZE > whole_plane.shape[0] or x + SIZE > whole_plane.shape[1]:
                    continue
                bit = found["mask"][number, plane] >> bits[name] & 1
                np.testing.assert_array_equal(bit, whole_plane[y : y + SIZE, x : x + SIZE])


def test_footprints_and_stamps_of_one_size_go_together(butler, sources, whole, tmp_path):
    """The pictures are as large as footprints, the stamps have the pixels of their size."""
    result = make_task(butler, "npy", useFootprint=True).run(sources, tmp_path)
    assert list(result.failed) == []
    expected, found = stamps_alone(whole[0]), stamps_alone(tmp_path)
    assert found["stamps.npy"] == expected["stamps.npy"]
    name = f"{sources.column('diaSourceId')[0]}.png"
    assert contents(tmp_path)[name] != contents(whole[0])[name]


def test_catalogue_has_every_column_and_null(sources, whole):
    rows = pq.read_table(whole[0] / "stamps_catalogue.parquet")
    by_id = {row["diaSourceId"]: row for row in sources.to_pylist()}
    assert set(sources.column_names) < set(rows.column_names)
    assert sum(sources.column(name).null_count for name in sources.column_names) > 0
    for row in rows.select(sources.column_names).to_pylist():
        expected = by_id[row["diaSourceId"]]
        for name, value in row.items():
            assert value == expected[name] or (value != value and expected[name] != expected[name]), name


def test_wcs_of_a_stamp_is_that_of_the_image(butler, whole):
    for row in pq.read_table(whole[0] / "stamps_catalogue.parquet").to_pylist()[::7]:
        names = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")
        local = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"} | {name: row[name] for name in names})
        projection = whole_images(butler, row["visit"], row["detector"])[1].sky_projection
        for x, y in ((0, 0), (SIZE - 1, 0), (20, SIZE - 1)):
            expected = projection.pixel_to_sky(x=float(x + row["x0"]), y=float(y + row["y0"]))
            assert local.pixel_to_world(x, y).separation(expected).arcsec < 0.02


@pytest.mark.parametrize("form", ["parquet", "zarr"])
def test_every_format_has_the_same_pixels(form, butler, sources, whole, tmp_path):
    expected = np.load(whole[0] / "stamps.npy")
    make_task(butler, "npy", pictures=False).run(sources, tmp_path)
    make_task(butler, form, pictures=False).run(sources, tmp_path)  # from what is there
    np.testing.assert_array_equal(read(tmp_path, form, (SIZE,))[0][SIZE], expected)
    (path,) = tmp_path.glob("stamps*")
    assert path.name == f"stamps.{form}"


def test_processes_and_order_of_rows_change_nothing(butler, sources, whole, tmp_path):
    shuffled = sources.take(np.random.default_rng(2).permutation(len(sources)))
    make_task(butler, "npy").run((shuffled.slice(n, 5) for n in range(0, len(shuffled), 5)), tmp_path, jobs=2)
    assert contents(tmp_path) == contents(whole[0]) | {"report.json": contents(tmp_path)["report.json"]}


def test_stamps_can_be_wanted_later(butler, sources, whole, tmp_path):
    make_task(butler, "none").run(sources, tmp_path)
    assert stamps_alone(tmp_path) == {}
    result = make_task(butler, "npy").run(sources.slice(5), tmp_path)
    assert list(result.written) == sorted(sources.column("diaSourceId").to_pylist()[5:])
    result = make_task(butler, "npy").run(sources, tmp_path)
    assert list(result.written) == sorted(sources.column("diaSourceId").to_pylist()[:5])
    assert stamps_alone(tmp_path) == stamps_alone(whole[0])
    again = make_task(butler, "npy").run(sources, tmp_path)
    assert list(again.written) == []
    assert len(again.stamps) == 2


def test_failed_sources_have_no_stamps(butler, sources, tmp_path):
    bad = sources.slice(0, 8).to_pandas()
    bad.loc[3, "ra"] += 1.0
    result = make_task(butler, "npy", pictures=False).run(bad, tmp_path)
    assert [failure.diaSourceId for failure in result.failed] == [bad["diaSourceId"][3]]
    rows = pq.read_table(tmp_path / "stamps_catalogue.parquet")
    assert rows["diaSourceId"].to_pylist() == manifest_ids(tmp_path)
    assert len(np.load(tmp_path / "stamps.npy")) == 7


def test_a_picture_that_cannot_be_made_again_for_its_stamps_stays(butler, sources, tmp_path):
    make_task(butler, "none").run(sources.slice(0, 4), tmp_path)
    bad = sources.slice(0, 4).to_pandas()
    bad.loc[3, "ra"] += 1.0
    result = make_task(butler, "npy").run(bad, tmp_path)
    assert [failure.diaSourceId for failure in result.failed] == [bad["diaSourceId"][3]]
    assert len(manifest_ids(tmp_path)) == len(list(tmp_path.glob("*.png"))) == 4
    assert len(np.load(tmp_path / "stamps.npy")) == 3
    (tmp_path / f"{bad['diaSourceId'][3]}.png").unlink()
    make_task(butler, "npy").run(bad, tmp_path)
    assert len(manifest_ids(tmp_path)) == 3


def test_refused_sizes_leave_the_directory_as_it_was(butler, sources, tmp_path):
    first = make_task(butler, "npy").run(sources.slice(0, 4), tmp_path)
    with pytest.raises(CutoutsError, match="sizes is now 30"):
        make_task(butler, "npy", sizes=[30]).run(sources, tmp_path, append=True)
    again = make_task(butler, "npy").run(sources.slice(0, 4), tmp_path)
    assert list(again.skipped) == list(first.written)
    with pytest.raises(CutoutsError, match="made with other settings"):
        make_task(butler, "none", sizes=[30]).run(sources, tmp_path)


def test_overwrite_starts_anew(butler, sources, tmp_path):
    make_task(butler, "npy").run(sources.slice(0, 10), tmp_path)
    make_task(butler, "npy", sizes=[30]).run(sources.slice(3, 4), tmp_path, overwrite=True)
    assert np.load(tmp_path / "stamps.npy").shape == (4, 3, 30, 30)
    make_task(butler, "none").run(sources.slice(3, 4), tmp_path, overwrite=True)
    assert stamps_alone(tmp_path) == {}
    assert not (tmp_path / ".stamps").exists()


def test_images_of_other_units_are_refused(butler, sources, tmp_path, monkeypatch):
    from lsst.analysis.ap.images import TripletReader

    reader = TripletReader.read

    def in_adu(self, data_id, *positions):
        found = reader(self, data_id, *positions)
        if data_id.detector == 0:
            return found
        adu = {"unit": "adu"}
        return [
            tuple(
                dataclasses.replace(
                    t,
                    **{
                        r: dataclasses.replace(getattr(t, r), **adu)
                        for r in ("template", "science", "difference")
                    },
                )
                for t in of_source
            )
            for of_source in found
        ]

    monkeypatch.setattr(TripletReader, "read", in_adu)
    with pytest.raises(CutoutsError, match=r"different units \(adu: \d+ sources; nJy: \d+ sources\)"):
        make_task(butler, "npy", pictures=False).run(sources, tmp_path)
    make_task(butler, "npy", pictures=False, stampsUnit="nJy").run(sources, tmp_path)
    rows = pq.read_table(tmp_path / "stamps_catalogue.parquet")
    assert set(rows["detector"].to_pylist()) == {0}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stampsOrder": "science,template"}, "name template, science, difference in the order"),
        ({"writeStamps": "none", "pictures": False}, "nothing is left"),
        ({"stampsSplit": [0.5, 0.6]}, "3 shares whose sum is 1"),
        ({"stampsSplit": [0.5, 0.6, 0.1]}, "3 shares whose sum is 1"),
        ({"stampsShard": 10}, "npy is one array"),
        ({"stampsPlanes": ["weight"]}, "stampsPlanes"),
        ({"writeStamps": "fits"}, "not allowed"),
    ],
)
def test_impossible_choices_are_refused(fields, words):
    def make():
        config = ZooniverseCutoutsConfig()
        config.update(**{"writeStamps": "npy"} | fields)
        config.validate()

    with pytest.raises(Exception, match=words):
        make()


def test_the_task_without_pictures_and_stamps_is_refused(butler, sources, tmp_path):
    with pytest.raises(CutoutsError, match="nothing is left: set writeStamps"):
        make_task(butler, "none").run(sources, tmp_path, pictures=False)
    assert list(tmp_path.iterdir()) == []


def test_the_training_set_of_a_classifier_takes_one_command(demo, whole, tmp_path):
    words = ["--sqlitefile", str(demo.apdb), "--collections", demo.collection, "--quiet", "--no-pictures"]
    words += ["-c", f"sizes={SIZE}", "-c", "writeStamps=npy", str(demo.repo), str(tmp_path)]
    assert main(words) == 0
    assert list(tmp_path.glob("*.png")) == []
    expected = {name: c for name, c in stamps_alone(whole[0]).items() if name.startswith("stamps")}
    assert {name: c for name, c in stamps_alone(tmp_path).items() if name != "README.md"} == expected
    assert "Selection: " in (tmp_path / "README.md").read_text()


def run_it(demo, outdir, pictures):
    os.setsid()  # so that all its processes can be killed together
    butler = Butler.from_config(demo.repo, collections=demo.collection)
    make_task(butler, "npy").run(read_sources(demo.apdb), outdir, jobs=1, pictures=pictures)


def test_killed_at_random_moments_the_next_run_completes_it(demo, whole, butler, sources, tmp_path):
    """The moments begin when the first stamps are there and go on past the last."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["lsst.analysis.ap.zooniverseCutouts", "lsst.daf.butler", "zarr"])
    random_moments = random.Random(11)
    kills = 0
    for number, moment in enumerate([0.0, *(random_moments.uniform(0.0, 0.7) for _ in range(2))]):
        outdir, pictures = tmp_path / str(number), number != 1
        child = server.Process(target=run_it, args=(demo, outdir, pictures))
        child.start()
        while child.is_alive() and not list(outdir.glob(".stamps/parts/*/*.arrow")):
            time.sleep(0.002)
        child.join(moment)
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL)
        kills += child.exitcode == -signal.SIGKILL
        make_task(butler, "npy").run(sources, outdir, pictures=pictures)
        assert stamps_alone(outdir) == stamps_alone(whole[0])
        there = {n for n in os.listdir(outdir) if n.endswith(".png")}
        assert there == ({n for n in os.listdir(whole[0]) if n.endswith(".png")} if pictures else set())
    assert kills


def test_identifiers_stay_whole(butler, sources, tmp_path):
    rows = sources.slice(0, 4)
    null = pa.array([2**62 + 1, None, 2**62 + 3, 0], pa.int64())
    rows = rows.set_column(rows.column_names.index("ssObjectId"), "ssObjectId", null)
    make_task(butler, "npy", pictures=False).run(rows, tmp_path)
    import pandas as pd

    frame = pd.read_parquet(tmp_path / "stamps_catalogue.parquet").set_index("diaSourceId")
    for identifier, expected in zip(rows["diaSourceId"].to_pylist(), null.to_pylist(), strict=True):
        found = frame.loc[identifier, "ssObjectId"]
        assert (None if pd.isna(found) else found) == expected
    assert ids_of(pq.read_table(tmp_path / "stamps_catalogue.parquet"))
