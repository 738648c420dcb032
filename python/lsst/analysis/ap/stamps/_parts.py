"""The durable store of a run: the stamps of each batch in a file of its own, and in which one a source is."""

__all__ = ("NO_UNIT", "PartWriter", "StampIndex", "StampPart")

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import CutoutsError
from ._columns import UNIT, StampColumns

type Rows = NDArray[np.int64]

NO_UNIT = -1
"""Code of a unit that is not known."""

_PLACE = np.dtype([("id", np.int64), ("part", np.int32), ("row", np.int32), ("unit", np.int32)])


class PartWriter:
    """Write the stamps of one batch after another, each into its own file.

    It pickles, for the processes that do the work.

    ``folder``: a folder for the files of this run alone. It is never made here: a process that outlives its
    run writes nothing once the folder is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, table: pa.Table) -> None:
        """Write the stamps of some sources durably.

        ``table``: what `stamp_table` made of them. Raises `CutoutsError` when the disk does not take them.
        """
        # A source comes once in a run; a batch that is tried again replaces what it left.
        path = self._folder / f"{table.column('diaSourceId')[0]}.arrow"
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            with partial.open("wb") as stream:
                with pa.ipc.new_file(stream, table.schema) as writer:
                    writer.write_batch(_one_batch(table))
                stream.flush()
                # The journal will say that these stamps are there, after a power failure too.
                os.fsync(stream.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise CutoutsError(
                f"{path} cannot be written: {error.strerror or error}. What was written before it is safe: "
                "mend that and run the same command again."
            ) from error


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as one batch; the columns that are in one piece are not copied."""
    arrays = [c.chunk(0) if c.num_chunks == 1 else c.combine_chunks() for c in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


class StampPart:
    """The stamps of a batch, mapped into memory.

    ``path``: a file that a `PartWriter` wrote. Raises `ArrowException` when the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
            if reader.num_record_batches != 1:
                raise ValueError(f"it has {reader.num_record_batches} batches, not one")
            self._table = reader.get_batch(0)
        self.columns = StampColumns.of(self._table.schema)
        """What it holds."""
        names = {*self.columns.pixels, UNIT}
        beside = [name for name in self._table.schema.names if name not in names]
        self._beside = pa.Table.from_batches([self._table.select(beside)]).replace_schema_metadata()
        self._pixels: dict[str, NDArray[Any]] = {}
        for array in self.columns.arrays:
            values = self._table.column(array.name).flatten().to_numpy()
            self._pixels[array.name] = values.reshape(len(self._table), *array.shape)

    @property
    def schema(self) -> pa.Schema:
        """The columns of catalogue and WCS."""
        return self._beside.schema

    @property
    def ids(self) -> Rows:
        """The diaSourceId of each row."""
        return np.asarray(self._table.column("diaSourceId").to_numpy(), dtype=np.int64)

    @property
    def units(self) -> pa.DictionaryArray:
        """The unit of each row."""
        return self._table.column(UNIT).dictionary_encode()

    def catalogue(self, rows: slice | Rows) -> pa.Table:
        """Return catalogue and WCS of some rows, in their order."""
        if isinstance(rows, slice):
            return self._beside.slice(rows.start, rows.stop - rows.start)
        return self._beside.take(pa.array(rows))

    def pixels(self, name: str) -> NDArray[Any]:
        """Return a column of pixels as a view of the file, of shape (rows, 3, size, size)."""
        return self._pixels[name]


class StampIndex:
    """Places of stamps by diaSourceId: the number of a part and a row in it.

    It takes 20 bytes for a source.
    """

    def __init__(self) -> None:
        self._added: list[NDArray[np.void]] = []

    def add(self, part: int, ids: NDArray[np.int64], units: NDArray[np.int32]) -> None:
        """Learn the sources of a part; they replace what was known of them.

        ``ids``: the diaSourceId of its rows, in order.
        """
        places = np.empty(len(ids), _PLACE)
        places["id"], places["part"], places["unit"] = ids, part, units
        places["row"] = np.arange(len(ids))
        self._added.append(places)
        self.__dict__.pop("_places", None)

    @cached_property
    def _places(self) -> NDArray[np.void]:
        """The last place of each source, by diaSourceId."""
        every = np.concatenate([np.empty(0, _PLACE), *self._added])
        # The first of equal values in the reversed order is the last one added.
        _, last = np.unique(every["id"][::-1], return_index=True)
        places = every[::-1][last]
        self._added = [places]
        return places

    def missing(self, ids: Iterable[int]) -> set[int]:
        """Return the sources that have no place."""
        asked = np.fromiter(ids, np.int64)
        return set(asked[~self._found(asked)].tolist())

    def places(self, ids: Iterable[int]) -> tuple[NDArray[np.void], int]:
        """Return the places of sources.

        Returns ``places``: records with ``id``, ``part``, ``row`` and ``unit`` of those that are known, in
        the order of ``ids``; ``missing``: how many are not known.
        """
        asked = np.fromiter(ids, np.int64)
        known = asked[self._found(asked)]
        return self._places[np.searchsorted(self._places["id"], known)], len(asked) - len(known)

    def _found(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = np.ascontiguousarray(self._places["id"])
        return np.asarray(np.searchsorted(known, ids) < np.searchsorted(known, ids, side="right"))
