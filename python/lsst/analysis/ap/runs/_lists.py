"""The lists that accompany the pictures of a directory, and the columns of sources that these need."""

__all__ = ("DirectoryLists", "needed_columns", "prepare_columns", "write_failures")

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import pyarrow as pa

from ..domain import CutoutsError, SourceBatch
from ..messages import did_you_mean
from ..output import (
    CITSCI_FILES,
    Failure,
    Journal,
    ManifestColumn,
    ManifestForm,
    OutputDirectory,
    Picture,
    picture_key,
    upload_commands,
)
from ..sources import arrow_condition, columns_of, current_name, parse_condition

_FAILURES: Final = "failures.csv"
_KEYS: Final = "keys.csv"


@dataclass(frozen=True)
class DirectoryLists:
    """The manifest, the failures, and the keys where there are any."""

    directory: OutputDirectory
    """Where they go."""
    journal: Journal
    """What the directory holds."""
    form: ManifestForm
    """What the manifest looks like."""
    seed: int | None
    """Which random order it has; `None` for that of the detectors."""
    files_of_a_source: int
    """How many pictures each source has."""
    may_overwrite: bool
    """Whether a manifest that no run has made may be replaced."""
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    """Where warnings go."""

    def check(self) -> None:
        """Raise `CutoutsError` when somebody else's file has the name of the manifest."""
        if self.directory.has(name := self.form.file_name(1)):
            self._spare_others(name, self.journal.manifests())

    def write(self, advance: Callable[[int], object]) -> list[str]:
        """Write all lists.

        ``advance``: is told how many pictures more are in the manifest. Returns: the files of the manifest,
        relative to the directory.
        """
        earlier = self.journal.manifests()
        columns = dict.fromkeys((*self.form.columns, *self.journal.marked_columns()))
        form = replace(self.form, columns=tuple(columns))

        def announce(name: str) -> None:
            self._spare_others(name, earlier)
            self.journal.add_manifest(name)

        with closing(self._pictures()) as pictures:
            names = form.write(
                self.directory, _counted(pictures, advance, listed=bool(form.frames)), announce
            )
        stale = earlier - set(names)
        self.directory.remove(stale if self._write_keys() else {*stale, _KEYS})
        if stale:
            self.journal.drop_manifests(stale)
        write_failures(self.directory, self.journal.failures())
        self._warn_of_limits()
        return names

    def _pictures(self) -> Generator[Picture]:
        return self.journal.pictures(by_folder=self.form.style == "citsci", seed=self.seed)

    def identifiers(self) -> Iterator[int]:
        """Return the diaSourceId of every picture in the order of the manifest."""
        return self.journal.identifiers(by_folder=self.form.style == "citsci", seed=self.seed)

    def commands(self, manifests: list[str]) -> dict[str, list[str]]:
        """Return what uploads the pictures, as `upload_commands` has it."""
        return upload_commands(self.form, self.directory.name, manifests) if self.form.frames else {}

    def _spare_others(self, name: str, ours: Collection[str]) -> None:
        """Refuse to write a part of the manifest over a file that no run has made."""
        if self.may_overwrite or name in ours or not self.directory.has(name):
            return
        raise CutoutsError(
            f"{name} in {self.directory.name} is there already, and no run has made it: move it away, choose "
            "another directory, or allow to replace it with overwrite=True.",
            choices=("overwrite",),
        )

    def _write_keys(self) -> bool:
        """Write which source each key stands for, if there are keys; nobody else must see that."""
        if self.form.anonymous:
            rows = ([picture_key(picture.path), str(picture.diaSourceId)] for picture in self._pictures())
            self.directory.write_csv(_KEYS, ["key", "diaSourceId"], rows)
        return self.form.anonymous

    def _warn_of_limits(self) -> None:
        if self.form.style != "citsci" or not self.form.frames:
            return
        files = 1 + self.journal.most_in_a_folder() * self.files_of_a_source
        if files > CITSCI_FILES:
            self.log.warning(
                "rubin.citsci takes %d files of a directory and drops the rest without a word, and there are "
                "%d: select fewer sources, or set chunkFiles.",
                CITSCI_FILES,
                files,
            )


