"""An output directory in an object store or on a web server."""

__all__ = ("RemoteDirectory", "open_directory")

import fnmatch
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from ..domain import CutoutsError
from ._directory import OutputDirectory

if TYPE_CHECKING:
    from lsst.resources import ResourcePath


def open_directory(place: str | os.PathLike[str]) -> OutputDirectory:
    """Return the directory at a path or a URI.

    Parameters
    ----------
    place : `str` or `os.PathLike`
        A path, or a URI that `lsst.resources` can write to (``s3://``,
        ``https://`` with WebDAV, ``file://``).

    Returns
    -------
    directory : `OutputDirectory`
        The directory, to be used as a context manager.

    Raises
    ------
    CutoutsError
        Raised when it cannot be made, or not be written to.
    """
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", os.fspath(place))
    if match is None:
        return OutputDirectory(Path(place))
    from lsst.resources import ResourcePath

    try:
        root = ResourcePath(os.fspath(place), forceDirectory=True)
        return OutputDirectory(root.ospath) if root.isLocal else RemoteDirectory(root)
    except (ImportError, NotImplementedError, ValueError) as error:
        raise CutoutsError(
            f"Output directory {place} cannot be used: {error}. s3:// needs boto3; https:// needs "
            "pip install 'lsst-resources[https]'."
        ) from None


class RemoteDirectory(OutputDirectory):
    """A directory behind a URI.

    Files are written to a local folder first, and are sent when they are
    whole, so that nothing half-written is ever seen. The journal is worked
    on locally as well and is sent now and then: what a killed run had not yet
    told it is made again.

    Parameters
    ----------
    root : `lsst.resources.ResourcePath`
        The directory.
    staging : `pathlib.Path`, optional
        The local folder of the same run in another process.
    """

    def __init__(self, root: "ResourcePath", staging: Path | None = None) -> None:
        self._owns_staging = staging is None
        super().__init__(staging or tempfile.mkdtemp(prefix="cutouts-"))
        self._root = root
        self._next_save = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._root, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._owns_staging:
            shutil.rmtree(self.path, ignore_errors=True)

    @property
    def name(self) -> str:
        """Its URI."""
        return str(self._root)

    @contextmanager
    def open(self, name: str, *, durable: bool = False) -> Iterator[IO[bytes]]:
        """Open a file that is sent when all of it is written.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        durable : `bool`, optional
            Not used: what has been sent is the server's to keep.

        Yields
        ------
        stream : `typing.IO`
            What to write to.

        Raises
        ------
        CutoutsError
            Raised when the server does not take it.
        """
        with super().open(name) as stream:
            yield stream
        self._send(name)
        super().remove(name)

    def remove(self, name: str) -> None:
        """Remove a file if it is there.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        """
        with self._explained("remove", name):
            if (file := self._root.join(name)).exists():
                file.remove()

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
        with self._explained("look for", name):
            try:
                return int(self._root.join(name).size())
            except FileNotFoundError:
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
        with self._explained("list", pattern):
            found = self._root.findFileResources([self._root], file_filter=fnmatch.translate(pattern))
            return {str(file.relative_to(self._root)) for file in found}

    def fetch(self, name: str) -> None:
        """Bring a file to the local folder, if it is there.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        """
        with self._explained("fetch", name):
            if (file := self._root.join(name)).exists():
                (self.path / name).write_bytes(file.read())

    def save(self, name: str, *, now: bool = False) -> None:
        """Send a file of the local folder, though not too often.

        Parameters
        ----------
        name : `str`
            Its path in this directory.
        now : `bool`, optional
            Whether to send it however recently it was sent.
        """
        start = time.monotonic()
        if now or start >= self._next_save:
            self._send(name)
            # A large journal takes at most a twentieth of the time.
            self._next_save = time.monotonic() + max(10.0, 20 * (time.monotonic() - start))

    def _send(self, name: str) -> None:
        with self._explained("write", name):
            self._root.join(name).write((self.path / name).read_bytes())

    @contextmanager
    def _explained(self, what: str, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of server has its own
            cause = next(iter(str(error).splitlines()), type(error).__name__)
            raise CutoutsError(
                f"Cannot {what} {self._root.join(name)}: {cause}. Check the URI and your credentials. What "
                "was written before is safe: the same command again goes on from there."
            ) from None
