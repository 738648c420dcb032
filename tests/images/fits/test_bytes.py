"""Byte ranges of local files."""

import io

import numpy as np
import pytest

from lsst.analysis.ap.images import ImageFileError
from lsst.analysis.ap.images.fits._bytes import LocalBytes, join_ranges, read_each
from lsst.analysis.ap.images.fits._stream import ByteStream

DATA = np.random.default_rng(1).bytes(100_000)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "file").write_bytes(DATA)
    with LocalBytes(str(tmp_path / "file")) as source:
        yield source


@pytest.fixture
def ranges():
    rng = np.random.default_rng(2)
    starts = rng.integers(0, 99_000, 200)
    return starts, starts + rng.integers(0, 1000, 200)


def test_ranges_in_any_order_with_overlaps(source, ranges):
    found = {
        index: bytes(piece)
        for joined in join_ranges(source, *ranges)
        for index, piece in zip(joined.indices, joined.read(), strict=True)
    }
    expected = {i: DATA[start:stop] for i, (start, stop) in enumerate(zip(*ranges, strict=True))}
    assert found == expected
    assert [bytes(piece) for piece in read_each(source, *ranges)] == list(expected.values())


def read_joined(source, starts, stops):
    return [joined.read() for joined in join_ranges(source, starts, stops)]


def test_no_ranges(source):
    nothing = np.empty(0, dtype=np.int64)
    assert join_ranges(source, nothing, nothing) == []
    assert read_each(source, nothing, nothing) == []


@pytest.mark.parametrize("read", [read_joined, read_each])
def test_ranges_beyond_the_end(source, read):
    with pytest.raises(ImageFileError, match="is truncated: byte 100001 is needed but it has 100000"):
        read(source, np.array([0, 99_990]), np.array([10, 100_001]))
    with pytest.raises(ImageFileError, match="is corrupt"):
        read(source, np.array([-5]), np.array([10]))


@pytest.mark.parametrize("read", [read_joined, read_each])
def test_a_file_that_shrinks_while_it_is_read(source, read):
    with open(source.name, "r+b") as file:
        file.truncate(50_000)
    with pytest.raises(ImageFileError, match="was cut short while it was read"):
        read(source, np.array([49_000]), np.array([51_000]))


def test_a_mapped_range_has_the_bytes_of_the_file(source):
    for start, stop in ((0, 100_000), (1, 2), (70_001, 99_999), (5, 5)):
        assert bytes(source.mapped(start, stop)) == DATA[start:stop]


def test_what_is_not_in_the_file_is_not_mapped(source):
    with pytest.raises(ImageFileError, match="is truncated: byte 100001 is needed but it has 100000"):
        source.mapped(10, 100_001)
    with pytest.raises(ImageFileError, match="is corrupt"):
        source.mapped(-5, 10)
    with open(source.name, "r+b") as file:
        file.truncate(50_000)
    with pytest.raises(ImageFileError, match="was cut short while it was read"):
        source.mapped(49_000, 51_000)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ImageFileError, match="nothing-here: cannot be opened: No such file"):
        LocalBytes(str(tmp_path / "nothing-here"))


def test_stream_is_a_file(source):
    stream, file = ByteStream(source), io.BytesIO(DATA)
    for offset, whence, count in [(0, 0, 10), (500, 0, 0), (20, 1, 70), (-30, 2, 100), (99_999_999, 0, 5)]:
        assert stream.seek(offset, whence) == file.seek(offset, whence)
        assert stream.read(count) == file.read(count)
        assert stream.tell() == file.tell()
    stream.seek(0)
    assert stream.read() == DATA
