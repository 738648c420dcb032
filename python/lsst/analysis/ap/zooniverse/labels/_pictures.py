"""The pictures of a directory, as a table in the order of its manifest."""

__all__ = ("Pictures", "read_pictures")

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from ...domain import PANELS, CutoutsError
from ...messages import cause_of
from ...output import Journal, OutputDirectory, Picture
from ...output._journal_tables import typed
from .._ledger import Ledger

_CHUNK: Final = 4096
_PATH: Final = "path of the picture"
_PLACE: Final = {
    "diaSourceId": pa.int64(),
    "instrument": pa.string(),
    "visit": pa.int64(),
    "detector": pa.int64(),
}
_NOT_THE_NAME: Final = rf"^.*/|(_({'|'.join(PANELS)}))?\.png$"


@dataclass(frozen=True, eq=False)
class Pictures:
    """One row for each picture, in the order of the manifest."""

    catalogue: pa.Table
    """What is known of each source: ``diaSourceId``, ``instrument``, ``visit``, ``detector`` and the columns
    of the manifest, as numbers where they are numbers."""
    names: pa.Array
    """Name of each picture, without folder and suffix."""
    sent: Mapping[int, int]
    """The diaSourceId of each subject that was made of these pictures, as far as the directory knows."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """The diaSourceId of each row."""
        return np.asarray(self.catalogue.column("diaSourceId").to_numpy())

    @cached_property
    def _ascending(self) -> NDArray[np.int64]:
        return np.argsort(self.ids)

    @cached_property
    def rows_by_name(self) -> Mapping[str, int]:
        """The row of each name."""
        return {name: row for row, name in enumerate(self.names.to_pylist())}

    def find(self, ids: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the rows of sources, -1 where there is none."""
        order = self._ascending
        rows = order[np.minimum(np.searchsorted(self.ids, ids, sorter=order), len(order) - 1)]
        return np.where(self.ids[rows] == ids, rows, -1).astype(np.int32)

    def numbers(self, column: str) -> NDArray[np.float64] | None:
        """Return a column of numbers, NaN where there is none; `None` without such a column."""
        if column not in self.catalogue.column_names:
            return None
        values = self.catalogue.column(column)
        if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            return None
        return np.asarray(values.cast(pa.float64(), safe=False).to_numpy())


def read_pictures(directory: OutputDirectory, journal: Journal) -> Pictures:
    """Read which pictures a directory has, and what is known of their sources.

    Raises `CutoutsError` when there is none.
    """
    table = pa.concat_tables(
        [_table(some) for some in batched(journal.pictures(), _CHUNK)] or [_table(())],
        promote_options="default",
    )
    if not len(table):
        raise CutoutsError(f"{directory.name} has no pictures: give the OUTDIR of a run that made some.")
    names = _names(table.column(_PATH)).combine_chunks()
    columns = {
        name: table.column(name) for name in (*_PLACE, *sorted({*table.column_names} - {*_PLACE, _PATH}))
    }
    del table  # each column goes when it has become numbers
    for name in columns:
        columns[name] = _typed(columns[name])
    catalogue, listed = pa.table(columns), _listed(directory, journal)
    if not names.equals(listed):
        order = _order(names, listed)
        catalogue, names = catalogue.take(order), names.take(order)
    return Pictures(catalogue, names, Ledger.sources(journal))


def _table(pictures: Sequence[Picture]) -> pa.Table:
    metadata = [picture.metadata for picture in pictures]
    columns = {
        name: pa.array([values.get(name) for values in metadata], pa.string())
        for name in dict.fromkeys(name for values in metadata for name in values)
    }
    for name, kind in _PLACE.items():
        holders: Sequence[object] = pictures if name == "diaSourceId" else [p.data_id for p in pictures]
        columns[name] = pa.array([getattr(holder, name) for holder in holders], kind)
    columns[_PATH] = pa.array([picture.path for picture in pictures], pa.string())
    return pa.table(columns)


def _names(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(paths, _NOT_THE_NAME, "")


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts as what they are in the catalogue: numbers, or true and false."""
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return column
    return typed(column)


def _listed(directory: OutputDirectory, journal: Journal) -> pa.Array:
    """Return the names of the pictures as the manifest lists them."""
    parts = [pa.array([], pa.string())]
    for path in sorted(journal.manifests()):
        directory.fetch(path)
        try:
            parts.extend(_names(_places(directory.path / path)).chunks)
        except FileNotFoundError:  # the next run makes it
            continue
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise CutoutsError(
                f"{path} of {directory.name} cannot be read: {cause_of(error)[:200]}. Run the "
                "command that makes its pictures again."
            ) from error
    return pa.concat_arrays(parts)


def _places(path: Path) -> pa.ChunkedArray:
    """Return the column of a manifest that names the pictures, or nothing without one."""
    with path.open(newline="", encoding="utf-8") as stream:
        header = next(csv.reader(stream), [])
    place = next((name for name in header if name.startswith(("external_id", "filename", "#url"))), None)
    if place is None:
        return pa.chunked_array([], pa.string())
    table = arrow_csv.read_csv(
        path,
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(include_columns=[place], column_types={place: pa.string()}),
    )
    return table.column(0)


def _order(names: pa.Array, listed: pa.Array) -> pa.Array:
    """Return the rows in the order of the manifest; what it does not list comes last."""
    rows = pc.index_in(listed, value_set=names).drop_null().to_numpy()
    every = np.concatenate([rows, np.arange(len(names))])
    _, first = np.unique(every, return_index=True)
    return pa.array(every[np.sort(first)])
