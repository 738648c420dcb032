"""Parts that outlive a run, and files that are made from them."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.stamps.helpers import (
    SIZES,
    begun,
    catalogue,
    choice,
    digests,
    ids_of,
    pixels,
    read,
    run,
    triplet,
    write_part,
)

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.output import OutputDirectory
from lsst.analysis.ap.stamps import FORMATS, StampFiles, stamp_table


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
    first = run(tmp_path, "npy", [[1, 2]], [1, 2])
    before = (tmp_path / "stamps_5.npy").stat()
    assert run(tmp_path, "npy", [], [1, 2]) == first
    after = (tmp_path / "stamps_5.npy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("form", FORMATS)
def test_every_other_choice_makes_the_files_again(form, tmp_path):
    """From the parts alone: no other part is written."""
    variants = [{"form": "npy"}, {"order": ("science", "template", "difference")}, {"fill": -1.0}]
    variants += [{"shares": ()}, {"shares": (0.0, 0.5, 0.5)}, {"seed": 3}]
    run(tmp_path / "both", form, [range(1, 9)], range(1, 9))
    for fields in variants:
        run(tmp_path / "both", fields.pop("form", form), [], range(1, 9), **fields)
    run(tmp_path / "both", form, [], range(1, 9))
    run(tmp_path / "one", form, [range(1, 9)], range(1, 9))
    assert digests(tmp_path / "both") == digests(tmp_path / "one")


def test_the_latest_stamps_of_a_source_count(tmp_path):
    run(tmp_path, "npy", [[1, 2]], [1, 2])
    mended = catalogue([2]).set_column(4, "flux", pa.array([99.0], pa.float32()))
    with begun(tmp_path, "npy") as stamps:
        write_part(stamps, [2], rows=mended)
        stamps.assemble([1, 2], [].append)
    _, rows = read(tmp_path, "npy")
    assert rows["flux"].to_pylist() == [pytest.approx(1 / 7), 99.0]


def test_sources_that_are_gone_have_no_stamps(tmp_path):
    run(tmp_path, "npy", [[1, 2, 3]], [1, 2, 3])
    run(tmp_path, "npy", [], [1, 3])
    arrays, rows = read(tmp_path, "npy")
    assert ids_of(rows) == [1, 3]
    np.testing.assert_array_equal(arrays[8], pixels([1, 3], 8))
    run(tmp_path, "npy", [], [])
    assert digests(tmp_path) == {}


def test_what_has_no_stamps_is_known(tmp_path):
    run(tmp_path, "npy", [[1, 2]], [1, 2])
    with begun(tmp_path, "npy") as stamps:
        assert stamps.missing([1, 2, 3]) == {3}
        write_part(stamps, [3])
    with begun(tmp_path, "npy") as stamps:
        assert stamps.missing([1, 2, 3, 4]) == {4}
    with begun(tmp_path, "npy", planes=("variance",)) as stamps:
        assert stamps.missing([1, 2]) == {1, 2}
    nothing = StampFiles(OutputDirectory(tmp_path), None)
    nothing.begin()
    assert nothing.missing([4]) == set()
    assert nothing.writer is None
    assert nothing.assemble([1], [].append) == ()


def test_planes_that_are_wanted_later_need_other_parts(tmp_path, caplog):
    run(tmp_path, "npy", [[1, 2]], [1, 2])
    run(tmp_path, "npy", [[1]], [1, 2], planes=("variance",))
    assert "1 sources have no stamps" in caplog.text
    assert np.load(tmp_path / "stamps_variance_5.npy").shape == (1, 3, 5, 5)


def _cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def _write_in_two_batches(path):
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)


@pytest.mark.parametrize("damage", [_cut, _write_in_two_batches])
def test_a_damaged_part_is_made_again(damage, tmp_path, caplog):
    run(tmp_path, "npy", [[1, 2], [3]], [1, 2, 3])
    (first, _) = sorted((tmp_path / ".stamps" / "parts").glob("*/*.arrow"))
    damage(first)
    with begun(tmp_path, "npy") as stamps:
        assert stamps.missing([1, 2, 3]) == {1, 2}
    assert f"{first} cannot be read, its sources are made again" in caplog.text


@pytest.mark.parametrize("damage", ["remove", "cut"])
@pytest.mark.parametrize("form", FORMATS)
def test_files_that_somebody_removed_or_damaged_are_made_again(form, damage, tmp_path):
    run(tmp_path, form, [[1, 2]], [1, 2])
    expected = digests(tmp_path)
    path = tmp_path / next(name for name in expected if name.startswith("stamps"))
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    run(tmp_path, form, [], [1, 2])
    assert digests(tmp_path) == expected


def test_rows_of_catalogues_that_differ_stand_together(tmp_path):
    first, second = catalogue([1, 2]), catalogue([4, 5]).drop_columns("flux")
    second = second.append_column("extra", pa.array(["a", None]))
    second = second.set_column(second.column_names.index("byte"), "byte", pa.array([1.5, 2.5]))
    second = second.set_column(second.column_names.index("diaObjectId"), "diaObjectId", pa.array([7.0, None]))
    second = second.set_column(second.column_names.index("history"), "history", pa.array(["x", None]))
    for name, batches in {"ab": (first, second), "ba": (second, first)}.items():
        with begun(tmp_path / name, "parquet") as stamps:
            for rows in batches:
                write_part(stamps, rows.column(0).to_pylist(), rows=rows)
            stamps.assemble([1, 2, 4, 5], [].append)
    assert digests(tmp_path / "ab") == digests(tmp_path / "ba")
    _, rows = read(tmp_path / "ab", "parquet")
    assert rows["extra"].to_pylist() == [None, None, "a", None]
    assert rows["byte"].to_pylist() == [1.0, 2.0, 1.5, 2.5]
    assert rows["flux"].to_pylist()[2:] == [None, None]
    assert rows["diaObjectId"].to_pylist() == [2**62 + 1, 2**62 + 2, 7, None]
    assert rows["history"].to_pylist() == ["[1, 1]", "[2, 1]", "x", None]


def test_other_sizes_are_refused(tmp_path):
    run(tmp_path, "npy", [[1]], [1], sizes=(8,))
    stamps = StampFiles(OutputDirectory(tmp_path), choice("npy", (8, 5)))
    with pytest.raises(CutoutsError, match=r"stamps of 8 pixels, and sizes is now 8 and 5") as caught:
        stamps.begin()
    assert caught.value.choices == ("overwrite",)
    stamps.remove()
    assert os.listdir(tmp_path) == []
    stamps.begin()


def test_mixed_units_are_refused_until_one_is_chosen(tmp_path, caplog):
    with begun(tmp_path, "npy", (8,)) as stamps:
        for identifier, unit in {1: "nJy", 2: "adu", 3: "nJy", 4: None}.items():
            write_part(stamps, [identifier], (8,), unit=unit)
        with pytest.raises(CutoutsError, match=r"adu: 1 sources; nJy: 2 sources.*stampsUnit") as caught:
            stamps.assemble([1, 2, 3, 4], [].append)
    assert caught.value.choices == ("stampsUnit",)
    assert digests(tmp_path) == {}
    run(tmp_path, "npy", [], [1, 2, 3, 4], (8,), unit="nJy")
    assert ids_of(read(tmp_path, "npy", (8,))[1]) == [1, 3, 4]
    assert "1 sources are left out: their stamps are not in nJy" in caplog.text
    run(tmp_path, "npy", [], [1, 2, 3, 4], (8,), unit="Jy")
    assert ids_of(read(tmp_path, "npy", (8,))[1]) == [4]


def test_units_that_differ_in_one_source_are_refused(tmp_path):
    first, second = triplet(1, 8), triplet(1, 8, unit="adu")
    mixed = type(first)(second.template, first.science, first.difference, first.sky_jacobian)
    with begun(tmp_path, "npy", (8,)) as stamps:
        stamps.writer.write(stamp_table((8,), catalogue([1]), [[mixed]]))
        with pytest.raises(CutoutsError, match="adu, nJy: 1 sources"):
            stamps.assemble([1], [].append)


def test_zarr_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(CutoutsError, match=r"pip install zarr"):
        StampFiles(OutputDirectory(tmp_path), choice("zarr"))


@pytest.mark.parametrize("name", ["stamps.npy", "README.md", "stamps.zarr", "stamps-train-00000.tar"])
def test_files_of_somebody_else_are_not_touched(name, tmp_path):
    (tmp_path / name).write_text("mine")
    stamps = StampFiles(OutputDirectory(tmp_path), choice("npy"))
    with pytest.raises(CutoutsError, match=f"{name} is not of an earlier run.*move it"):
        stamps.begin()
    stamps.remove()
    assert (tmp_path / name).read_text() == "mine"


def test_a_state_is_not_believed(tmp_path):
    """Somebody else may have prepared the directory."""
    (tmp_path / "victim.txt").write_text("precious")
    outdir = tmp_path / "out"
    run(outdir, "npy", [[1]], [1])
    path = outdir / ".stamps" / "state.json"
    for name in (
        "../victim.txt",
        str(tmp_path / "victim.txt"),
        "stamps.npy/../../victim.txt",
        "manifest.csv",
    ):
        state = json.loads(path.read_text())
        state["files"][name] = {".": 8}
        state["source"] = "other"
        path.write_text(json.dumps(state))
        (outdir / "manifest.csv").write_text("list")
        run(outdir, "npy", [], [1])
        run(outdir, "npy", [], [])
    for state in (
        "{",
        "[]",
        '{"version": 1}',
        '{"version": 1, "source": "", "files": ["../victim.txt"]}',
        "\0",
    ):
        run(outdir, "npy", [], [])
        path.write_text(state)
        run(outdir, "npy", [], [1])
        StampFiles(OutputDirectory(outdir), choice("npy")).remove()
        run(outdir, "npy", [[1]], [])
    assert (tmp_path / "victim.txt").read_text() == "precious"
    assert (outdir / "manifest.csv").read_text() == "list"


def test_a_link_in_place_of_the_hidden_folder_is_refused(tmp_path):
    run(tmp_path / "one", "npy", [[1]], [1])
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / ".stamps").symlink_to(tmp_path / "one" / ".stamps")
    with pytest.raises(CutoutsError, match="symbolic link"):
        StampFiles(OutputDirectory(tmp_path / "two"), choice("npy")).begin()


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
    with begun(tmp_path / "full", form) as stamps:
        write_part(stamps, order[2:])
        small_files()
        with pytest.raises(CutoutsError, match=r"stamps.* cannot be written: .*run the same command again"):
            write_part(stamps, order[2:])
        with pytest.raises(CutoutsError, match=r"stamps.* cannot be written: .*run the same command again"):
            stamps.assemble(order, [].append)
        small_files(False)
    assert digests(tmp_path / "full") == before
    run(tmp_path / "full", form, [], order)
    assert digests(tmp_path / "full") == digests(tmp_path / "whole")


def test_parts_outlive_a_power_failure(tmp_path, disk):
    """Each is on the disk, under its temporary name, before it gets its own."""
    with begun(tmp_path, "npy") as stamps:
        write_part(stamps, [1])
    (first, written), (then, renamed) = disk
    assert (first, then) == ("sync", "rename")
    assert written == renamed
    assert written.endswith(".partial")


@pytest.mark.parametrize("form", ["npy", "zarr"])
def test_files_outlive_a_power_failure(tmp_path, disk, form):
    """They are on the disk before they get their names, and the names before the next run counts on them."""
    with begun(tmp_path, form) as stamps:
        write_part(stamps, [1])
        disk.clear()
        stamps.assemble([1], [].append)
    is_move = [what == "rename" and Path(path).parent.name == "building" for what, path in disk]
    moves = np.flatnonzero(is_move).tolist()
    built = [Path(disk[n][1]) for n in moves]
    assert {path.name for path in built} == {path.name for path in tmp_path.iterdir() if path.name[0] != "."}
    for path in built:
        made = tmp_path / path.name
        parts = {path, *(path / part.relative_to(made) for part in made.rglob("*"))}
        assert {("sync", str(part)) for part in parts} <= set(disk[: moves[0]])
    assert disk[moves[-1] + 1] == ("sync", str(tmp_path))


def test_a_process_that_outlived_its_run_leaves_nothing(tmp_path):
    with begun(tmp_path, "npy") as stamps:
        orphan = stamps.writer
    with begun(tmp_path, "npy") as stamps:
        with pytest.raises(CutoutsError, match="cannot be written"):
            orphan.write(stamp_table(SIZES, catalogue([1]), [[triplet(1, size) for size in SIZES]]))
        write_part(stamps, [2])
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
    with begun(outdir, form, (5,)) as stamps:
        for identifiers in batches or [[i] for i in stamps.missing([1, 2, 3, 4, 5])]:
            write_part(stamps, identifiers, (5,), catalogue(identifiers).select(range(5)))
        return stamps.assemble([1, 2, 3, 4, 5], [].append)


def die_at_every_step(root, form):
    """Fork from a process that has no threads yet, once for each directory."""
    for outdir in root.iterdir():
        if (child := os.fork()) == 0:
            os.fsync = lambda descriptor: None
            for name, function in steps(int(outdir.name))[1].items():
                setattr(os, name, function)
            finish(outdir, form, [[3, 4], [5]])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), outdir


@pytest.fixture(scope="module")
def die_everywhere():
    """Return `die_at_every_step` in a process that starts no thread."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdin=-1, stdout=-1, text=True) as process:

        def order(root, form):
            print(root, form, file=process.stdin, flush=True)
            assert process.stdout.readline() == "done\n"

        yield order
        process.stdin.close()


