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
from ..messages import cause_of, no_such
from ._arrays import join_tables
from ._astropy_files import read_ecsv, read_fits, read_votable
from ._catalog import TableCatalog
from ._columns import Meanings, Standardizer
from ._csv import read_csv
from ._parquet import PARQUET_SUFFIXES, scan_parquet
from ._selection import Selection
from ._tables import as_arrow

SQLITE_SUFFIXES: Final = (".sqlite3", ".sqlite", ".db", ".db3")
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
    meanings = meanings or Meanings()
    name = os.path.expanduser(path)
    is_uri = "://" in name
    is_folder = name.endswith("/") if is_uri else Path(name).is_dir()
    suffix = PARQUET_SUFFIXES[0] if is_folder else _suffix(name)
    if not is_uri and not Path(name).exists():
        raise CutoutsError(no_such("catalogue", path))
    if suffix in SQLITE_SUFFIXES:
        raise CutoutsError(
            f"Catalogue {path} is a database: open it as an SQLite file.", choices=("sqlitefile",)
        )
    if suffix not in _SUFFIXES:
        raise CutoutsError(
            f"The kind of catalogue {path} is unknown: its suffix {suffix!r} is none of "
            f"{', '.join(_SUFFIXES)}. Rename or convert it."
        )
    # Only of Parquet there is more than one table.
    standardizer = Standardizer(meanings, whole=suffix in _READERS)

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterator[pa.Table]:
        standardizer.begin()
        wanted = None if columns is None else meanings.columns_for(columns)
        for table in _tables(name, is_uri, is_folder, suffix, wanted):
            try:
                standard = standardizer(table)
            except CutoutsError as error:
                raise CutoutsError(f"{name}: {error}") from error
            yield standard

    return TableCatalog(tables)


def _tables(
    name: str, is_uri: bool, is_folder: bool, suffix: str, columns: Collection[str] | None
) -> Iterator[pa.Table]:
    """Yield the tables of a catalogue as they are."""
    path, filesystem = name, None
    with ExitStack() as stack:
        try:
            if is_uri:
                from lsst.resources import ResourcePath

                place = ResourcePath(name, forceDirectory=is_folder)
                if is_folder:
                    filesystem, path = place.to_fsspec()
                else:
                    path = stack.enter_context(place.as_local()).ospath
            yield from _read(path if is_folder else _plain(Path(path), stack), suffix, filesystem, columns)
        except Exception as error:  # each format has its own for what is wrong with a file
            remedy = (
                "" if is_uri or isinstance(error, CutoutsError) else " Is it whole, and its suffix right?"
            )
            message = (
                f"Catalogue {name} cannot be read as {suffix[1:]}: {cause_of(error).rstrip('.?')}.{remedy}"
            )
            raise CutoutsError(message) from error


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
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
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
