import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import astropy.table
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from astropy.io import fits
from astropy.wcs import WCS

from lsst.analysis.ap.domain import Box, CutoutsError, Stamp, Triplet
from lsst.analysis.ap.output import OutputDirectory
from lsst.analysis.ap.stamps import FORMATS, StampFiles, stamp_table

SIZES = (5, 8)

pytestmark = pytest.mark.filterwarnings("ignore:Column .* contains NULL")  # astropy on logical nulls


def triplet(identifier, size):
    """Return stamps that nobody else has, with a hole."""
    random_numbers = np.random.default_rng([identifier, size])
    box = Box.from_center(100.25 + identifier, 40.5, size)
    planes = random_numbers.normal(size=(3, size, size)).astype(np.float32)
    planes[1, 0, :2] = np.nan
    jacobian = np.array([[-0.1, 0.17], [0.17, 0.1]])
    position = (100.25 + identifier, 40.5)
    return Triplet(*(Stamp(plane, box) for plane in planes), sky_jacobian=jacobian, position=position)


def pixels(identifiers, size):
    return np.array([[s.array for s in triplet(i, size).stamps] for i in identifiers])


def catalogue(identifiers):
    """Return rows with every kind of value, each sometimes null."""
    n = np.array(identifiers)

    def column(values, kind):
        return pa.array([None if i % 3 == 0 else v for i, v in zip(n.tolist(), values, strict=True)], kind)

    return pa.table(
        {
            "diaSourceId": pa.array(n, pa.int64()),
            "ra": pa.array(10.0 + n / 1000),
            "dec": pa.array(-20.0 - n / 1000),
            "visit": pa.array(n // 10, pa.int64()),
            "flux": column((n / 7).tolist(), pa.float32()),
            "diaObjectId": column([2**62 + int(i) for i in n], pa.int64()),
            "unsigned": column([2**63 + int(i) for i in n], pa.uint64()),
            "byte": column([int(i) % 256 for i in n], pa.uint8()),
            "isDipole": column([bool(i % 2) for i in n], pa.bool_()),
            "band": column(["x" * (int(i) % 4) + "é" for i in n], pa.string()),
            "time": column([int(i) for i in n], pa.timestamp("ms")),
            "history": column([[int(i), 1] for i in n], pa.list_(pa.int32())),
        }
    )


def spill(stamps, identifiers, sizes=SIZES, rows=None):
    rows = catalogue(identifiers) if rows is None else rows
    stamps.writer.write(stamp_table(sizes, rows, [[triplet(i, size) for size in sizes] for i in identifiers]))


def run(outdir, form, batches, order, sizes=SIZES):
    with StampFiles(OutputDirectory(outdir), form, sizes) as stamps:
        stamps.begin()
        for batch in batches:
            spill(stamps, batch, sizes)
        return stamps.assemble(order, [].append)


def digests(outdir):
    """Return what a reader sees in a directory."""
    return {
        str(path.relative_to(outdir)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in outdir.rglob("*")
        if path.is_file() and ".stamps" not in path.parts
    }


def read(outdir, form, sizes=SIZES):
    """Return pixels and catalogue, read without any code of the package."""
    names = {size: "stamps" if len(sizes) == 1 else f"stamps_{size}" for size in sizes}
    if form == "npy":
        arrays = {size: np.load(outdir / f"{name}.npy", mmap_mode="r") for size, name in names.items()}
        return arrays, pq.read_table(outdir / "stamps_catalogue.parquet")
    if form == "parquet":
        table = pq.read_table(outdir / "stamps.parquet")
        arrays = {
            size: table.column(name).combine_chunks().to_numpy_ndarray() for size, name in names.items()
        }
        return arrays, table.drop_columns(list(names.values()))
    if form == "fits":
        table = astropy.table.Table.read(outdir / "stamps.fits")
        return {size: np.ma.getdata(table[name]) for size, name in names.items()}, table
    group = zarr.open_group(outdir / "stamps.zarr", mode="r")
    return {size: group[name][:] for size, name in names.items()}, group["catalogue"]


def ids_of(rows):
    return np.asarray(rows["diaSourceId"][:]).tolist()


@pytest.mark.parametrize("form", FORMATS)
def test_pixels_are_exact_and_in_the_order_of_the_manifest(form, tmp_path):
    order = list(range(40, 20, -1))
    paths = run(tmp_path, form, [range(21, 30), range(30, 41)], order)
    assert all(os.path.exists(path) for path in paths)
    arrays, rows = read(tmp_path, form)
    assert ids_of(rows) == order
    for size, array in arrays.items():
        assert array.shape == (20, 3, size, size)
        assert array.dtype.newbyteorder("=") == np.float32
        np.testing.assert_array_equal(array, pixels(order, size))


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_parquet_keeps_every_value_and_type_of_the_catalogue(form, tmp_path):
    order = list(range(21, 41))
    run(tmp_path, form, [order], order)
    expected = catalogue(order)
    _, rows = read(tmp_path, form)
    assert rows.select(expected.column_names).cast(expected.schema).equals(expected)
    assert rows.schema.remove_metadata().field("history") == expected.schema.field("history")


def test_fits_keeps_values_and_nulls(tmp_path):
    order = list(range(21, 41))
    run(tmp_path, "fits", [order], order)
    expected = catalogue(order)
    rows = astropy.table.Table.read(tmp_path / "stamps.fits", character_as_bytes=False)
    null = np.array([i % 3 == 0 for i in order])
    assert rows["unsigned"][~null].tolist() == [str(2**63 + i) for i in order if i % 3]
    for name in ("diaObjectId", "byte"):
        np.testing.assert_array_equal(np.ma.getmaskarray(rows[name]), null)
        wanted = [value for value in expected.column(name).to_pylist() if value is not None]
        assert [int(value) for value in rows[name][~null]] == wanted
    np.testing.assert_array_equal(np.isnan(np.ma.filled(rows["flux"], np.nan)), null)
    np.testing.assert_array_equal(
        np.ma.getdata(rows["flux"])[~null], expected.column("flux").drop_null().to_numpy()
    )
    assert rows["band"][~null].tolist() == ["x" * (i % 4) + "\\xe9" for i in order if i % 3]
    assert rows["history"][~null].tolist() == [f"[{i}, 1]" for i in order if i % 3]
    assert rows["time"][~null].tolist()[0] == "1970-01-01 00:00:00.022"
    with fits.open(tmp_path / "stamps.fits") as hdus:
        hdus.verify("exception")
        raw = hdus[1].data.view(np.ndarray)["isDipole"].view(np.uint8)
    assert raw.tolist() == [0 if i % 3 == 0 else ord("T" if i % 2 else "F") for i in order]


def test_zarr_keeps_values_and_nulls(tmp_path):
    order = list(range(21, 41))
    run(tmp_path, "zarr", [order], order)
    group = zarr.open_group(tmp_path / "stamps.zarr", mode="r")
    assert group.metadata.zarr_format == 3
    expected = catalogue(order)
    null = np.array([i % 3 == 0 for i in order])
    assert set(group["null"].array_keys()) == set(expected.column_names[4:])
    for name in ("flux", "diaObjectId", "unsigned", "byte", "isDipole"):
        np.testing.assert_array_equal(group["null"][name][:], null)
        np.testing.assert_array_equal(
            group["catalogue"][name][:][~null],
            expected.column(name).drop_null().to_numpy(zero_copy_only=False),
        )
    assert group["catalogue"]["band"][:][~null].tolist() == expected.column("band").drop_null().to_pylist()
    assert json.loads(group["catalogue"]["history"][:][1]) == [22, 1]


@pytest.mark.parametrize("form", FORMATS)
def test_row_and_constants_are_a_fits_header(form, tmp_path):
    run(tmp_path, form, [[21, 22]], [21, 22], sizes=(8,))
    _, rows = read(tmp_path, form, sizes=(8,))
    if form == "fits":
        constants = fits.getheader(tmp_path / "stamps.fits", 1)
        assert constants["PLANES"] == "template, science, difference"
        constants = {name: constants[name] for name in ("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "RADESYS")}
    elif form == "zarr":
        constants = zarr.open_group(tmp_path / "stamps.zarr", mode="r").attrs.asdict()
    else:
        constants = json.loads(rows.schema.metadata[b"stamps"])
    keywords = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")
    header = constants | {name: np.asarray(rows[name])[1].item() for name in keywords}
    header.pop("PLANES", None)
    wcs = WCS(fits.Header(header))
    x = 100.25 + 22 - np.asarray(rows["x0"])[1].item()
    y = 40.5 - np.asarray(rows["y0"])[1].item()
    sky = wcs.pixel_to_world(x, y)
    assert (sky.ra.deg, sky.dec.deg) == pytest.approx((10.022, -20.022), abs=1e-9)
    right = wcs.pixel_to_world(x + 1, y)
    east, north = sky.spherical_offsets_to(right)
    assert (east.arcsec, north.arcsec) == pytest.approx((-0.1, 0.17), abs=1e-6)


@pytest.mark.parametrize("form", FORMATS)
def test_batches_and_repeats_change_nothing(form, tmp_path):
    order = list(range(1, 31))
    run(tmp_path / "once", form, [order], order)
    shuffled = random.Random(4).sample(order, 30)
    run(tmp_path / "pieces", form, [[i] for i in shuffled], order)
    for part in (order[::3], order[::2], order, order):
        run(tmp_path / "grown", form, [part], [i for i in order if i in set(part) or part == order])
    expected = digests(tmp_path / "once")
    assert expected
    assert digests(tmp_path / "pieces") == expected
    assert digests(tmp_path / "grown") == expected


def test_finished_files_are_not_written_again(tmp_path):
    run(tmp_path, "npy", [[1, 2]], [1, 2])
    before = (tmp_path / "stamps_5.npy").stat()
    run(tmp_path, "npy", [], [1, 2])
    after = (tmp_path / "stamps_5.npy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("earlier", FORMATS)
@pytest.mark.parametrize("later", FORMATS)
def test_another_format_takes_over_what_is_there(earlier, later, tmp_path):
    run(tmp_path / "both", earlier, [[1, 2, 3]], [1, 2, 3])
    run(tmp_path / "both", later, [[4, 5]], [1, 2, 3, 4, 5])
    run(tmp_path / "one", later, [[1, 2, 3, 4, 5]], [1, 2, 3, 4, 5])
    assert digests(tmp_path / "both") == digests(tmp_path / "one")


def test_the_latest_stamps_of_a_source_count(tmp_path):
    run(tmp_path, "npy", [[1, 2]], [1, 2])
    mended = catalogue([2]).set_column(4, "flux", pa.array([99.0], pa.float32()))
    with StampFiles(OutputDirectory(tmp_path), "npy", SIZES) as stamps:
        stamps.begin()
        spill(stamps, [2], rows=mended)
        stamps.assemble([1, 2], [].append)
    _, rows = read(tmp_path, "npy")
    assert rows["flux"].to_pylist() == [pytest.approx(1 / 7), 99.0]


def test_pictures_that_are_gone_have_no_stamps(tmp_path):
    run(tmp_path, "npy", [[1, 2, 3]], [1, 2, 3])
    run(tmp_path, "npy", [], [1, 3])
    arrays, rows = read(tmp_path, "npy")
    assert ids_of(rows) == [1, 3]
    np.testing.assert_array_equal(arrays[8], pixels([1, 3], 8))
    run(tmp_path, "npy", [], [])
    assert digests(tmp_path) == {}


def test_what_has_no_stamps_is_known(tmp_path):
    run(tmp_path, "npy", [[1, 2]], [1, 2])
    with StampFiles(OutputDirectory(tmp_path), "npy", SIZES) as stamps:
        stamps.begin()
        assert stamps.missing([1, 2, 3]) == {3}
        spill(stamps, [3])
    with StampFiles(OutputDirectory(tmp_path), "npy", SIZES) as stamps:
        stamps.begin()
        assert stamps.missing([1, 2, 3, 4]) == {4}
    with StampFiles(OutputDirectory(tmp_path), "none", SIZES) as stamps:
        stamps.begin()
        assert stamps.missing([4]) == set()
        assert stamps.writer is None


@pytest.mark.filterwarnings("ignore:.*(header for HDU|truncated)")
@pytest.mark.parametrize("form", FORMATS)
def test_files_that_somebody_removed_or_damaged_are_made_again(form, tmp_path, caplog):
    for damage in ("remove", "cut"):
        (path, *_) = map(Path, run(tmp_path, form, [[1, 2]], [1, 2]))
        if form == "zarr":
            path = path / "zarr.json"
        content = path.read_bytes()
        path.unlink()
        if damage == "cut":
            path.write_bytes(content[: len(content) // 2])
        with StampFiles(OutputDirectory(tmp_path), form, SIZES) as stamps:
            stamps.begin()
            assert stamps.missing([1, 2]) == {1, 2}
        assert "made again" in caplog.text
        caplog.clear()


def test_rows_of_catalogues_that_differ_stand_together(tmp_path):
    first, second = catalogue([1, 2]), catalogue([4, 5]).drop_columns("flux")
    second = second.append_column("extra", pa.array(["a", None]))
    second = second.set_column(0, "diaSourceId", second.column(0)).set_column(
        second.column_names.index("byte"), "byte", pa.array([1.5, 2.5])
    )
    for name, batches in {"ab": (first, second), "ba": (second, first)}.items():
        with StampFiles(OutputDirectory(tmp_path / name), "parquet", SIZES) as stamps:
            stamps.begin()
            for rows in batches:
                spill(stamps, rows.column(0).to_pylist(), rows=rows)
            stamps.assemble([1, 2, 4, 5], [].append)
    assert digests(tmp_path / "ab") == digests(tmp_path / "ba")
    _, rows = read(tmp_path / "ab", "parquet")
    assert rows["extra"].to_pylist() == [None, None, "a", None]
    assert rows["byte"].to_pylist() == [1.0, 2.0, 1.5, 2.5]
    assert rows["flux"].to_pylist()[2:] == [None, None]


def test_other_sizes_are_refused(tmp_path):
    run(tmp_path, "npy", [[1]], [1], sizes=(8,))
    with StampFiles(OutputDirectory(tmp_path), "npy", (8, 5)) as stamps:
        with pytest.raises(CutoutsError, match=r"stamps of 8 pixels, and sizes is now 8 and 5.*--overwrite"):
            stamps.begin()
        stamps.remove()
        stamps.begin()
    assert digests(tmp_path) == {}


def test_zarr_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(CutoutsError, match=r"lsst-analysis-ap\[zarr\]"):
        StampFiles(OutputDirectory(tmp_path), "zarr", SIZES)


@pytest.fixture
def small_files():
    """Let no file become larger than a few blocks, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda yes=True: resource.setrlimit(resource.RLIMIT_FSIZE, (8192 if yes else before[0], before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_is_told_and_costs_nothing(form, small_files, tmp_path):
    order = list(range(1, 41))
    run(tmp_path / "whole", form, [order], order)
    run(tmp_path / "full", form, [order[:2]], order[:2])
    before = digests(tmp_path / "full")
    with StampFiles(OutputDirectory(tmp_path / "full"), form, SIZES) as stamps:
        stamps.begin()
        spill(stamps, order[2:])
        small_files()
        with pytest.raises(CutoutsError, match=r"stamps.* cannot be written: .*run the same command again"):
            spill(stamps, order[2:])
        with pytest.raises(CutoutsError, match=r"stamps.* cannot be written: .*run the same command again"):
            stamps.assemble(order, [].append)
        small_files(False)
    assert digests(tmp_path / "full") == before
    run(tmp_path / "full", form, [], order)
    assert digests(tmp_path / "full") == digests(tmp_path / "whole")


def test_a_process_that_outlived_its_run_leaves_nothing(tmp_path):
    with StampFiles(OutputDirectory(tmp_path), "npy", SIZES) as stamps:
        stamps.begin()
        orphan = stamps.writer
    with StampFiles(OutputDirectory(tmp_path), "npy", SIZES) as stamps:
        stamps.begin()
        with pytest.raises(CutoutsError, match="cannot be written"):
            orphan.write(stamp_table(SIZES, catalogue([1]), [[triplet(1, size) for size in SIZES]]))
        spill(stamps, [2])
        stamps.assemble([1, 2], [].append)
    assert ids_of(read(tmp_path, "npy")[1]) == [2]


def steps(moment):
    """Count the changes of names in directories; just before the n-th, kill this process."""
    done = []

    def wrap(function):
        def step(*args, **kwargs):
            done.append(function)
            if len(done) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return step

    return done, {name: wrap(getattr(os, name)) for name in ("rename", "replace", "mkdir", "rmdir", "unlink")}


def finish(outdir, form, batches):
    """Complete five sources, with few columns to be quick."""
    with StampFiles(OutputDirectory(outdir), form, (5,)) as stamps:
        stamps.begin()
        for identifiers in batches or [[i] for i in stamps.missing([1, 2, 3, 4, 5])]:
            spill(stamps, identifiers, (5,), catalogue(identifiers).select(range(5)))
        return stamps.assemble([1, 2, 3, 4, 5], [].append)


def die_at_every_step(root, form):
    """Fork from a process that has no threads yet, once for each directory."""
    for outdir in root.iterdir():
        if (child := os.fork()) == 0:
            for name, function in steps(int(outdir.name))[1].items():
                setattr(os, name, function)
            finish(outdir, form, [[3, 4], [5]])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), outdir


@pytest.fixture(scope="module")
def die_everywhere():
    """Return `die_at_every_step` in a process that starts no thread."""
    with subprocess.Popen([sys.executable, __file__], stdin=-1, stdout=-1, text=True) as process:

        def order(root, form):
            print(root, form, file=process.stdin, flush=True)
            assert process.stdout.readline() == "done\n"

        yield order
        process.stdin.close()


@pytest.mark.parametrize(
    ("earlier", "form", "first", "last"),
    # The many files of zarr are made and removed in places where nobody looks.
    [("npy", "npy", 99, 99), ("fits", "zarr", 2, 14), ("zarr", "parquet", 18, 2)],
)
def test_killed_at_any_step_the_next_run_completes_it(
    earlier, form, first, last, tmp_path, monkeypatch, die_everywhere
):
    begun, whole, killed = tmp_path / "begun", tmp_path / "whole", tmp_path / "killed"
    with StampFiles(OutputDirectory(begun), earlier, (5,)) as stamps:
        stamps.begin()
        spill(stamps, [1, 2], (5,), catalogue([1, 2]).select(range(5)))
        stamps.assemble([1, 2], [].append)
    shutil.copytree(begun, whole)
    done, counters = steps(None)
    with monkeypatch.context() as patch:
        for name, function in counters.items():
            patch.setattr(os, name, function)
        finish(whole, form, [[3, 4], [5]])
    expected = digests(whole)
    assert len(done) > 15

    steps_of_run = range(1, len(done) + 1)
    moments = sorted({*steps_of_run[:first], *steps_of_run[-last:]})
    for moment in moments:
        shutil.copytree(begun, killed / str(moment))
    die_everywhere(killed, form)
    for moment in moments:
        with StampFiles(OutputDirectory(killed / str(moment)), form, (5,)) as stamps:
            stamps.begin()
            assert not stamps.missing([1, 2]), moment
        finish(killed / str(moment), form, None)
        assert digests(killed / str(moment)) == expected, moment


if __name__ == "__main__":
    for line in sys.stdin:
        folder, name = line.split()
        die_at_every_step(Path(folder), name)
        print("done", flush=True)
