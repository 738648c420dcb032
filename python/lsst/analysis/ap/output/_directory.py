"""Files that are whole whenever they can be seen."""

__all__ = ("OutputDirectory",)

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

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
        """Local folder of the files."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CutoutsError(f"Output directory {self.path} cannot be made: {error.strerror}.") from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise CutoutsError(f"Output directory {self.path} cannot be written to: check its permissions.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def name(self) -> str:
        """Where it is, for messages."""
        return str(self.path)

    def fetch(self, name: str) -> None:
        """Bring a file to `path`, where a local directory has it already.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        """

    def save(self, name: str, *, now: bool = False) -> None:
        """Keep a file of `path`, where a local directory has it already.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        now : `bool`, optional
            Whether it must not wait.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file.

        Parameters
        ----------
        name : `str`
            Its path in this directory; folders on the way are made.
        content : `bytes`
            What it holds.

        Raises
        ------
        CutoutsError
            Raised when the disk does not take it; no file of that name
            appears, and one that was there stays as it was.
        """
        with self.open(name) as stream:
            stream.write(content)

    @contextmanager
    def open(self, name: str, *, durable: bool = False) -> Iterator[IO[bytes]]:
        """Open a file that gets its name when all of it is written.

        Parameters
        ----------
        name : `str`
            Its path in this directory; folders on the way are made.
        durable : `bool`, optional
            Whether to wait until the file would outlive a power failure. A
            killed process needs no such wait.

        Yields
        ------
        stream : `typing.IO`
            What to write to.

        Raises
        ------
        CutoutsError
            Raised when the disk does not take it.
        """
        path = self.path / name
        partial = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL_SUFFIX}")
        try:
            stream = self._create(partial)
            with stream:
                yield stream
                stream.flush()
                if durable:
                    os.fsync(stream.fileno())
            partial.replace(path)
        except OSError as error:
            _discard(partial)
            raise CutoutsError(
                f"{path} cannot be written: {error.strerror or error}. What was written before it is safe: "
                "mend that and run the same command again."
            ) from None
        except BaseException:
            _discard(partial)
            raise

    def remove(self, name: str) -> None:
        """Remove a file if it is there.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        """
        (self.path / name).unlink(missing_ok=True)

    def size(self, name: str) -> int | None:
        """Return the number of bytes of a file, `None` if it is not there.

        Parameters
        ----------
        name : `str`
            Its path in this directory.

        Returns
        -------
        size : `int` or `None`
            Its size.
        """
        try:
            return (self.path / name).stat().st_size
        except OSError:
            return None

    def find(self, pattern: str) -> set[str]:
        """Return the files of a pattern, in any folder.

        Parameters
        ----------
        pattern : `str`
            Pattern of the file's name, as a shell has it.

        Returns
        -------
        names : `set` [`str`]
            Their paths in this directory.
        """
        return {path.relative_to(self.path).as_posix() for path in self.path.rglob(pattern)}

    def remove_partial_files(self) -> None:
        """Remove what an interrupted run left half-written."""
        for partial in self.path.rglob(f".*{_PARTIAL_SUFFIX}"):
            partial.unlink(missing_ok=True)

    @staticmethod
    def _create(path: Path) -> IO[bytes]:
        try:
            return path.open("wb")
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb")


def _discard(partial: Path) -> None:
    with suppress(OSError):  # the error that brought us here is the one to tell
        partial.unlink()
