"""Byte ranges of a file behind a network."""

__all__ = ("RemoteBytes",)

import io
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ._bytes import LocalBytes, check_range
from ._errors import ImageFileError

READ_AHEAD = 256 * 2**10
"""Bytes that a small read fetches: headers and tile tables lie together."""

REQUEST_COST = 2**20
"""Bytes that arrive in the time that a request takes before any does: about 10 ms at 100 MB/s."""

ATTEMPTS = 3
PAUSE = 0.3
"""Seconds before the second attempt; twice that before the third."""

MAX_WINDOWS = 32


class RemoteBytes:
    """Byte ranges of a file that `lsst.resources` reads.

    Raises `ImageFileError` if there is no such file, or the connection fails three times.
    """

    max_gap = REQUEST_COST

    def __init__(self, uri: Any) -> None:
        self._uri = uri
        # Signed URLs carry their credentials in the query.
        self.name = f"{uri.scheme}://{uri.netloc.rpartition('@')[2]}{uri.path}"
        self._stack = ExitStack()
        self._handle: Any = None
        self._local: LocalBytes | None = None
        self._windows: dict[int, bytes] = {}
        self.size = READ_AHEAD
        try:
            self._windows[0] = self._attempt(self._read_start)
        except BaseException:
            self.close()
            raise

    def read(self, start: int, stop: int) -> bytes:
        # Docstring inherited. A small read fetches some more, for the next one.
        check_range(self, start, stop)
        if self._local is not None:
            return self._local.read(start, stop)
        if start == stop:
            return b""
        for begin, window in self._windows.items():
            if begin <= start and stop <= begin + len(window):
                return window[start - begin : stop - begin]
        end = max(stop, min(start + READ_AHEAD, self.size))
        data = self._attempt(lambda: self._read_range(start, end))
        if end - start <= READ_AHEAD:
            if len(self._windows) >= MAX_WINDOWS:
                self._windows.pop(next(iter(self._windows)))
            self._windows[start] = data
        return data[: stop - start]

    def plan(self, requests: int, length: int) -> None:
        # Docstring inherited. Where ranges would take longer than the file, that is downloaded.
        if self._local is None and length + requests * REQUEST_COST >= self.size + REQUEST_COST:
            self._local = self._attempt(self._download)
            self._windows.clear()

    def close(self) -> None:
        """Close the connection and remove the temporary file."""
        if self._local is not None:
            self._local.close()
        self._stack.close()

    def _open(self) -> Any:
        if self._handle is None:
            self._handle = self._stack.enter_context(self._uri.open("rb"))
        return self._handle

    def _read_start(self) -> bytes:
        handle = self._open()
        handle.seek(0)
        data: bytes = handle.read(READ_AHEAD)
        # Known by now from the answer to the first request.
        self.size = handle.seek(0, io.SEEK_END)
        if len(data) < min(self.size, READ_AHEAD):
            raise OSError(f"{len(data)} bytes came where {min(self.size, READ_AHEAD)} were due")
        return data

    def _read_range(self, start: int, stop: int) -> bytes:
        handle = self._open()
        handle.seek(start)
        data: bytes = handle.read(stop - start)
        if len(data) == self.size > stop - start:
            # A server without ranges sends the whole file.
            return data[start:stop]
        if len(data) != stop - start:
            raise OSError(f"{len(data)} bytes came where {stop - start} were due")
        return data

    def _download(self) -> LocalBytes:
        local = LocalBytes(self._stack.enter_context(self._uri.as_local()).ospath)
        if local.size != self.size:
            local.close()
            raise OSError(f"{local.size} bytes came where {self.size} were due")
        local.name = self.name
        return local

    def _attempt[T](self, function: Callable[[], T]) -> T:
        """Call a function again when the connection drops."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return function()
            except Exception as error:
                # Each kind of store has errors of its own.
                if attempt == ATTEMPTS or isinstance(error, FileNotFoundError):
                    reason = str(error).replace(str(self._uri), self.name)
                    raise ImageFileError(
                        self.name, f"cannot be read: {type(error).__name__}: {reason}"
                    ) from error
                self._handle = None
                time.sleep(PAUSE * attempt)
        raise AssertionError("the last attempt returned or raised")