def _counted(
    pictures: Iterable[Picture], advance: Callable[[int], object], *, listed: bool
) -> Iterator[Picture]:
    """Yield pictures, of a listing of files those that are files, and tell of each."""
    for picture in pictures:
        advance(1)
        if picture.path or not listed:
            yield picture


def write_failures(directory: OutputDirectory, failures: Iterable[Failure]) -> None:
    """Write who failed and why into ``failures.csv``; no file when nobody did.

    ``failures``: one row each, in this order.
    """
    rows = ([str(failure.diaSourceId), *_place_cells(failure), failure.reason] for failure in failures)
    if (first := next(rows, None)) is not None:
        header = ["diaSourceId", "instrument", "visit", "detector", "reason"]
        directory.write_csv(_FAILURES, header, chain([first], rows))
    else:
        directory.remove([_FAILURES])


def _place_cells(failure: Failure) -> list[str]:
    place = failure.data_id
    return [""] * 3 if place is None else [place.instrument, str(place.visit), str(place.detector)]


def prepare_columns(
    batches: Iterable[SourceBatch], columns: Sequence[ManifestColumn]
) -> Iterator[SourceBatch]:
    """Give sources the columns that the manifest wants to be computed.

    Raises `CutoutsError` at once when the first of them have not the columns that are asked for, which would
    be empty before all volunteers.
    """
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        return iter(())
    known = first.rows.column_names
    columns = [_of_today(column, known) for column in columns]
    _check(columns, known)
    computed = [column for column in columns if column.is_computed]
    if not computed:
        return chain([first], batches)
    return (_with_computed(batch, computed) for batch in chain([first], batches))


def needed_columns(columns: Iterable[ManifestColumn]) -> frozenset[str]:
    """Return the columns of the catalogue that some of the manifest are made of.

    Raises `CutoutsError` when one of them is neither a name nor a condition.
    """
    return frozenset().union(*map(_sources, columns))


def _of_today(column: ManifestColumn, known: Collection[str]) -> ManifestColumn:
    """Return a column that may be asked for by an older name of its source."""
    return column if column.source in known else replace(column, source=current_name(column.source))


def _sources(column: ManifestColumn) -> frozenset[str]:
    if column.source.replace(".", "").isidentifier():
        return frozenset({column.source})
    try:
        return columns_of(parse_condition(column.source))
    except CutoutsError as error:
        raise CutoutsError(
            f"Column {column.name!r} of the manifest: {error}", choices=("manifestColumns",)
        ) from error


def _check(columns: Sequence[ManifestColumn], known: Collection[str]) -> None:
    asked = [column for column in columns if column.is_asked]
    missing = sorted(needed_columns(asked) - {*known})
    if not missing:
        return
    raise CutoutsError(
        f"The sources have no column {', '.join(missing)}, which manifestColumns asks for."
        f"{did_you_mean(missing[0], known)} Correct it, or take it out.",
        choices=("manifestColumns",),
    )


def _with_computed(batch: SourceBatch, columns: Sequence[ManifestColumn]) -> SourceBatch:
    rows = batch.rows
    for column in columns:
        if column.name in rows.column_names:
            rows = rows.drop_columns([column.name])
        rows = rows.append_column(column.name, _values(rows, column.source))
    return replace(batch, rows=rows)


def _values(rows: pa.Table, source: str) -> pa.ChunkedArray:
    if source in rows.column_names:
        return rows.column(source)
    import pyarrow.dataset as ds

    condition = arrow_condition(parse_condition(source), rows.schema)
    return ds.dataset(rows).to_table(columns={"value": condition}).column("value")