@pytest.mark.parametrize(
    ("earlier", "form", "first", "last"),
    # The many files of zarr are made and removed in places where nobody looks.
    [("npy", "npy", 99, 99), ("zarr", "parquet", 0, 8)],
)
def test_killed_at_any_step_the_next_run_completes_it(
    earlier, form, first, last, tmp_path, monkeypatch, die_everywhere
):
    begun_by, whole, killed = tmp_path / "begun", tmp_path / "whole", tmp_path / "killed"
    with begun(begun_by, earlier, (5,)) as stamps:
        write_part(stamps, [1, 2], (5,), catalogue([1, 2]).select(range(5)))
        stamps.assemble([1, 2], [].append)
    before = digests(begun_by)
    shutil.copytree(begun_by, whole)
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
        shutil.copytree(begun_by, killed / str(moment))
    die_everywhere(killed, form)
    for moment in moments:
        # Never is an old file beside a new one.
        there = digests(killed / str(moment))
        assert there.items() <= before.items() or there.items() <= expected.items(), moment
        with begun(killed / str(moment), form, (5,)) as stamps:
            assert not stamps.missing([1, 2]), moment
        finish(killed / str(moment), form, None)
        assert digests(killed / str(moment)) == expected, moment


if __name__ == "__main__":
    for line in sys.stdin:
        folder, name = line.split()
        die_at_every_step(Path(folder), name)
        print("done", flush=True)
