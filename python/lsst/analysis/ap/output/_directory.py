"""Files that are whole whenever they can be seen."""

__all__ = ("OutputDirectory",)

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..domain import CutoutsError

_PARTIAL_SUFFIX = ".partial"


class OutputDirectory:
    """A directory in which nothing half-written is seen under its final name.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        The directory; it is made when it does not exist.

    Raises
    ------
    CutoutsError
        Raised when the directory cannot be made or written to.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        """The directory."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CutoutsError(f"Output directory {self.path} cannot be made: {error.strerror}.") from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise CutoutsError(f"Output directory {self.path} cannot be written to: check its permissions.")

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file.

        Parameters
        ----------
        name : `str`
            Its name in this directory.
        content : `bytes`
            What it holds.

        Raises
        ------
        OSError
            Raised when the disk does not take it; no file of that name
            appears, and one that was there stays as it was.
        """
        with self.open(name) as stream:
            stream.write(content)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file that gets its name when all of it is written.

        Parameters
        ----------
        name : `str`
            Its name in this directory.

        Yields
        ------
        stream : `typing.IO`
            What to write to.

        Raises
        ------
        OSError
            Raised when the disk does not take it.
        """
        partial = self.path / f".{name}.{os.getpid()}{_PARTIAL_SUFFIX}"
        try:
            with partial.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(self.path / name)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def remove(self, name: str) -> None:
        """Remove a file if it is there.

        Parameters
        ----------
        name : `str`
            Its name in this directory.
        """
        (self.path / name).unlink(missing_ok=True)

    def remove_partial_files(self) -> None:
        """Remove what an interrupted run left half-written."""
        for partial in self.path.glob(f".*{_PARTIAL_SUFFIX}"):
            partial.unlink(missing_ok=True)

    def pictures(self) -> set[str]:
        """Return the names of the pictures that are here."""
        with os.scandir(self.path) as entries:
            return {entry.name for entry in entries if entry.name.endswith(".png") and entry.name[0] != "."}
