"""DiaSource catalogues in files."""

__all__ = ("open_catalog", "read_catalog", "read_identifiers")

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ..domain import CutoutsError, UnreadableError
from ._ccd_visit import CcdVisitPacker
from ._columns import renamed
from ._flag_map import FlagMap
from ._selection import Selection
from ._table_catalog import TableCatalog
from ._tables import arrow_tables

_ASTROPY_FORMATS: Final = {
    ".ecsv": "ascii.ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".vot": "votable",
    ".vo": "votable",
    ".xml": "votable",
}
_PARQUET: Final = (".parquet", ".parq", ".pq")
_ERRORS: Final = (OSError, ValueError, TypeError, KeyError, IndexError, ImportError)


def read_catalog(path: str | Path) -> pa.Table:
    """Read a DiaSource catalogue.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        See `open_catalog`.

    Returns
    -------
    table : `pyarrow.Table`
        All its rows, with the column names of today.

    Raises
    ------
    CutoutsError
        Raised when there is no such file, when it cannot be read, or when it
        lacks a required column.
    """
    return pa.concat_tables(_Reader(path, None, None).tables(None), promote_options="permissive")


def open_catalog(
    path: str | Path, *, flag_map: FlagMap | None = None, packer: CcdVisitPacker | None = None
) -> TableCatalog:
    """Open a DiaSource catalogue.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        A Parquet, CSV, ECSV, FITS or VOTable file, told by its suffix, or a
        folder of Parquet files, whose folders may be named for values, as
        ``visit=42/``. A URI that `lsst.resources` reads serves as well; that
        of a folder ends in a slash.
    flag_map : `FlagMap`, optional
        What the bits of an integer column of flags mean.
    packer : `CcdVisitPacker`, optional
        What a column ``ccdVisitId`` means.

    Returns
    -------
    catalog : `TableCatalog`
        The catalogue. Of Parquet only the columns and rows that are selected
        are held in memory.

    Raises
    ------
    CutoutsError
        Raised when there is no such file, or it is of an unknown kind.
    """
    reader = _Reader(path, flag_map, packer)

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterable[pa.Table]:
        return reader.tables(columns)

    return TableCatalog(tables)


def read_identifiers(words: str, what: str = "diaSourceId") -> tuple[int, ...]:
    """Read a list of identifiers.

    Parameters
    ----------
    words : `str`
        Numbers with commas between them, or a file: of text with one number
        on each line, or a catalogue that has them as a column.
    what : `str`, optional
        Name of that column.

    Returns
    -------
    identifiers : `tuple` [`int`, ...]
        The numbers.

    Raises
    ------
    UnreadableError
        Raised when they cannot be read.
    CutoutsError
        Raised when they are no 64-bit integers.
    """
    path = Path(words)
    if path.suffix.lower() in _PARQUET or path.suffix.lower() in _ASTROPY_FORMATS:
        return _identifiers_of_table(path, what)
    try:
        text = path.read_text() if path.is_file() else words
    except (OSError, UnicodeError) as error:
        raise UnreadableError(f"The identifiers in {words} cannot be read: {error}") from None
    lines = [line.split("#")[0].replace(",", " ").split() for line in text.splitlines()]
    header = [word.strip("\"'") for word in lines[0]] if lines else []
    if path.is_file() and what in renamed(header):
        return _identifiers_of_table(path, what)
    found = [word for line in lines for word in line]
    try:
        identifiers = tuple(int(word) for word in found)
    except ValueError:
        wrong = next((word for word in found if not word.lstrip("+-").isdecimal()), words[:80])
        if not path.is_file() and len(found) == 1:
            raise UnreadableError(f"There is no file {words}, and it is no {what}.") from None
        raise CutoutsError(f"{wrong!r} in {words[:80]} is no {what}: give whole numbers.") from None
    if not identifiers:
        raise CutoutsError(f"There is no {what} in {words!r}.")
    if not all(-(2**63) <= identifier < 2**63 for identifier in identifiers):
        raise CutoutsError(f"A {what} in {words[:80]} does not fit into 64 bits.")
    return identifiers


def _identifiers_of_table(path: Path, what: str) -> tuple[int, ...]:
    try:
        if path.suffix.lower() in _PARQUET:
            import pyarrow.parquet as pq

            table = pq.read_table(path)
        elif path.suffix.lower() in _ASTROPY_FORMATS:
            from astropy.table import Table

            found = Table.read(path, format=_ASTROPY_FORMATS[path.suffix.lower()])
            table = pa.table({name: found[name].tolist() for name in found.colnames if found[name].ndim == 1})
        else:
            import pyarrow.csv

            table = pyarrow.csv.read_csv(path)
        table = table.rename_columns(renamed(table.column_names))
        return tuple(table.column(what).cast(pa.int64()).drop_null().to_pylist())
    except _ERRORS as error:
        raise UnreadableError(f"The identifiers {what} in {path} cannot be read: {error}") from None


