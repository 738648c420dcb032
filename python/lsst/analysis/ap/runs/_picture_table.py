"""The pictures of a detector as a table, and what they have in common."""

__all__ = (
    "PANEL_COLUMNS",
    "PNG",
    "Description",
    "StoredPictures",
    "make_picture_table",
    "read_description",
    "read_rows",
)

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa

from ..domain import PANELS, CutoutsError, SourceBatch
from ..messages import cause_of
from ..output import Failure, for_pandas
from ..stamps import StampColumns, plain
from ._pictures import PictureBatch, PictureFiles

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

PNG: Final = "png"
"""Column of the pictures."""

PANEL_COLUMNS: Final = {panel: f"{PNG}_{panel}" for panel in PANELS}
"""Column of the pictures of each panel."""

_FAILURE: Final = "failure"
_KEY: Final = b"lsst.analysis.ap"
"""Key of the description in the metadata of the schema."""


@dataclass(frozen=True)
class Description:
    """What is the same for all pictures of a table."""

    sizes: tuple[int, ...]
    """Sides of the stamps in pixels."""
    panels: tuple[str, ...]
    """Panels that are pictures of their own as well."""
    has_stamps: bool
    """Whether the table has the stamps themselves."""
    settings: Mapping[str, str]
    """What decided how the pictures came out, as text by name."""
    facts: Mapping[str, str]
    """What else there is to know."""

    @property
    def stamps(self) -> StampColumns:
        """Columns of the stamps."""
        return StampColumns(tuple(dict.fromkeys(self.sizes)))

    @property
    def picture_columns(self) -> dict[str, str | None]:
        """Columns of the pictures, and the panel that each has; `None` for the whole."""
        return {PNG: None, **{PANEL_COLUMNS[panel]: panel for panel in self.panels}}

    @property
    def stamp_columns(self) -> tuple[str, ...]:
        """Columns of the stamps that the table has."""
        return (*self.stamps.wcs, *self.stamps.pixels) if self.has_stamps else ()

    def differences(self, other: Self) -> dict[str, tuple[str, str]]:
        """Return in which settings other pictures were made otherwise.

        Returns: the values here and there by the name of the configuration field; none when the pictures can
        be mixed. What only one of the two knows, because it is of another version, is no difference.
        """
        ours, theirs = (
            {**description.settings, "putStamps": repr(description.has_stamps)}
            for description in (self, other)
        )
        return {
            name: (ours[name], theirs[name]) for name in ours if theirs.get(name, ours[name]) != ours[name]
        }

    def with_facts_of(self, others: Iterable[Self]) -> Self:
        """Return a description of more pictures with these settings.

        Returns: it has this one's settings, and the facts of all: where these differ, one after the other.
        """
        values: dict[str, dict[str, None]] = {}
        for description in (self, *others):
            for name, value in description.facts.items():
                values.setdefault(name, {})[value] = None
        facts = {name: "; ".join(several) for name, several in values.items()}
        return dataclasses.replace(self, facts=facts)


def make_picture_table(
    description: Description, batches: Iterable[tuple[SourceBatch, PictureBatch]]
) -> pa.Table:
    """Put the pictures of sources into a table.

    ``description``: what they have in common. Returns: the columns of the catalogue; those of the stamps, if
    wanted, as `~lsst.analysis.ap.stamps.StampColumns` has them, NaN where there is no picture; ``failure``,
    text, null where there is a picture; ``png``, binary, null where there is none, and a column of that kind
    for each panel that is a picture. Columns of the catalogue that bear one of these names give way.
    """
    tables = [_tabulate(description, batch, pictures) for batch, pictures in batches]
    metadata = {_KEY: json.dumps(dataclasses.asdict(description))}
    if description.has_stamps:  # daf_butler reads the shape of a column of arrays from here
        columns = description.stamps
        shapes = {columns.stamps(size): (3, size, size) for size in columns.sizes}
        metadata |= {f"lsst::arrow::shape::{name}".encode(): str(shape) for name, shape in shapes.items()}
    table = pa.concat_tables(tables, promote_options="permissive").replace_schema_metadata(metadata)
    return for_pandas(table)


def _tabulate(description: Description, batch: SourceBatch, pictures: PictureBatch) -> pa.Table:
    outcomes = pictures.outcomes
    made = [row for row, outcome in enumerate(outcomes) if isinstance(outcome, PictureFiles)]
    ours: dict[str, pa.Array | pa.ChunkedArray] = {}
    if description.has_stamps:
        ours |= _stamps(description.stamps, len(outcomes), made, pictures.stamps)
    reasons = [outcome.reason if isinstance(outcome, Failure) else None for outcome in outcomes]
    ours[_FAILURE] = pa.array(reasons, pa.string())
    for name, panel in description.picture_columns.items():
        files = [_file(outcome, panel) for outcome in outcomes]
        ours[name] = pa.array(files, pa.binary())
    rows = _typed(plain(batch.rows))
    table = rows.drop_columns([name for name in rows.column_names if name in ours])
    for name, values in ours.items():
        table = table.append_column(name, values)
    return table


