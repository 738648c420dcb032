"""Byte ranges of a file, wherever it lies."""

__all__ = ("ByteSource", "ByteStream", "LocalBytes", "MemoryBytes")

import io
import mmap
import os
from collections.abc import Buffer
from typing import Protocol, Self

from ._errors import ImageFileError


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

        Parameters
        ----------
        start, stop : `int`
            Offsets of the first byte and of the one past the last.

        Returns
        -------
        data : `bytes`
            The bytes.

        Raises
        ------
        ImageFileError
            Raised if the file ends before, or cannot be read.
        """
        ...

    def plan(self, requests: int, length: int) -> None:
        """Prepare to read ranges.

        Parameters
        ----------
        requests : `int`
            How many.
        length : `int`
            Bytes in all.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class LocalBytes:
    """Byte ranges of a file on a local disk.

    Parameters
    ----------
    path : `str`
        Path of the file.

    Raises
    ------
    ImageFileError
        Raised if there is no such file, or it is empty.
    """

    max_gap = 4096

    def __init__(self, path: str) -> None:
        self.name = path
        self._descriptor, self._identity = _opened(path)
        self.size = self._identity[0]

    def reopen(self) -> bool:
        """Open the file again after it was closed.

        Returns
        -------
        is_same : `bool`
            Whether it is the file that it was: if not, nothing that was
            read from it counts any more.

        Raises
        ------
        ImageFileError
            Raised if it is there no more.
        """
        self.close()
        self._descriptor, identity = _opened(self.name)
        return identity == self._identity

    def read(self, start: int, stop: int) -> bytes:
        """Return exactly the bytes ``start:stop``.

        Parameters
        ----------
        start, stop : `int`
            Offsets from the beginning of the file.

        Returns
        -------
        data : `bytes`
            As many bytes as were asked for.

        Raises
        ------
        ImageFileError
            Raised if the file ends before, or cannot be read.
        """
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

        Parameters
        ----------
        start, stop : `int`
            Offsets from the beginning of the file.

        Returns
        -------
        data : `memoryview`
            The bytes.

        Raises
        ------
        ImageFileError
            Raised if the file ends before, or cannot be mapped.
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
        """Do nothing: local reads cost what they read.

        Parameters
        ----------
        requests : `int`
            How many ranges will be read.
        length : `int`
            How many bytes they have in all.
        """

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
    """Byte ranges of a file in memory.

    Parameters
    ----------
    data : `bytes`
        The file.
    name : `str`
        What to call it in messages.
    """

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


class ByteStream(io.RawIOBase):
    """A byte source as the seekable stream that libraries expect.

    Parameters
    ----------
    source : `ByteSource`
        Where the bytes are; closing the stream leaves it open.
    """

    mode = "rb"

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """Return that the stream can be read."""
        return True

    def seekable(self) -> bool:
        """Return that the stream can be read anywhere."""
        return True

    def tell(self) -> int:
        """Return the current offset."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        stop = min(self._position + len(view), self._source.size)
        if stop <= self._position:
            return 0
        data = self._source.read(self._position, stop)
        view[: len(data)] = data
        self._position = stop
        return len(data)


def check_range(source: ByteSource, start: int, stop: int) -> None:
    """Check that a range is inside of a file.

    Parameters
    ----------
    source : `ByteSource`
        The file.
    start, stop : `int`
        Offsets of the first byte and of the one past the last.

    Raises
    ------
    ImageFileError
        Raised when it is not.
    """
    if not 0 <= start <= stop:
        raise ImageFileError(source.name, f"is corrupt: it points to bytes {start}:{stop}")
    if stop > source.size:
        raise ImageFileError(
            source.name, f"is truncated: byte {stop} is needed but it has {source.size}; copy it again"
        )
