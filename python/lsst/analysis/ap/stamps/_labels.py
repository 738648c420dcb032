"""What people or simulations say of sources, for the catalogue of stamps."""

__all__ = ("Labels", "read_labels")

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError, UnreadableError
from ..messages import cause_of
from ..sources._files import read_file
from ._schemas import plain

_ID: Final = "diaSourceId"
_USUAL: Final = ("label", "real")


class Labels:
    """A table of labels, joined by diaSourceId.

    ``table``: a row for each source that has any. Raises `CutoutsError` when it has no diaSourceId or no
    labels, its identifiers are no integers, or a source has two rows that differ.
    """

    def __init__(self, table: pa.Table, name: str) -> None:
        if _ID not in table.column_names or len(table.column_names) < 2:
            has = ", ".join(table.column_names) or "none"
            raise CutoutsError(f"{name} needs a column {_ID} and at least one of labels; its columns: {has}.")
        kind = table.schema.field(_ID).type
        if not pa.types.is_integer(kind) and len(table):
            raise CutoutsError(
                f"{_ID} in {name} is of type {kind}, not of integers: identifiers that went through floating "
                "point are not the same any more. Take them from where they are whole."
            )
        table = plain(table.filter(pc.is_valid(table.column(_ID))))
        ids = table.column(_ID).cast(pa.int64()).to_numpy()
        order = np.argsort(ids, kind="stable")
        first = np.ones(len(ids), np.bool_)
        first[1:] = ids[order][1:] != ids[order][:-1]
        self._ids = ids[order][first]
        beside = table.drop_columns([_ID])
        self._table = beside.take(pa.array(order[first]))
        if not first.all():
            of_first = order[np.maximum.accumulate(np.where(first, np.arange(len(ids)), 0))]
            again, here = (beside.take(pa.array(rows)) for rows in (of_first, order))
            if not again.equals(here):
                pairs = zip(ids[order], again.to_pylist(), here.to_pylist(), strict=True)
                twice = next(identifier for identifier, one, other in pairs if one != other)
                raise CutoutsError(
                    f"{name} has rows that differ for one {_ID}, as for {twice}: keep one row of each."
                )
        self.column = next((n for n in _USUAL if n in beside.column_names), beside.column_names[0])
        """The column whose values are the classes: ``label``, or ``real``, or else the first one."""

    @property
    def schema(self) -> pa.Schema:
        """The columns beside diaSourceId."""
        return self._table.schema

    def of(self, ids: pa.ChunkedArray) -> pa.Table:
        """Return a row of labels for each source, null for those that have none."""
        asked = ids.to_numpy()
        at = np.searchsorted(self._ids, asked)
        is_absent = at == np.searchsorted(self._ids, asked, side="right")
        return self._table.take(pa.array(at, mask=is_absent))

    def digest(self) -> str:
        """Return what changes when a label does."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._table.schema) as writer:
            writer.write_table(self._table)
        digest = hashlib.blake2b(sink.getvalue(), digest_size=16)
        digest.update(self._ids)
        return digest.hexdigest()


def read_labels(path: str) -> Labels:
    """Read a table of labels.

    ``path``: a Parquet, CSV, ECSV, FITS or VOTable file, told by its suffix. Raises `CutoutsError` when the
    file cannot be read, or has no labels of sources.
    """
    try:
        table = _read(Path(path))
    except Exception as error:  # every library has its own word for a damaged file
        raise UnreadableError(
            f"The labels in {path} cannot be read: {cause_of(error)}", choices=("stampsLabels",)
        ) from error
    return Labels(table, path)


def _read(path: Path) -> pa.Table:
    # Arrow tells by itself which columns of text are numbers; in catalogues that is known by their names.
    if ".csv" not in path.name.lower() and (table := read_file(path)) is not None:
        return table
    import pyarrow.csv

    return pyarrow.csv.read_csv(path)
