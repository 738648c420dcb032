"""Byte ranges of a file, wherever it lies."""

__all__ = ("ByteSource", "LocalBytes", "MemoryBytes", "check_range", "join_ranges", "read_each")

import mmap
import os
from collections.abc import Buffer
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ._errors import ImageFileError

MAX_READ = 4 * 2**20
"""No read is made longer than this by joining; it bounds the memory."""


class ByteSource(Protocol):
    """A file of known size that can be read anywhere."""

    name: str
    """Path or URI, for messages."""
    size: int
    """Length in bytes."""
    max_gap: int
    """Bytes that are better read than skipped between two ranges."""

    def read(self, start: int, stop: int) -> bytes:
        """Return exactly the bytes of a range.

        ``start``, ``stop``: offsets of the first byte and of the one past the last. Raises `ImageFileError`
        if the file ends before, or cannot be read.
        """
        ...

    def plan(self, requests: int, length: int) -> None:
        """Prepare to read so many ranges, which have so many bytes in all."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class LocalBytes:
    """Byte ranges of a file on a local disk.

    Raises `ImageFileError` if there is no such file, or it is empty.
    """

    max_gap = 4096

    def __init__(self, path: str) -> None:
        self.name = path
        self._descriptor, self._identity = _opened(path)
        self.size = self._identity[0]

    def reopen(self) -> bool:
        """Open the file again after it was closed.

        Returns: whether it is the file that it was: if not, nothing that was read from it counts any more.
        Raises `ImageFileError` if it is there no more.
        """
        self.close()
        self._descriptor, identity = _opened(self.name)
        return identity == self._identity

    def read(self, start: int, stop: int) -> bytes:
        # Docstring inherited.
        check_range(self, start, stop)
        try:
            data = os.pread(self._descriptor, stop - start, start)
            while len(data) < stop - start:
                more = os.pread(self._descriptor, stop - start - len(data), start + len(data))
                if not more:
                    raise ImageFileError(self.name, "was cut short while it was read")
                data += more
        except OSError as error:
            raise ImageFileError(self.name, f"cannot be read: {error.strerror}") from error
        return data

    def mapped(self, start: int, stop: int) -> memoryview:
        """Return a range of bytes that are read when they are looked at.

        ``start``, ``stop``: offsets from the beginning of the file. Raises `ImageFileError` if the file ends
        before, or cannot be mapped.
        """
        check_range(self, start, stop)
        # Looking at what a file has no more ends the process: ask again how long it is.
        if os.fstat(self._descriptor).st_size < stop:
            raise ImageFileError(self.name, "was cut short while it was read")
        try:
            mapping = mmap.mmap(self._descriptor, stop, prot=mmap.PROT_READ)
        except (OSError, ValueError) as error:
            raise ImageFileError(self.name, f"cannot be read: {error}") from error
        return memoryview(mapping)[start:stop]

    def plan(self, requests: int, length: int) -> None:
        """Do nothing: local reads cost what they read."""

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _opened(path: str) -> tuple[int, tuple[int, ...]]:
    """Open a file; return its descriptor, and what differs where it was written again, its size first."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise ImageFileError(path, f"cannot be opened: {error.strerror}") from error
    status = os.fstat(descriptor)
    return descriptor, (status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


class MemoryBytes:
    """Byte ranges of a file in memory."""

    max_gap = 4096

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.size = len(data)
        self._data = data

    def read(self, start: int, stop: int) -> bytes:
        # Docstring inherited.
        check_range(self, start, stop)
        return self._data[start:stop]

    def plan(self, requests: int, length: int) -> None:
        # Docstring inherited.
        pass

    def close(self) -> None:
        # Docstring inherited.
        pass


def check_range(source: ByteSource, start: int, stop: int) -> None:
    """Check that a range is inside of a file.

    ``start``, ``stop``: offsets of the first byte and of the one past the last. Raises `ImageFileError` when
    it is not.
    """
    if not 0 <= start <= stop:
        raise ImageFileError(source.name, f"is corrupt: it points to bytes {start}:{stop}")
    if stop > source.size:
        raise ImageFileError(
            source.name, f"is truncated: byte {stop} is needed but it has {source.size}; copy it again"
        )


@dataclass(frozen=True)
class Ranges:
    """Ranges of a file that are read at once, with the gaps between them."""

    source: ByteSource
    """The file."""
    begin: int
    """First byte of all."""
    end: int
    """One past the last byte of all."""
    indices: list[int]
    """Which ranges, of those that were joined."""
    starts: list[int]
    """First byte of each."""
    stops: list[int]
    """One past the last byte of each."""

    def read(self) -> list[memoryview]:
        """Return the bytes of each range."""
        data = memoryview(self.source.read(self.begin, self.end))
        pairs = zip(self.starts, self.stops, strict=True)
        return [data[start - self.begin : stop - self.begin] for start, stop in pairs]


def join_ranges(source: ByteSource, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> list[Ranges]:
    """Join ranges of a file that lie close together.

    ``source``: the file; ranges with gaps of at most ``source.max_gap`` bytes between them are read at once,
    gap included. ``starts``, ``stops``: offsets of the ranges, in any order, shape (N,). Returns: what to
    read, one after the other.
    """
    if not len(starts):
        return []
    order = np.argsort(starts, kind="stable")
    sorted_starts, sorted_stops = starts[order], stops[order]
    reach = np.maximum.accumulate(sorted_stops)
    is_apart = sorted_starts[1:] - reach[:-1] > source.max_gap
    # Joining stops where the file has been read on for long enough.
    block = sorted_starts // MAX_READ
    is_far = block[1:] != block[:-1]
    firsts = np.concatenate([[0], np.flatnonzero(is_apart | is_far) + 1])
    lasts = np.append(firsts[1:], len(order))
    begins, ends = sorted_starts[firsts], np.maximum.reduceat(sorted_stops, firsts)
    source.plan(len(firsts), int((ends - begins).sum()))
    indices, starts_of, stops_of = order.tolist(), sorted_starts.tolist(), sorted_stops.tolist()
    places = (firsts.tolist(), lasts.tolist(), begins.tolist(), ends.tolist())
    return [
        Ranges(source, begin, end, indices[first:last], starts_of[first:last], stops_of[first:last])
        for first, last, begin, end in zip(*places, strict=True)
    ]


def read_each(source: ByteSource, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> list[Buffer]:
    """Read many short ranges of a file.

    ``starts``, ``stops``: offsets of the ranges, in any order, shape (N,). Returns: the bytes of each range.
    Raises `ImageFileError` if the file does not have them.
    """
    pieces: list[Buffer] = [b""] * len(starts)
    for ranges in join_ranges(source, starts, stops):
        for index, piece in zip(ranges.indices, ranges.read(), strict=True):
            pieces[index] = piece
    return pieces