def _stamps(
    columns: StampColumns, count: int, made: Sequence[int], stamps: pa.Table | None
) -> dict[str, pa.Array | pa.ChunkedArray]:
    """Return the columns of stamps, of which only some rows have any."""
    if stamps is None:
        found = {name: pa.nulls(count, kind) for name, kind in columns.wcs_types.items()}
    else:
        places = {row: place for place, row in enumerate(made)}
        which = pa.array([places.get(row) for row in range(count)], pa.int64())
        found = {name: stamps.column(name).take(which) for name in columns.wcs}
    for size in columns.sizes:
        pixels = np.full((count, 3 * size * size), np.nan, np.float32)
        if stamps is not None:
            values = stamps.column(columns.stamps(size)).combine_chunks().flatten().to_numpy()
            pixels[made] = values.reshape(len(made), -1)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), 3 * size * size)
        found[columns.stamps(size)] = lists
    return found


def _typed(table: pa.Table) -> pa.Table:
    """Give columns without a value a type, which a reader of astropy tables needs."""
    kinds = [pa.string() if pa.types.is_null(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(zip(table.column_names, kinds, strict=True)))


def _file(outcome: PictureFiles | Failure, panel: str | None) -> bytes | None:
    if isinstance(outcome, Failure):
        return None
    return outcome.picture if panel is None else outcome.panels[panel]


def read_description(butler: "Butler", ref: "DatasetRef") -> Description:
    """Read what the pictures of a table have in common.

    Raises `CutoutsError` when it cannot be read, or is no table of pictures.
    """
    has_schema = "schema" in ref.datasetType.storageClass.allComponents()
    schema = _get(butler, ref.makeComponentRef("schema")) if has_schema else None
    metadata = getattr(schema, "metadata", None) or {}
    if _KEY not in metadata:
        raise CutoutsError(
            f"{ref} is no table of pictures: name the dataset type that ZooniverseCutoutsPipelineTask wrote."
        )
    fields = json.loads(metadata[_KEY])
    return Description(**{**fields, "sizes": tuple(fields["sizes"]), "panels": tuple(fields["panels"])})


def read_rows(butler: "Butler", ref: "DatasetRef", description: Description) -> pa.Table:
    """Read the catalogue of a table of pictures.

    Raises `CutoutsError` when it cannot be read.
    """
    ours = {_FAILURE, *description.picture_columns, *description.stamp_columns}
    names = _get(butler, ref.makeComponentRef("columns"))
    return _get(butler, ref, [name for name in names if name not in ours]).replace_schema_metadata()


def _get(butler: "Butler", ref: "DatasetRef", columns: Sequence[str] | None = None) -> Any:
    try:
        return butler.get(ref, parameters=None if columns is None else {"columns": list(columns)})
    except Exception as error:  # whatever the formatter or the storage raises
        raise CutoutsError(
            f"{ref} cannot be read: {cause_of(error)}. Leave it out of the query.", choices=("data_query",)
        ) from error


@dataclass(frozen=True)
class StoredPictures:
    """Fetch the pictures of batches of DiaSources from a repository.

    It pickles, so that each worker process has a butler of its own.
    """

    butler: "Butler"
    """The repository, with the default collections to search."""
    dataset_type: str
    """Name of the dataset type of the tables."""
    description: Description
    """What all the tables have in common."""
    with_stamps: bool
    """Whether anybody needs the stamps."""
    with_pictures: bool = True
    """Whether anybody needs the pictures."""

    def __call__(self, batch: SourceBatch) -> PictureBatch:
        """Read the pictures of a batch."""
        assert batch.data_id is not None  # that of the table
        stamps = self.description.stamp_columns if self.with_stamps else ()
        pictures = self.description.picture_columns if self.with_pictures else ()
        columns = ["diaSourceId", _FAILURE, *pictures, *stamps]
        ref = self.butler.find_dataset(self.dataset_type, dataclasses.asdict(batch.data_id))
        assert ref is not None  # its catalogue was read a moment ago
        stored = _get(self.butler, ref, columns)
        places: dict[int, int] = {}
        for row, identifier in enumerate(stored.column("diaSourceId").to_pylist()):
            places.setdefault(identifier, row)  # the first row counts where several have one identifier
        wanted = [places[identifier] for identifier in batch.rows.column("diaSourceId").to_pylist()]
        return self._pictures(batch, stored.take(wanted))

    def _pictures(self, batch: SourceBatch, stored: pa.Table) -> PictureBatch:
        shown = self.description.panels if self.with_pictures else ()
        panels = {panel: stored.column(PANEL_COLUMNS[panel]).to_pylist() for panel in shown}
        columns = [stored.column(name).to_pylist() for name in ("diaSourceId", _FAILURE)]
        columns.append(stored.column(PNG).to_pylist() if self.with_pictures else [b""] * len(stored))
        outcomes: list[PictureFiles | Failure] = []
        made = []
        for row, (identifier, reason, picture) in enumerate(zip(*columns, strict=True)):
            if reason is not None:
                outcomes.append(Failure(identifier, batch.data_id, reason))
            else:
                files = {panel: of_panel[row] for panel, of_panel in panels.items()}
                outcomes.append(PictureFiles(identifier, picture, files))
                made.append(row)
        return PictureBatch(outcomes, self._stamps(batch, stored, made))

    def _stamps(self, batch: SourceBatch, stored: pa.Table, made: Sequence[int]) -> pa.Table | None:
        if not self.with_stamps or not made:
            return None
        table = plain(batch.rows.take(list(made)))
        for name in self.description.stamp_columns:
            table = table.append_column(name, plain(stored.select([name])).column(0).take(pa.array(made)))
        return self.description.stamps.mark(table)
