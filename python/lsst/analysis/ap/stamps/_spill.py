"""The stamps of one batch, in a small file of its own until all are put together."""

__all__ = ("SpillWriter", "StampStore", "read_spill")

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import CutoutsError
from ._columns import StampColumns, sizes_of

type Rows = NDArray[np.int64]


class StampStore(Protocol):
    """Stamps that can be read by row."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the stamps in pixels."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """The columns beside the pixels."""
        ...

    def ids(self) -> Iterator[Rows]:
        """Yield the diaSourceId of every row, some rows at a time."""
        ...

    def catalogue(self, rows: Rows) -> pa.Table:
        """Return what stands beside the pixels.

        Parameters
        ----------
        rows : `numpy.ndarray`
            Row numbers.

        Returns
        -------
        table : `pyarrow.Table`
            Those rows, in that order.
        """
        ...

    def stamps(self, size: int, rows: Rows) -> NDArray[np.float32]:
        """Return the pixels.

        Parameters
        ----------
        size : `int`
            Side of the stamps in pixels.
        rows : `numpy.ndarray`
            Row numbers.

        Returns
        -------
        stamps : `numpy.ndarray`
            Shape (rows, 3, size, size).
        """
        ...


class SpillWriter:
    """Write the stamps of one batch after another, each into its own file.

    It pickles, for the processes that do the work.

    Parameters
    ----------
    folder : `pathlib.Path`
        A folder for the files of this run alone. It is never made here: a
        process that outlives its run writes nothing once the folder is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, table: pa.Table) -> None:
        """Write the stamps of some sources durably.

        Parameters
        ----------
        table : `pyarrow.Table`
            What `stamp_table` made of them.

        Raises
        ------
        CutoutsError
            Raised when the disk does not take them.
        """
        # Names sort by time, so that the later of two copies is known.
        path = self._folder / f"{time.time_ns():020d}-{os.getpid()}.arrow"
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as stream:
                with pa.ipc.new_file(stream, table.schema) as writer:
                    writer.write_table(table.combine_chunks())
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise CutoutsError(
                f"{path} cannot be written: {error.strerror or error}. What was written before it is safe: "
                "mend that and run the same command again."
            ) from None


class _Spill:
    """Stamps in an Arrow file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
            table = reader.read_all()
        columns = StampColumns(sizes_of(table.schema))
        self._beside = table.drop_columns(columns.pixels).replace_schema_metadata()
        self._pixels = {}
        for size in columns.sizes:
            values = table.column(columns.stamps(size)).combine_chunks().flatten().to_numpy()
            self._pixels[size] = values.reshape(len(table), 3, size, size)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self._pixels)

    @property
    def schema(self) -> pa.Schema:
        return self._beside.schema

    def ids(self) -> Iterator[Rows]:
        yield self._beside.column("diaSourceId").to_numpy()

    def catalogue(self, rows: Rows) -> pa.Table:
        return self._beside.take(pa.array(rows))

    def stamps(self, size: int, rows: Rows) -> NDArray[np.float32]:
        return np.asarray(self._pixels[size][rows])


def read_spill(path: Path) -> StampStore:
    """Open what a `SpillWriter` wrote.

    Parameters
    ----------
    path : `pathlib.Path`
        One of its files.

    Returns
    -------
    store : `StampStore`
        Memory holds only what is asked for.

    Raises
    ------
    OSError, pyarrow.ArrowInvalid
        Raised when the file is damaged.
    """
    return _Spill(path)
