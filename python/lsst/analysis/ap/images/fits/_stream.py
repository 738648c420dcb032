"""A file read by byte ranges, as libraries expect a file."""

__all__ = ("ByteStream",)

import io
from collections.abc import Buffer

from ._bytes import ByteSource


class ByteStream(io.RawIOBase):
    """A byte source as the seekable stream that libraries expect.

    ``source``: where the bytes are; closing the stream leaves it open.
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
