"""Catalogues in Parquet files, in folders of them and in HATS."""

__all__ = ("PARQUET_SUFFIXES", "scan_parquet")

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ._synonyms import names_there

if TYPE_CHECKING:
    import pyarrow.dataset as ds
    from pyarrow.fs import FileSystem

PARQUET_SUFFIXES: Final = (".parquet", ".parq", ".pq")
"""Suffixes that tell a Parquet file."""

_HIDDEN: Final = (".", "_", "data_thumbnail")
"""How names of files begin that are no part of a catalogue. The last are some
rows of a HATS catalogue, kept apart as a sample."""


def scan_parquet(path: str, filesystem: Any, columns: Collection[str] | None) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet file or a folder of such files.

    ``path``: the file or folder. Its folders may be named for values, as ``visit=42/``. A folder may also be
    the root of a HATS catalogue (https://hats.readthedocs.io), or of a collection of these, whose primary
    table is then meant. ``filesystem``: where it is; here when `None`. ``columns``: columns by their current
    names that are wanted, as far as they are there; all when `None`. Yields: some rows, with the names that
    they have in the files. Raises `CutoutsError` when there is no Parquet file.
    """
    import pyarrow.dataset as ds
    from pyarrow import fs

    place: FileSystem = fs.LocalFileSystem()
    if filesystem is not None:
        place = fs.PyFileSystem(fs.FSSpecHandler(filesystem))
    if place.get_file_info(path).type is fs.FileType.Directory:
        root = _hats_root(place, path)
        partitioning = "hive" if root is None else None  # those of HATS are healpixels
        source: str | list[str] = _files(place, path if root is None else root)
    else:
        partitioning, source = None, path
    dataset = ds.dataset(source, filesystem=place, format="parquet", partitioning=partitioning)
    fragments = list(dataset.get_fragments())
    schemas = [fragment.physical_schema for fragment in fragments]
    everywhere = dict.fromkeys(name for schema in schemas for name in (*schema.names, *_ranges(schema)))
    is_empty = True
    # One by one: files of different ages have different columns and types.
    for fragment in fragments:
        for table in _read_fragment(fragment, list(everywhere), columns):
            if len(table):
                is_empty = False
                yield table
    if is_empty:
        yield table  # it says at least which columns there are


def _read_fragment(
    fragment: "ds.Fragment", everywhere: Sequence[str], columns: Collection[str] | None
) -> Iterator[pa.Table]:
    """Yield the rows of a file, and at last a table without any.

    Columns that only other files have are null.
    """
    import pyarrow.dataset as ds

    folders = ds.get_partition_keys(fragment.partition_expression)
    names = [*(name for name in everywhere if name not in folders), *folders]
    wanted = names if columns is None else names_there(names, columns)
    schema = fragment.physical_schema
    there = [name for name in wanted if name not in folders and name in schema.names]
    ranges, row = _ranges(schema), 0
    tables = (pa.Table.from_batches([batch]) for batch in fragment.to_batches(columns=there))
    for table in chain(tables, [schema.empty_table().select(there)]):
        rows = slice(row, row := row + len(table))
        for name in wanted:
            if name in there:
                continue
            if name in ranges:
                values = pa.array(ranges[name][rows], pa.int64())
            else:
                value = pa.scalar(folders.get(name))
                values = pa.array([value.as_py()] * len(table), value.type)
            table = table.append_column(name, values)
        yield table


def _ranges(schema: pa.Schema) -> dict[str, range]:
    """Return the indices of a data frame that pandas does not write as columns, as their steps are equal."""
    kept = (schema.pandas_metadata or {}).get("index_columns", [])
    return {
        each["name"]: range(each["start"], each["stop"], each["step"])
        for each in kept
        if isinstance(each, dict) and each["kind"] == "range" and each["name"]
    }


def _hats_root(place: "FileSystem", path: str) -> str | None:
    """Return where the files of a HATS catalogue are, if this is the root of one."""
    from pyarrow import fs

    def find(name: str) -> str | None:
        found = posixpath.join(path, name)
        return None if place.get_file_info(found).type is fs.FileType.NotFound else found

    if (collection := find("collection.properties")) is not None:
        with place.open_input_stream(collection) as stream:
            text = stream.read().decode(errors="replace")
        primary = re.search(r"^hats_primary_table_url *= *([\w.-]+) *$", text, re.MULTILINE)
        if primary is not None and primary[1] != "..":
            return _hats_root(place, posixpath.join(path, primary[1]))
    return find("dataset") if find("hats.properties") or find("properties") else None


def _files(place: "FileSystem", folder: str) -> list[str]:
    from pyarrow import fs

    found = [
        info.path
        for info in place.get_file_info(fs.FileSelector(folder, recursive=True))
        if info.type is fs.FileType.File
        and info.path.lower().endswith(PARQUET_SUFFIXES)
        and not any(part.startswith(_HIDDEN) for part in info.path[len(folder) :].split("/") if part)
    ]
    if not found:
        raise CutoutsError(f"it has no file with the suffix {' or '.join(PARQUET_SUFFIXES)}")
    return sorted(found)
