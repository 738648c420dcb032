import pickle
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.output import OutputDirectory, PictureNames
from lsst.analysis.ap.output._directory import CHUNK_FOLDER, PICTURE_PATH


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    directory = OutputDirectory(tmp_path / "new" / "deep")
    with directory.open("1.png") as stream:
        stream.write(b"half")
        stream.flush()
        assert not (directory.path / "1.png").exists()
        stream.write(b" and half")
    assert (directory.path / "1.png").read_bytes() == b"half and half"


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path):
    directory = OutputDirectory(tmp_path)
    directory.write("1.png", b"old")

    def interrupted():
        with directory.open("1.png") as stream:
            stream.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"1.png": b"old"}


def test_a_table_is_on_the_disk_before_it_has_its_name(tmp_path, disk):
    """A picture is not: there are many, and the journal, which is, says which of them are whole."""
    directory = OutputDirectory(tmp_path)
    directory.write("1.png", b"picture")
    assert [what for what, _ in disk] == ["rename"]
    disk.clear()
    directory.write_csv("failures.csv", ["diaSourceId"], [["1"]])
    (first, synced), (then, renamed) = disk
    assert (first, then) == ("sync", "rename")
    assert synced == renamed


def test_readers_never_see_a_part_of_a_file(tmp_path):
    directory = OutputDirectory(tmp_path)
    contents = {letter: letter * 300_000 for letter in (b"a", b"b")}
    directory.write("1.png", contents[b"a"])
    stop = threading.Event()
    seen = set()

    def read():
        while not stop.is_set():
            seen.add((tmp_path / "1.png").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        for content in contents.values():
            directory.write("1.png", content)
    stop.set()
    reader.join()
    assert seen <= set(contents.values())


def test_a_tilde_is_the_home_directory(tmp_path, monkeypatch):
    """Who removed a directory of that name would remove all that is theirs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert OutputDirectory("~/new").path == tmp_path / "new"
    assert not (tmp_path / "~").exists()


def test_a_folder_that_another_process_makes_at_the_same_time_is_no_hindrance(tmp_path, monkeypatch):
    real = Path.mkdir

    def mkdir(path, *arguments, **options):
        with suppress(FileExistsError):
            real(path)
        real(path, *arguments, **options)

    directory = OutputDirectory(tmp_path)
    monkeypatch.setattr(Path, "mkdir", mkdir)
    directory.write("0-9/1.png", b"whole")
    assert (tmp_path / "0-9" / "1.png").read_bytes() == b"whole"


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "1.png").mkdir()
    with pytest.raises(CutoutsError, match=f"^{tmp_path}/1.png cannot be read: Is a directory.$"):
        OutputDirectory(tmp_path).read("1.png")


def test_what_an_interrupted_run_left_is_removed(tmp_path):
    directory = OutputDirectory(tmp_path)
    directory.write("1.png", b"whole")
    for place in (".", "0-99", "night"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / ".2.png.999.partial").write_bytes(b"ha")
    directory.remove_partial_files()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        "1.png",
        "night/.2.png.999.partial",  # of another run, which may be writing it now
    }


@pytest.mark.parametrize("replaced", [False, True])
def test_a_directory_that_is_gone_is_not_made_again(tmp_path, replaced):
    directory = pickle.loads(pickle.dumps(OutputDirectory(tmp_path / "out")))
    directory.write("0-9/1.png", b"abc")
    directory.path.rename(tmp_path / "elsewhere")
    if replaced:
        directory.path.mkdir()
    for name in ("2.png", "0-9/2.png"):
        with pytest.raises(CutoutsError, match=r"out is gone"):
            directory.write(name, b"abc")
    assert not list(tmp_path.glob("out/*"))


def test_a_directory_that_goes_while_a_file_is_written_is_named(tmp_path):
    directory = OutputDirectory(tmp_path / "out")
    with pytest.raises(CutoutsError, match=r"out is gone"), directory.open("1.png"):
        directory.path.rename(tmp_path / "elsewhere")


def test_only_whole_files_are_present(tmp_path):
    directory = OutputDirectory(tmp_path)
    for name in ("1.png", "0-9/2.png"):
        directory.write(name, b"abc")
    sizes = {"1.png": 3, "0-9/2.png": 2, "3.png": 3}
    assert directory.present(sizes) == {"1.png"}


def test_what_cannot_be_removed_is_named(tmp_path):
    directory = OutputDirectory(tmp_path)
    (tmp_path / "1.png").mkdir()
    with pytest.raises(CutoutsError, match=r"1\.png cannot be removed"):
        directory.remove(["0.png", "1.png"])


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CutoutsError, match=r"file/deep cannot be made"):
        OutputDirectory(tmp_path / "file" / "deep")


def test_all_pictures_are_in_one_directory_by_default():
    assert PictureNames().path(506428274000265570) == "506428274000265570.png"


def test_no_picture_of_a_position_is_taken_for_an_option():
    path = PictureNames().path(-506428274000265570)
    assert path == "position_506428274000265570.png"
    assert PICTURE_PATH.fullmatch(path)


@given(st.lists(st.integers(0, 2**63 - 1), unique=True), st.integers(1, 50))
def test_no_folder_holds_more_than_the_chunk(ids, chunk):
    folders = {}
    for identifier in ids:
        folder, name = PictureNames(chunk).path(identifier).split("/")
        assert name == f"{identifier}.png"
        folders.setdefault(folder, []).append(identifier)
    assert all(len(members) <= chunk for members in folders.values())


@pytest.mark.parametrize(
    ("identifier", "path"), [(0, "0-99/0.png"), (99, "0-99/99.png"), (100, "100-199/100.png")]
)
def test_a_folder_is_named_for_its_first_and_last_identifier(identifier, path):
    assert PictureNames(100).path(identifier) == path


@given(st.integers(-(2**62), 2**63 - 1), st.integers(1, 10**9))
def test_folders_of_pictures_are_told_from_others(identifier, chunk):
    assert CHUNK_FOLDER.fullmatch(PictureNames(chunk).path(identifier).split("/")[0])
    assert not CHUNK_FOLDER.fullmatch(str(identifier))
    assert not CHUNK_FOLDER.fullmatch("night-2")


def test_folders_are_filled_one_after_the_other():
    folders = [PictureNames(chunk_sources=3).path(90 - n, n) for n in range(8)]
    assert folders == [f"part-000{n // 3 + 1}/{90 - n}.png" for n in range(8)]