class _Reader:
    """Reads one catalogue, again when asked again."""

    def __init__(self, path: str | Path, flag_map: FlagMap | None, packer: CcdVisitPacker | None) -> None:
        self._name = str(path)
        self._standards = (flag_map, packer)
        self._is_uri = "://" in self._name
        self._is_folder = self._name.endswith("/") if self._is_uri else Path(path).is_dir()
        self._suffix = Path(self._name.partition("?")[0]).suffix.lower()
        if not self._is_uri and not Path(path).exists():
            raise CutoutsError(f"There is no catalogue {path}. Check the path.")
        if not self._is_folder and self._suffix not in (*_PARQUET, ".csv", *_ASTROPY_FORMATS):
            raise CutoutsError(
                f"The kind of catalogue {path} is unknown: its suffix {self._suffix!r} is none of "
                f".parquet, .csv, {', '.join(_ASTROPY_FORMATS)}. Rename or convert it."
            )

    def tables(self, columns: Collection[str] | None) -> Iterator[pa.Table]:
        with ExitStack() as stack:
            try:
                read = self._open(stack)
                found = iter(read(columns))
            except _ERRORS as error:
                raise self._unreadable(error) from error
            while True:
                try:
                    table = next(found)
                except StopIteration:
                    return
                except _ERRORS as error:
                    raise self._unreadable(error) from error
                try:
                    (standard,) = arrow_tables(table, *self._standards)
                except CutoutsError as error:
                    raise CutoutsError(f"{self._name}: {error}") from None
                yield standard

    def _open(self, stack: ExitStack) -> Callable[[Collection[str] | None], Iterable[Any]]:
        if self._is_folder or self._suffix in _PARQUET:
            return lambda columns: _scan_parquet(*self._dataset_place(stack), self._wanted(columns))
        path = self._local(stack)
        if self._suffix == ".csv":
            import pyarrow.csv

            return lambda columns: [pyarrow.csv.read_csv(path)]
        from astropy.table import Table

        return lambda columns: [Table.read(path, format=_ASTROPY_FORMATS[self._suffix])]

    def _wanted(self, columns: Collection[str] | None) -> Collection[str] | None:
        """Return the columns, and those that they may be packed in."""
        flag_map, _ = self._standards
        packed = {"ccdVisitId"} if flag_map is None else {"ccdVisitId", flag_map.column}
        return None if columns is None else {*columns, *packed}

    def _dataset_place(self, stack: ExitStack) -> tuple[str, Any]:
        if self._is_folder and self._is_uri:
            from lsst.resources import ResourcePath

            filesystem, path = ResourcePath(self._name, forceDirectory=True).to_fsspec()
            return path, filesystem
        return str(self._local(stack)), None

    def _local(self, stack: ExitStack) -> Path:
        if not self._is_uri:
            return Path(self._name)
        from lsst.resources import ResourcePath

        return Path(stack.enter_context(ResourcePath(self._name).as_local()).ospath)

    def _unreadable(self, error: Exception) -> CutoutsError:
        kind = "parquet" if self._is_folder else self._suffix[1:]
        cause = " ".join(str(error).split()) or type(error).__name__
        return CutoutsError(f"Catalogue {self._name} cannot be read as {kind}: {cause}")


def _scan_parquet(path: str, filesystem: Any, columns: Collection[str] | None) -> Iterator[pa.Table]:
    import pyarrow.dataset as ds

    dataset = ds.dataset(path, filesystem=filesystem, format="parquet", partitioning="hive")
    # Files of different ages may lack columns that others have.
    schemas = [dataset.schema, *(fragment.physical_schema for fragment in dataset.get_fragments())]
    dataset = dataset.replace_schema(pa.unify_schemas(schemas, promote_options="permissive"))
    names = dataset.schema.names
    if columns is not None:
        names = [name for name, new in zip(names, renamed(names), strict=True) if new in columns]
    batches = dataset.to_batches(columns=names)
    empty = True
    for batch in batches:
        if len(batch):
            empty = False
            yield pa.Table.from_batches([batch])
    if empty:
        yield dataset.schema.empty_table()
