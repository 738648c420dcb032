"""The directory of a run: how its files are named, each of them whole whenever it can be seen."""

__all__ = (
    "CHUNK_FOLDER",
    "LIST_PATH",
    "PICTURE_PATH",
    "OutputDirectory",
    "PictureNames",
    "panel_path",
    "picture_key",
)

import base64
import codecs
import csv
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from posixpath import basename
from typing import IO, Final, Self

from ..domain import PANELS, CutoutsError

CHUNK_FOLDER: Final = re.compile(r"-?\d+--?\d+|part-\d{4,}")
"""The name of a folder for pictures."""

PICTURE_PATH: Final = re.compile(rf"(({CHUNK_FOLDER.pattern})/)?[\w-]+\.png")
"""The path of a picture in the directory of a run: there, or in a folder for pictures."""

LIST_PATH: Final = re.compile(rf"(({CHUNK_FOLDER.pattern})/)?manifest[\w-]*\.csv")
"""The path of a file of the manifest: ``manifest.csv`` or a numbered one, there or in such a folder."""

_PANEL_ENDS: Final = tuple(f"_{panel}" for panel in PANELS)
_KEY_BYTES: Final = 10
"""Of a keyed hash; among a million keys two are equal once in a trillion."""

_PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True, slots=True)
class PictureNames:
    """How pictures are named, and which folders they go to."""

    chunk_size: int | None = None
    """How many successive identifiers share a folder."""
    chunk_sources: int | None = None
    """How many sources share a folder, whatever their identifiers."""
    secret: bytes | None = None
    """What makes keys in place of identifiers; `None` for identifiers."""

    def name(self, diaSourceId: int) -> str:
        """Return what a picture is called.

        Returns: the identifier, or, with a secret, letters and digits that say nothing about it to anybody
        else: a keyed hash (HMAC, RFC 2104).
        """
        if self.secret is None:  # a name that begins with a minus is an option to most programs
            return str(diaSourceId) if diaSourceId >= 0 else f"position_{-diaSourceId}"
        digest = hmac.digest(self.secret, str(diaSourceId).encode(), hashlib.sha256)
        return base64.b32encode(digest[:_KEY_BYTES]).decode().lower()

    def path(self, diaSourceId: int, number: int | None = None) -> str:
        """Return the path of a picture, relative to the directory of the run.

        ``number``: the running number of the source in the directory, from 0, which `chunk_sources` needs.
        Returns: the path, with ``/`` between folder and name.
        """
        # A folder must not have the name that panoptes finds in the cell of an identifier; it would take
        # that cell for one of a file.
        folder = ""
        if self.chunk_size is not None:
            first = diaSourceId // self.chunk_size * self.chunk_size
            folder = f"{first}-{first + self.chunk_size - 1}/"
        elif self.chunk_sources is not None:
            assert number is not None
            folder = f"part-{number // self.chunk_sources + 1:04d}/"
        return f"{folder}{self.name(diaSourceId)}.png"


def panel_path(path: str, panel: str) -> str:
    """Return the path of the picture of one panel.

    ``panel``: one of ``PANELS``.
    """
    return f"{path.removesuffix('.png')}_{panel}.png"


def picture_key(path: str) -> str:
    """Return what a picture is called, without folder, panel and suffix: an identifier or a key."""
    name = basename(path).removesuffix(".png")
    return next((name.removesuffix(end) for end in _PANEL_ENDS if name.endswith(end)), name)


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
            raise CutoutsError(
                f"Output directory {self.path} cannot be made: {error.strerror}. Give another one."
            ) from error
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
        """Return what a file holds; raise `CutoutsError` when it cannot be read."""
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
        """Remove files, as far as they are there; raise `CutoutsError` when one cannot be removed."""
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
