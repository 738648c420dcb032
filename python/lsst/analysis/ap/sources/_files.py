"""DiaSource catalogues in files."""

__all__ = ("SQLITE_SUFFIXES", "open_catalog", "read_file")

import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ..messages import cause_of
from ._arrays import join_tables
from ._astropy_files import read_ecsv, read_fits, read_votable
from ._catalog import TableCatalog
from ._columns import Meanings, Standardizer
from ._csv import read_csv
from ._parquet import PARQUET_SUFFIXES, scan_parquet
from ._selection import Selection
from ._tables import as_arrow

SQLITE_SUFFIXES: Final = (".sqlite3", ".sqlite", ".db")
"""How names of files end that are databases, and neither catalogues nor configurations."""

_READERS: Final[Mapping[str, Callable[[Path], Any]]] = {
    ".csv": lambda path: read_csv(path.read_bytes()),
    ".ecsv": read_ecsv,
    **dict.fromkeys((".fits", ".fit"), read_fits),
    **dict.fromkeys((".vot", ".vo", ".xml"), read_votable),
}
"""What reads the files of each suffix whole."""

_SUFFIXES: Final = (*PARQUET_SUFFIXES, *_READERS)

_MAGIC: Final = b"\x1f\x8b"
_FREE_BYTES: Final = 2**26
_EXPANSION: Final = 50
"""No catalogue compresses better than this; deflate itself goes to 1032."""

_CHUNK: Final = 2**20


def open_catalog(path: str | Path, meanings: Meanings | None = None) -> TableCatalog:
    """Open a DiaSource catalogue.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        A Parquet, CSV, ECSV, FITS or VOTable file, told by its suffix, perhaps compressed with gzip, as
        ``.csv.gz``; or a folder of Parquet files, whose folders may be named for values, as ``visit=42/``, or
        a HATS catalogue. A URI that `lsst.resources` reads serves as well; that of a folder ends in a slash.
    meanings : `Meanings`, optional
        What its columns mean that do not say it themselves.

    Returns
    -------
    catalog : `TableCatalog`
        The catalogue. Of Parquet only the columns and rows that are selected are held in memory.

    Raises
    ------
    CutoutsError
        Raised when there is no such file, or it is of an unknown kind.
    """
    reader = _Reader(path, meanings or Meanings())

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterable[pa.Table]:
        return reader.tables(columns)

    return TableCatalog(tables)


def read_file(path: Path) -> pa.Table | None:
    """Read a table from a file, with the names that it has there.

    Returns: all its rows; `None` where the suffix is that of no table but CSV, which may be mere numbers.
    """
    suffix = _suffix(path.name)
    if suffix not in _SUFFIXES or suffix == ".csv" == path.suffix.lower():
        return None
    with ExitStack() as stack:
        return join_tables(_read(_plain(path, stack), suffix, None, None))


def _suffix(name: str) -> str:
    """Return the suffix that tells the format, whatever it is compressed with."""
    return Path(name.partition("?")[0].lower().removesuffix(".gz")).suffix


def _plain(path: Path, stack: ExitStack) -> Path:
    """Return the file, or a decompressed copy that lasts as long as the stack."""
    if not _is_gzip(path):
        return path
    copy = tempfile.NamedTemporaryFile(suffix=_suffix(path.name))  # noqa: SIM115
    stack.enter_context(copy)
    _limited_gunzip(path, copy)
    copy.flush()
    return Path(copy.name)


def _read(
    path: Path | str, suffix: str, filesystem: Any, columns: Collection[str] | None
) -> Iterable[pa.Table]:
    if suffix in _READERS:
        table = as_arrow(_READERS[suffix](Path(path)))
        assert table is not None
        return [table]
    return scan_parquet(str(path), filesystem, columns)


class _Reader:
    """Reads one catalogue, again when asked again."""

    def __init__(self, path: str | Path, meanings: Meanings) -> None:
        self._name = os.path.expanduser(path)
        self._is_uri = "://" in self._name
        self._is_folder = self._name.endswith("/") if self._is_uri else Path(self._name).is_dir()
        self._suffix = PARQUET_SUFFIXES[0] if self._is_folder else _suffix(self._name)
        self._meanings = meanings
        if not self._is_uri and not Path(self._name).exists():
            raise CutoutsError(f"There is no catalogue {path}. Check the path.")
        if self._suffix in SQLITE_SUFFIXES:
            raise CutoutsError(
                f"Catalogue {path} is a database: open it as an SQLite file.", choices=("sqlitefile",)
            )
        if self._suffix not in _SUFFIXES:
            raise CutoutsError(
                f"The kind of catalogue {path} is unknown: its suffix {self._suffix!r} is none of "
                f"{', '.join(_SUFFIXES)}. Rename or convert it."
            )
        # Only of Parquet there is more than one table.
        self._standardizer = Standardizer(meanings, whole=self._suffix in _READERS)

    def tables(self, columns: Collection[str] | None) -> Iterator[pa.Table]:
        self._standardizer.begin()
        with ExitStack() as stack:
            found = self._found(stack, columns)
            while True:
                try:
                    table = next(found)
                except StopIteration:
                    return
                except Exception as error:  # each format has its own for what is wrong with a file
                    raise self._unreadable(error) from error
                try:
                    standard = self._standardizer(table)
                except CutoutsError as error:
                    raise CutoutsError(f"{self._name}: {error}") from error
                yield standard

    def _found(self, stack: ExitStack, columns: Collection[str] | None) -> Iterator[pa.Table]:
        path, filesystem = self._place(stack)
        wanted = None if columns is None else self._meanings.columns_for(columns)
        yield from _read(path, self._suffix, filesystem, wanted)

    def _place(self, stack: ExitStack) -> tuple[str | Path, Any]:
        """Return where the files are, for as long as the stack lasts."""
        if not self._is_uri:
            return (self._name if self._is_folder else _plain(Path(self._name), stack)), None
        from lsst.resources import ResourcePath

        if self._is_folder:
            filesystem, path = ResourcePath(self._name, forceDirectory=True).to_fsspec()
            return path, filesystem
        local = stack.enter_context(ResourcePath(self._name).as_local()).ospath
        return _plain(Path(local), stack), None

    def _unreadable(self, error: Exception) -> CutoutsError:
        return CutoutsError(f"Catalogue {self._name} cannot be read as {self._suffix[1:]}: {cause_of(error)}")


def _is_gzip(path: Path) -> bool:
    """Return whether a file is compressed with gzip.

    Returns: told by its first bytes.
    """
    with path.open("rb") as stream:
        return stream.read(2) == _MAGIC


def _limited_gunzip(path: Path, target: IO[bytes]) -> None:
    """Decompress a file, if it is not a bomb.

    ``path``: a file compressed with gzip. Raises `CutoutsError` when it is damaged, or expands to over 64 MiB
    and to more than fifty times its size.
    """
    limit = max(_FREE_BYTES, _EXPANSION * path.stat().st_size)
    try:
        with gzip.open(path) as stream:
            total = 0
            while chunk := stream.read(_CHUNK):
                if (total := total + len(chunk)) > limit:
                    raise CutoutsError(f"it expands to over {limit // 2**20} MiB: decompress it yourself")
                target.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise CutoutsError(f"it cannot be decompressed ({error})") from error
