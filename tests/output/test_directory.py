import os
import threading

import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.output import OutputDirectory


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


def test_what_an_interrupted_run_left_is_removed(tmp_path):
    directory = OutputDirectory(tmp_path)
    directory.write("1.png", b"whole")
    (tmp_path / ".2.png.999.partial").write_bytes(b"ha")
    directory.remove_partial_files()
    assert os.listdir(tmp_path) == ["1.png"]


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CutoutsError, match=r"file/deep cannot be made"):
        OutputDirectory(tmp_path / "file" / "deep")
