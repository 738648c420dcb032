"""The pictures of a directory, as a table in the order of its manifest."""

__all__ = ("Pictures", "read_pictures")

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from ...domain import PANELS, CutoutsError
from ...output import Journal, OutputDirectory, Picture
from .._ledger import Ledger

_CHUNK: Final = 4096
_PLACE: Final = {"instrument": pa.string(), "visit": pa.int64(), "detector": pa.int64()}
_ENDINGS: Final = tuple(f"_{panel}" for panel in PANELS)


@dataclass(frozen=True, eq=False)
class Pictures:
    """One row for each picture, in the order of the manifest."""

    catalogue: pa.Table
    """What is known of each source: ``diaSourceId``, ``instrument``,
    ``visit``, ``detector`` and the columns of the manifest, as numbers where
    they are numbers."""

    names: tuple[str, ...]
    """Name of each picture, without folder and suffix."""

    sent: Mapping[int, int]
    """The diaSourceId of each subject that was made of these pictures, as far
    as the directory knows."""

    @cached_property
    def rows_by_id(self) -> dict[int, int]:
        """The row of each diaSourceId."""
        return {identifier: row for row, identifier in enumerate(self.ids.tolist())}

    @cached_property
    def rows_by_name(self) -> dict[str, int]:
        """The row of each name."""
        return {name: row for row, name in enumerate(self.names)}

    @property
    def ids(self) -> NDArray[np.int64]:
        """The diaSourceId of each row."""
        return np.asarray(self.catalogue.column("diaSourceId").to_numpy())

    def numbers(self, column: str) -> NDArray[np.float64] | None:
        """Return a column of numbers.

        Parameters
        ----------
        column : `str`
            Its name.

        Returns
        -------
        values : `numpy.ndarray` or `None`
            NaN where there is none; `None` without such a column.
        """
        if column not in self.catalogue.column_names:
            return None
        values = self.catalogue.column(column)
        if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            return None
        return np.asarray(values.cast(pa.float64(), safe=False).to_numpy())


def read_pictures(directory: OutputDirectory, journal: Journal) -> Pictures:
    """Read which pictures a directory has, and what is known of their sources.

    Parameters
    ----------
    directory : `~lsst.analysis.ap.output.OutputDirectory`
        The directory.
    journal : `~lsst.analysis.ap.output.Journal`
        Its journal.

    Returns
    -------
    pictures : `Pictures`
        All of them.

    Raises
    ------
    CutoutsError
        Raised when there is none.
    """
    tables, names = [], list[str]()
    for some in batched(journal.pictures(), _CHUNK):
        tables.append(_table(some))
        names.extend(_stem(picture.path) for picture in some)
    if not names:
        raise CutoutsError(f"{directory.name} has no pictures: give the OUTDIR of a run that made some.")
    catalogue = pa.concat_tables(tables, promote_options="default")
    first = ["diaSourceId", *_PLACE]
    catalogue = catalogue.select([*first, *sorted(set(catalogue.column_names) - set(first))])
    rows = {name: row for row, name in enumerate(names)}
    listed = dict.fromkeys(row for name in _listed(directory, journal) if (row := rows.get(name)) is not None)
    order = [*listed, *(row for row in range(len(names)) if row not in listed)]
    typed = {name: _typed(catalogue.column(name)) for name in catalogue.column_names}
    return Pictures(
        pa.table(typed).take(pa.array(order)), tuple(names[row] for row in order), Ledger.sources(journal)
    )


def _table(pictures: Iterable[Picture]) -> pa.Table:
    pictures = list(pictures)
    metadata = [picture.metadata for picture in pictures]
    names = dict.fromkeys(name for values in metadata for name in values)
    texts = {name: pa.array([m.get(name) for m in metadata], pa.string()) for name in names}
    places = {
        name: pa.array([getattr(picture.data_id, name) for picture in pictures], kind)
        for name, kind in _PLACE.items()
    }
    ids = pa.array([picture.diaSourceId for picture in pictures], pa.int64())
    return pa.table({**texts, **places, "diaSourceId": ids})


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts as what they are in the catalogue: numbers, or true and false."""
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return column
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column


def _listed(directory: OutputDirectory, journal: Journal) -> Iterator[str]:
    """Yield the names of the pictures as the manifest lists them."""
    for path in sorted(journal.manifests()):
        directory.fetch(path)
        try:
            content = (directory.path / path).read_bytes()
        except FileNotFoundError:  # it is made anew by the next run
            continue
        header = content.partition(b"\n")[0].decode("utf-8", errors="replace").strip().split(",")
        column = next((name for name in header if name == "external_id" or name.startswith("filename")), None)
        if column is None:
            continue
        options = arrow_csv.ConvertOptions(include_columns=[column], column_types={column: pa.string()})
        table = arrow_csv.read_csv(
            io.BytesIO(content),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )
        for place in table.column(0).to_pylist():
            yield _stem(place)


def _stem(path: str) -> str:
    name = PurePosixPath(path).name.removesuffix(".png")
    return next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), name)
