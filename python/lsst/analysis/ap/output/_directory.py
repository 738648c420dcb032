"""Files that are whole whenever they can be seen."""

__all__ = ("OutputDirectory", "is_uri", "open_directory")

import codecs
import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from ..domain import CutoutsError
from ..messages import public_uri
from ._pictures import CHUNK_FOLDER

_PARTIAL_SUFFIX = ".partial"


class OutputDirectory:
    """A directory in which nothing half-written is seen under its final name.

    ``path``: the directory; it is made when it does not exist. Raises `CutoutsError` when the directory
    cannot be made or written to.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.expanduser(path))
        """Local folder of the files."""
        if (self.path / "butler.yaml").exists():
            raise CutoutsError(
                f"Output directory {self.path} is a butler repository: give another directory."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CutoutsError(f"Output directory {self.path} cannot be made: {error.strerror}.") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise CutoutsError(f"Output directory {self.path} cannot be written to: check its permissions.")
        self._status = self.path.stat()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def name(self) -> str:
        """Where it is, for messages."""
        return str(self.path)

    @property
    def is_local(self) -> bool:
        """Whether its files are on a disk of this machine."""
        return True

    def check(self) -> None:
        """Find out whether the directory is still the one that was opened.

        Raises `CutoutsError` when it was removed, moved or unmounted: what is written to its path would be
        lost, or fill the disk below.
        """
        with suppress(OSError):
            if os.path.samestat(self.path.stat(), self._status):
                return
        raise CutoutsError(
            f"Output directory {self.path} is gone, or another has taken its place. Bring it back and "
            "run the same command again."
        )

    def fetch(self, name: str) -> None:
        """Bring a file to `path`, where a local directory has it already."""

    def save(self, name: str, *, now: bool = False) -> None:
        """Keep a file of `path`, where a local directory has it already.

        ``now``: whether it must not wait.
        """

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        return (self.path / name).exists()

    def read(self, name: str) -> bytes:
        """Return what a file holds.

        Raises `CutoutsError` when it cannot be read.
        """
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise CutoutsError(f"{self.path / name} cannot be read: {error.strerror}.") from error

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file.

        ``name``: its path in this directory; folders on the way are made. Raises `CutoutsError` when the disk
        does not take it; no file of that name appears, and one that was there stays as it was.
        """
        with self.open(name) as stream:
            stream.write(content)

    @contextmanager
    def open(self, name: str, *, durable: bool = False) -> Iterator[IO[bytes]]:
        """Open a file that gets its name when all of it is written.

        ``name``: its path in this directory; folders on the way are made. ``durable``: whether to wait until
        the file would outlive a power failure. A killed process needs no such wait. Raises `CutoutsError`
        when the disk does not take it, or the directory is gone.
        """
        path = self.path / name
        partial = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL_SUFFIX}")
        self.check()
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
            self.check()  # it may have gone since
            raise CutoutsError(
                f"{path} cannot be written: {error.strerror or error}. What was written before it is safe: "
                "mend that and run the same command again."
            ) from error
        except BaseException:
            _discard(partial)
            raise

    def write_csv(self, name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write a table as comma-separated values, durably."""
        with self.open(name, durable=True) as stream:
            writer = csv.writer(codecs.getwriter("utf-8")(stream), lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, as far as they are there.

        Raises `CutoutsError` when one of them cannot be removed.
        """
        for name in names:
            _unlink(self.path / name)

    def present(self, sizes: Mapping[str, int]) -> set[str]:
        """Return which files are there as they were written.

        ``sizes``: the number of bytes of each, by its path in this directory. Returns: those of them that are
        there, and whole.
        """
        return {name for name, size in sizes.items() if _size(self.path / name) == size}

    def remove_partial_files(self) -> None:
        """Remove what an interrupted run left half-written.

        Raises `CutoutsError` when one of them cannot be removed.
        """
        # Not in all folders: one may be the directory of another run, which is at work.
        folders = [self.path, *(path for path in self.path.iterdir() if CHUNK_FOLDER.fullmatch(path.name))]
        for folder in folders:
            for partial in folder.glob(f".*{_PARTIAL_SUFFIX}"):
                _unlink(partial)

    def _create(self, path: Path) -> IO[bytes]:
        try:
            return path.open("wb")
        except FileNotFoundError:
            if path.parent == self.path:
                raise
            path.parent.mkdir(exist_ok=True)
            return path.open("wb")


def is_uri(place: str | os.PathLike[str]) -> bool:
    """Return whether a place is a URI rather than a path.

    Returns: whether it has a scheme.
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", os.fspath(place)) is not None


def open_directory(place: str | os.PathLike[str]) -> OutputDirectory:
    """Return the directory at a path or a URI.

    ``place``: a path, or a URI that `lsst.resources` can write to (``s3://``, ``https://`` with WebDAV,
    ``file://``). Returns: the directory, to be used as a context manager. Raises `CutoutsError` when it
    cannot be made, or not be written to.
    """
    if not os.fspath(place):
        raise CutoutsError("The name of the output directory is empty: give one, such as '.' for this one.")
    if not is_uri(place):
        return OutputDirectory(Path(place))
    from lsst.resources import ResourcePath

    from ._remote import RemoteDirectory

    try:
        root = ResourcePath(os.fspath(place), forceDirectory=True)
        return OutputDirectory(root.ospath) if root.isLocal else RemoteDirectory(root)
    except (ImportError, NotImplementedError, ValueError) as error:
        raise CutoutsError(
            f"Output directory {public_uri(place)} cannot be used: {error}. s3:// needs boto3; https:// "
            "needs pip install 'lsst-resources[https]'."
        ) from error


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CutoutsError(
            f"{path} cannot be removed: {error.strerror}. Mend that and run the same command again."
        ) from error


def _discard(partial: Path) -> None:
    with suppress(OSError):  # the error that brought us here is the one to tell
        partial.unlink()
