"""What opens an output directory, which may be in an object store or on a web server."""

__all__ = ("is_uri", "open_directory")

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import batched
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from ..domain import CutoutsError
from ..messages import public_uri, waiting_for
from ._directory import OutputDirectory

if TYPE_CHECKING:
    from lsst.resources import ResourceInfo, ResourcePath

_REQUESTS: Final = 1000
"""How many files a server is asked for at a time."""


class RemoteDirectory(OutputDirectory):
    """A directory behind a URI.

    Files are written to a local folder first, and are sent when they are whole, so that nothing half-written
    is ever seen. The journal is worked on locally as well and is sent now and then: what a killed run had not
    yet told it is made again. Before it is sent, it is looked whether another run has sent its own.

    ``staging``: the local folder of the same run in another process.
    """

    def __init__(self, root: "ResourcePath", staging: Path | None = None) -> None:
        self._owns_staging = staging is None
        super().__init__(staging or tempfile.mkdtemp(prefix="cutouts-"))
        self._root = root
        self._next_save = 0.0
        self._known: dict[str, ResourceInfo | None] = {}  # of files that are saved, how they were left

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._root, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._owns_staging:
            shutil.rmtree(self.path, ignore_errors=True)

    @property
    def name(self) -> str:
        """Its URI, without a password."""
        return public_uri(self._root)

    @property
    def is_local(self) -> bool:
        # Docstring inherited.
        return False

    @contextmanager
    def open(self, name: str, *, durable: bool = False) -> Iterator[IO[bytes]]:
        """Open a file that is sent when all of it is written.

        ``durable``: not used: what has been sent is the server's to keep. Raises `CutoutsError` when the
        server does not take it.
        """
        with super().open(name) as stream:
            yield stream
        self._send(name)
        super().remove([name])

    def has(self, name: str) -> bool:
        # Docstring inherited.
        return bool(self._find([name]))

    def read(self, name: str) -> bytes:
        # Docstring inherited.
        with self._explained(f"read {self._root.join(name)}"):
            return self._root.join(name).read()

    def remove(self, names: Iterable[str]) -> None:
        # Docstring inherited.
        for some in batched(names, _REQUESTS):
            files = self._find(some)
            with self._explained(f"remove files of {self.name}"):
                self._root.mremove(files.values())

    def present(self, sizes: Mapping[str, int]) -> set[str]:
        """Return which files are there.

        ``sizes``: the number of bytes of each, by its path in this directory. Not looked at: a server has a
        whole file or none.
        """
        return {name for some in batched(sizes, _REQUESTS) for name in self._find(some)}

    def _find(self, names: Iterable[str]) -> "dict[str, ResourcePath]":
        """Return those files that are there, asking for many at a time."""
        places = {name: self._root.join(name) for name in names}
        with self._explained(f"look for files in {self.name}"):
            found = self._root.mexists(places.values())
        return {name: place for name, place in places.items() if found[place]}

    def fetch(self, name: str) -> None:
        """Bring a file to the local folder, if it is there."""
        with self._explained(f"fetch {public_uri(self._root.join(name))}"):
            self._known[name] = self._info(name)
            if self._known[name] is not None:
                self._local(name).transfer_from(self._root.join(name), "copy", overwrite=True)

    def _local(self, name: str) -> "ResourcePath":
        from lsst.resources import ResourcePath

        return ResourcePath(self.path / name)

    def _info(self, name: str) -> "ResourceInfo | None":
        try:
            return self._root.join(name).get_info()
        except FileNotFoundError:
            return None

    def save(self, name: str, *, now: bool = False) -> None:
        """Send a file of the local folder, though not too often.

        ``now``: whether to send it however recently it was sent.
        """
        start = time.monotonic()
        if now or start >= self._next_save:
            file = self._root.join(name)
            with self._explained(f"write {public_uri(file)}"):
                if self._info(name) != self._known[name]:
                    raise CutoutsError(
                        f"Another run is writing to {self.name}. When it has ended, run the same command "
                        "again."
                    )
                if self._known[name] is None:
                    self._send(name)  # which also makes the folders on the way
                else:
                    file.transfer_from(self._local(name), "copy", overwrite=True)
                self._known[name] = self._info(name)
            # A large journal takes at most a twentieth of the time.
            self._next_save = time.monotonic() + max(10.0, 20 * (time.monotonic() - start))

    def _send(self, name: str) -> None:
        with self._explained(f"write {public_uri(self._root.join(name))}"):
            self._root.join(name).write((self.path / name).read_bytes())

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            with waiting_for(f"{self.name}, to {what}"):
                yield
        except CutoutsError:
            raise
        except Exception as error:  # each kind of server has its own
            while isinstance(error, ExceptionGroup):
                error = error.exceptions[0]
            cause = next(iter(str(error).splitlines()), type(error).__name__)
            raise CutoutsError(
                f"Cannot {what}: {cause}. Check the URI and your credentials. What "
                "was written before is safe: the same command again goes on from there."
            ) from error


def is_uri(place: str | os.PathLike[str]) -> bool:
    """Return whether a place is a URI, with a scheme, rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", os.fspath(place)) is not None


def open_directory(place: str | os.PathLike[str]) -> OutputDirectory:
    """Return the directory at a path or a URI.

    ``place``: a path, or a URI that `lsst.resources` can write to (``s3://``, ``https://`` with WebDAV,
    ``file://``). Returns: the directory, to be used as a context manager. Raises `CutoutsError` when it
    cannot be made, or not be written to.
    """
    if not isinstance(place, str | os.PathLike):
        raise CutoutsError(f"The output directory is a {type(place).__name__}, not a path.")
    if not os.fspath(place):
        raise CutoutsError("The name of the output directory is empty: give one, such as '.' for this one.")
    if not is_uri(place):
        return OutputDirectory(Path(place))
    from lsst.resources import ResourcePath

    try:
        root = ResourcePath(os.fspath(place), forceDirectory=True)
        return OutputDirectory(root.ospath) if root.isLocal else RemoteDirectory(root)
    except (ImportError, NotImplementedError, ValueError) as error:
        raise CutoutsError(
            f"Output directory {public_uri(place)} cannot be used: {error}. s3:// needs boto3; https:// "
            "needs pip install 'lsst-resources[https]'."
        ) from error
