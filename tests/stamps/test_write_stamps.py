import csv
import functools
import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress

import astropy.table
import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from lsst.daf.butler import Butler

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsConfig, ZooniverseCutoutsTask
from lsst.analysis.ap.cli.cutouts import main
from lsst.analysis.ap.sources import Selection, SqlApdb

SIZE = 51

pytestmark = pytest.mark.filterwarnings("ignore:Column .* contains NULL")  # astropy on logical nulls
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
    return {name: content for name, content in contents(folder).items() if name.startswith("stamps")}


def manifest_ids(folder):
    with open(folder / "manifest.csv", newline="") as stream:
        return [int(row["diaSourceId"]) for row in csv.DictReader(stream)]


@functools.cache
def whole_images(butler, visit, detector):
    data_id = {"instrument": "DemoCam", "visit": visit, "detector": detector}
    return [butler.get(name, data_id) for name in IMAGES]


def full_image_slices(butler, row, size):
    """Return the stamps of a source from whole images, and their PARENT corner."""
    planes = np.full((3, size, size), np.nan, dtype=np.float32)
    for plane, image in zip(planes, whole_images(butler, row["visit"], row["detector"]), strict=True):
        at = image.sky_projection.sky_to_pixel(SkyCoord(row["ra"], row["dec"], unit="deg"))
        x, y = (int(np.floor(center - size / 2 + 1)) for center in (at.x, at.y))
        wide = np.pad(image.image.array.astype(np.float32), size, constant_values=np.nan)
        row_start, column_start = y - image.bbox.y.start + size, x - image.bbox.x.start + size
        plane[:] = wide[row_start : row_start + size, column_start : column_start + size]
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


def test_every_format_has_the_same_pixels(butler, sources, whole, tmp_path):
    expected = np.load(whole[0] / "stamps.npy")
    readers = {
        "parquet": lambda f: (
            pq.read_table(f / "stamps.parquet")["stamps"].combine_chunks().to_numpy_ndarray()
        ),
        "fits": lambda f: np.asarray(astropy.table.Table.read(f / "stamps.fits")["stamps"]),
        "zarr": lambda f: zarr.open_group(f / "stamps.zarr", mode="r")["stamps"][:],
    }
    for form, read in readers.items():
        make_task(butler, form).run(sources, tmp_path)  # takes over from the format before
        np.testing.assert_array_equal(read(tmp_path), expected)
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
    assert result.written == sorted(sources.column("diaSourceId").to_pylist()[5:])
    result = make_task(butler, "npy").run(sources, tmp_path)
    assert result.written == sorted(sources.column("diaSourceId").to_pylist()[:5])
    assert stamps_alone(tmp_path) == stamps_alone(whole[0])
    again = make_task(butler, "npy").run(sources, tmp_path)
    assert again.written == []
    assert len(again.stamps) == 2


def test_failed_sources_have_no_stamps(butler, sources, tmp_path):
    bad = sources.to_pandas()
    bad.loc[3, "ra"] += 1.0
    result = make_task(butler, "npy").run(bad, tmp_path)
    assert [failure.diaSourceId for failure in result.failed] == [bad["diaSourceId"][3]]
    rows = pq.read_table(tmp_path / "stamps_catalogue.parquet")
    assert rows["diaSourceId"].to_pylist() == manifest_ids(tmp_path)
    assert len(np.load(tmp_path / "stamps.npy")) == len(bad) - 1


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
    assert make_task(butler, "npy").run(sources.slice(0, 4), tmp_path).skipped == first.written
    with pytest.raises(CutoutsError, match="made with other settings"):
        make_task(butler, "none", sizes=[30]).run(sources, tmp_path)


def test_overwrite_starts_anew(butler, sources, tmp_path):
    make_task(butler, "npy").run(sources.slice(0, 10), tmp_path)
    with pytest.raises(CutoutsError, match="stamps of 51 pixels, and sizes is now 30"):
        make_task(butler, "npy", sizes=[30]).run(sources, tmp_path, append=True)
    make_task(butler, "npy", sizes=[30]).run(sources.slice(3, 4), tmp_path, overwrite=True)
    assert np.load(tmp_path / "stamps.npy").shape == (4, 3, 30, 30)
    make_task(butler, "none").run(sources.slice(3, 4), tmp_path, overwrite=True)
    assert stamps_alone(tmp_path) == {}
    assert not (tmp_path / ".stamps").exists()


def test_footprints_and_arrays_exclude_each_other():
    config = ZooniverseCutoutsConfig()
    config.update(writeStamps="npy", useFootprint=True)
    with pytest.raises(ValueError, match=r"writeStamps.*one size"):
        config.validate()


def test_the_training_set_of_a_classifier_takes_one_command(demo, whole, tmp_path):
    words = ["--sqlitefile", str(demo.apdb), "--collections", demo.collection, "--quiet"]
    words += ["-c", f"sizes={SIZE}", "-c", "writeStamps=npy", str(demo.repo), str(tmp_path)]
    assert main(words) == 0
    assert stamps_alone(tmp_path) == stamps_alone(whole[0])


def run_it(demo, outdir):
    os.setsid()  # so that all its processes can be killed together
    butler = Butler.from_config(demo.repo, collections=demo.collection)
    make_task(butler, "npy").run(read_sources(demo.apdb), outdir, jobs=1)


def test_killed_at_random_moments_the_next_run_completes_it(demo, whole, butler, sources, tmp_path):
    """The moments begin when the first picture is there and go on past the last."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["lsst.analysis.ap.zooniverseCutouts", "lsst.daf.butler", "zarr"])
    random_moments = random.Random(11)
    kills = 0
    for number, moment in enumerate([0.0, *(random_moments.uniform(0.0, 0.7) for _ in range(2))]):
        outdir = tmp_path / str(number)
        child = server.Process(target=run_it, args=(demo, outdir))
        child.start()
        while child.is_alive() and not list(outdir.glob("*.png")):
            time.sleep(0.002)
        child.join(moment)
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL)
        kills += child.exitcode == -signal.SIGKILL
        make_task(butler, "npy").run(sources, outdir)
        assert stamps_alone(outdir) == stamps_alone(whole[0])
        assert {n for n in os.listdir(outdir) if n.endswith(".png")} == {
            n for n in os.listdir(whole[0]) if n.endswith(".png")
        }
    assert kills
