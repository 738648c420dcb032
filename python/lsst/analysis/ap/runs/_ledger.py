"""What a run does in a directory: what is there, what is to do, what was done."""

__all__ = ("Ledger",)

import ast
import itertools
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from ..domain import PANELS, CutoutsError, SourceBatch
from ..output import (
    Failure,
    Journal,
    OutputDirectory,
    Picture,
    PictureNames,
    metadata_of,
    panel_path,
)
from ..stamps import StampFiles
from ._lists import DirectoryLists
from ._pictures import NumberedBatch
from ._result import Failures, Identifiers

_REPORT: Final = "report.json"

_AT_A_TIME: Final = 10_000
"""How many pictures are looked for at a time."""


@dataclass
class Ledger:
    """The bookkeeping of one run.

    Everything that must outlive the process is in the journal; the rest is
    what the caller of the run wants to know at its end.
    """

    directory: OutputDirectory
    """Where the pictures go."""
    journal: Journal
    """What the directory holds."""
    lists: DirectoryLists
    """The lists of it."""
    names: PictureNames
    """How pictures are named."""
    stamps: StampFiles | None
    """Where the stamps themselves go; `None` when nobody wants them."""
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    """Where warnings go."""
    written: Identifiers = field(default_factory=Identifiers)
    """Sources whose pictures this run made."""
    skipped: Identifiers = field(default_factory=Identifiers)
    """Sources whose pictures were there."""
    failed: Failures = field(default_factory=Failures)
    """Sources whose picture could not be made."""
    commands: dict[str, list[str]] = field(default_factory=dict)
    """What uploads the pictures, as `upload_commands` has it."""
    repeated: int = 0
    """Rows whose source had come already."""
    seen: int = 0
    """How many rows have been dealt with."""
    _facts: frozenset[str] = frozenset()

    def begin(
        self, settings: Mapping[str, str], facts: Mapping[str, str], *, overwrite: bool, append: bool
    ) -> None:
        """Record the settings of this run, if the directory admits them.

        ``settings``: what decides how a picture comes out. ``facts``: what else should be known of the run.
        ``overwrite``: whether to remove the pictures that are there. ``append``: whether to keep those that
        were made with other settings. Raises `CutoutsError` when there are such, and neither is wanted.
        """
        self.lists.check()
        earlier = self.journal.settings
        differing = [name for name, value in settings.items() if earlier.get(name, value) != value]
        if overwrite:
            (self.stamps or StampFiles(self.directory, None)).remove()
            self.directory.remove(
                path
                for picture in self.journal.pictures()
                if picture.path
                for path in (picture.path, *(panel_path(picture.path, panel) for panel in PANELS))
            )
            self.journal.clear()
        elif differing and not append and self.journal.has_pictures():
            changes = "; ".join(f"{name} was {earlier[name]}, is {settings[name]}" for name in differing)
            raise CutoutsError(
                f"{self.directory.name} holds pictures made with other settings ({changes}). Choose another "
                "directory, or overwrite=True to make all again, or append=True to keep both.",
                choices=("overwrite", "append"),
            )
        if self.stamps is not None:
            self.stamps.begin()  # which may refuse other sizes
        self.journal.begin_run({**settings, **facts}, facts)
        self._facts = frozenset(facts)
        self.directory.remove_partial_files()

    def unfinished(self, batches: Iterable[SourceBatch], *, only_failed: bool) -> Iterator[SourceBatch]:
        """Yield what is to do of some batches.

        The first row of each identifier counts. ``only_failed``: whether to take only sources that failed in
        an earlier run. Yields: sources that have no picture.
        """
        for batch in batches:
            ids = batch.rows.column("diaSourceId").to_pylist()
            wanted = self.journal.failed(ids) if only_failed else set(ids)
            done = self._whole(ids)
            if self.stamps is not None:
                done -= self.stamps.missing(done)
            new = self.journal.new_in_this_run(ids)
            todo, there = [], []
            for row, identifier in enumerate(ids):
                if identifier not in new:
                    self.repeated += 1
                elif identifier in done:
                    there.append(row)
                elif identifier in wanted:
                    todo.append(row)
                new.discard(identifier)
            self.seen += len(ids) - len(todo)
            if not there and not todo:
                continue
            is_new = self.journal.keep(_only(batch, sorted(there + todo)), self.columns)
            if there:
                self._skip(_only(batch, there), describe=is_new)
            if todo:
                yield self._numbered(_only(batch, todo))
        if self.repeated:
            self.log.warning("%d rows repeat a diaSourceId; the first row of each was used.", self.repeated)

    def _numbered(self, batch: SourceBatch) -> SourceBatch:
        """Give sources their numbers, where their folders follow from these."""
        if self.names.chunk_sources is None:
            return batch
        ids = batch.rows.column("diaSourceId").to_pylist()
        places = self.journal.places(ids)
        numbers = tuple(places[identifier] for identifier in ids)
        return NumberedBatch(batch.data_id, batch.rows, batch.reasons, numbers)

    def _whole(self, ids: Iterable[int]) -> set[int]:
        """Return the sources whose picture is there as it was written, or not wanted."""
        done = self.journal.done(ids)
        if not self.lists.form.frames:
            return set(done)
        present = self.directory.present(dict(done.values()))
        return {identifier for identifier, (path, _) in done.items() if path and path in present}

    def _skip(self, batch: SourceBatch, *, describe: bool) -> None:
        """Skip pictures, but let the manifest have the columns wanted now."""
        ids = batch.rows.column("diaSourceId").to_pylist()
        if describe or self.journal.failed(ids):
            metadata = metadata_of(batch.rows, self.columns)
            self.journal.describe(dict(zip(ids, metadata, strict=True)))
        self.skipped.extend(ids)

    @cached_property
    def columns(self) -> list[str]:
        """Catalogue columns that the manifest wants to know."""
        return self.lists.form.needed

    def record(self, outcomes: Iterable[Picture | Failure]) -> None:
        """Take down what became of the sources of a batch."""
        outcomes = list(outcomes)
        if not self.lists.form.frames:
            outcomes = self._with_earlier_pictures(outcomes)
        # A picture may be made again for its stamps, and fail for want of its images.
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        kept = self._whole(failure.diaSourceId for failure in failures) if failures else ()
        self.journal.record(outcomes, kept)
        self.written.extend([outcome.diaSourceId for outcome in outcomes if isinstance(outcome, Picture)])
        self.failed.extend(failures)
        self.seen += len(outcomes)

    def _with_earlier_pictures(self, outcomes: list[Picture | Failure]) -> list[Picture | Failure]:
        """Say of sources whose stamps alone were read where their pictures are, if there are any."""
        earlier = self.journal.done(outcome.diaSourceId for outcome in outcomes)
        return [
            replace(outcome, path=earlier[outcome.diaSourceId][0], size=earlier[outcome.diaSourceId][1])
            if isinstance(outcome, Picture) and outcome.diaSourceId in earlier
            else outcome
            for outcome in outcomes
        ]

    def finish(self, advance: Callable[[int], object]) -> list[str]:
        """Write the lists of what the directory holds.

        ``advance``: is told how many pictures more are in the lists. Returns: paths of the manifest's files.
        """
        self._fail_vanished()
        self.written.sort()
        self.skipped.sort()
        self.failed.sort()
        counts = {"written": len(self.written), "skipped": len(self.skipped), "failed": len(self.failed)}
        names = self.lists.write(advance)
        self.journal.end_run(counts)
        pictures, failures = self.journal.counts()
        self.commands = self.lists.commands(names) if pictures else {}
        settings, runs = self.journal.settings, self.journal.runs()
        report = {
            "run": counts,
            "directory": {"pictures": pictures, "failures": failures, "manifests": names},
            "settings": {
                name: text if name in self._facts else _value_of(text) for name, text in settings.items()
            },
            "runs": runs,
        }
        self.directory.write(_REPORT, json.dumps(report, indent=2).encode() + b"\n")
        return [f"{self.directory.name.rstrip('/')}/{name}" for name in names]

    def _fail_vanished(self) -> None:
        """Let those pictures fail that somebody removed while the run was working."""
        if not self.directory.is_local:
            return  # a server has said that it has each file, and would be asked for all again
        reason = "its picture was removed while the run was working: run the same command again"
        gone: set[int] = set()
        for ids in itertools.batched(self.written, _AT_A_TIME):
            if lost := set(ids) - self._whole(ids):
                self.journal.record(failures := [Failure(identifier, None, reason) for identifier in lost])
                self.failed.extend(failures)
                gone |= lost
        if gone:
            self.written = Identifiers(identifier for identifier in self.written if identifier not in gone)

    def assemble(self, advance: Callable[[int], object]) -> list[str]:
        """Put the stamps together, in the order of the manifest.

        ``advance``: is told how many stamps more have been written. Returns: paths of the files; none when
        nobody wants any.
        """
        if self.stamps is None:
            return []
        return list(self.stamps.assemble(self.lists.identifiers(), advance, self.journal.settings))


def _only(batch: SourceBatch, rows: list[int]) -> SourceBatch:
    """Return some of the sources, in order; to take all is not worth the time."""
    return batch if len(rows) == len(batch.rows) else batch.take(rows)


def _value_of(text: str) -> object:
    """Return the value whose Python text the journal has."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
