"""One run in a directory: what is there, what is to do, what was done."""

__all__ = ("Run",)

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from .domain import CutoutsError, SourceBatch
from .output import (
    PANELS,
    Failure,
    Journal,
    ManifestForm,
    OutputDirectory,
    Picture,
    is_marked,
    manifest_name,
    metadata_of,
    panel_path,
    write_failures,
)
from .output.stamps import StampFiles

_REPORT: Final = "report.json"


@dataclass
class Run:
    """The bookkeeping of one run.

    Everything that must outlive the process is in the journal; the rest is
    what the caller of the run wants to know at its end.
    """

    directory: OutputDirectory
    """Where the pictures go."""

    journal: Journal
    """What the directory holds."""

    manifest: ManifestForm
    """What the manifest looks like."""

    stamps: StampFiles
    """Where the stamps themselves go."""

    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    """Where warnings go."""

    written: list[int] = field(default_factory=list)
    """Sources whose pictures this run made."""

    skipped: list[int] = field(default_factory=list)
    """Sources whose pictures were there."""

    failed: list[Failure] = field(default_factory=list)
    """Sources that have no picture."""

    def settle(
        self, settings: Mapping[str, str], facts: Mapping[str, str], *, overwrite: bool, append: bool
    ) -> None:
        """Record the settings of this run, if the directory admits them.

        Parameters
        ----------
        settings : `~collections.abc.Mapping` [`str`, `str`]
            What decides how a picture comes out.
        facts : `~collections.abc.Mapping` [`str`, `str`]
            What else should be known of the run.
        overwrite : `bool`
            Whether to remove the pictures that are there.
        append : `bool`
            Whether to keep pictures that were made with other settings.

        Raises
        ------
        CutoutsError
            Raised when the directory has pictures that were made with other
            settings, and neither is wanted.
        """
        earlier = self.journal.settings
        differing = [name for name, value in settings.items() if earlier.get(name, value) != value]
        if overwrite:
            self.stamps.remove()
            for picture in self.journal.pictures():
                for path in (picture.path, *(panel_path(picture.path, panel) for panel in PANELS)):
                    self.directory.remove(path)
            self.journal.clear()
        elif differing and not append and any(self.journal.counts()):
            changes = "; ".join(f"{name} was {earlier[name]}, is {settings[name]}" for name in differing)
            raise CutoutsError(
                f"{self.directory.name} holds pictures made with other settings ({changes}). Choose another "
                "directory, or overwrite=True (--overwrite) to make all again, or append=True (--append) to "
                "keep both."
            )
        self.journal.set_settings({**settings, **facts})
        self.directory.remove_partial_files()
        self.stamps.begin()

    def unfinished(self, batches: Iterable[SourceBatch], *, only_failed: bool) -> Iterator[SourceBatch]:
        """Yield what is to do of some batches.

        Parameters
        ----------
        batches : iterable of `SourceBatch`
            Sources; the first row of each identifier counts.
        only_failed : `bool`
            Whether to take only sources that failed in an earlier run.

        Yields
        ------
        batch : `SourceBatch`
            Sources that have no picture.
        """
        seen: set[int] = set()
        repeated = 0
        for batch in batches:
            ids = batch.rows.column("diaSourceId").to_pylist()
            wanted = self.journal.failed(ids) if only_failed else set(ids)
            done = {
                identifier
                for identifier, (path, size) in self.journal.done(ids).items()
                if self.directory.size(path) == size
            }
            done -= self.stamps.missing(done)
            todo, there = [], []
            for row, identifier in enumerate(ids):
                if identifier in seen:
                    repeated += 1
                elif identifier in done:
                    there.append(row)
                elif identifier in wanted:
                    todo.append(row)
                seen.add(identifier)
            if there:
                self._describe(SourceBatch(batch.data_id, batch.rows.take(there)))
            if todo:
                yield SourceBatch(batch.data_id, batch.rows.take(todo))
        if repeated:
            self.log.warning("%d rows repeat a diaSourceId; the first row of each was used.", repeated)

    def _describe(self, batch: SourceBatch) -> None:
        """Skip pictures, but let the manifest have the columns wanted now."""
        ids = batch.rows.column("diaSourceId").to_pylist()
        metadata = metadata_of(batch.rows, self.columns)
        self.journal.describe(dict(zip(ids, metadata, strict=True)))
        self.skipped.extend(ids)

    @property
    def columns(self) -> list[str]:
        """Catalogue columns that the manifest wants to know."""
        return [manifest_name(column) for column in self.manifest.columns]

    def record(self, outcomes: Iterable[Picture | Failure]) -> None:
        """Take down what became of the sources of a batch.

        Parameters
        ----------
        outcomes : iterable of `Picture` or `Failure`
            One for each source.
        """
        outcomes = list(outcomes)
        self.journal.record(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Picture):
                self.written.append(outcome.diaSourceId)
            else:
                self.failed.append(outcome)

    def finish(self) -> list[str]:
        """Write the lists of what the directory holds.

        Returns
        -------
        manifests : `list` [`str`]
            Paths of the manifest's files.
        """
        self.written.sort()
        self.skipped.sort()
        self.failed.sort(key=lambda failure: failure.diaSourceId)
        marked = tuple(name for name in self.journal.names_of_metadata() if is_marked(name))
        new = tuple(name for name in marked if name not in self.manifest.columns)
        names = self.manifest.with_columns(new).write(self.directory, self._pictures())
        write_failures(self.directory, self.journal.failures())
        with self.directory.open(_REPORT) as stream:
            stream.write(json.dumps(self._report(names), indent=2).encode() + b"\n")
        return [f"{self.directory.name.rstrip('/')}/{name}" for name in names]

    def assemble(self) -> list[str]:
        """Put the stamps together, in the order of the manifest.

        Returns
        -------
        stamps : `list` [`str`]
            Paths of the files; none when nobody wants any.
        """
        return list(self.stamps.assemble(picture.diaSourceId for picture in self._pictures()))

    def _pictures(self) -> Iterator[Picture]:
        return self.journal.pictures(by_id=self.manifest.style == "citsci")

    def _report(self, manifests: list[str]) -> dict[str, object]:
        pictures, failures = self.journal.counts()
        return {
            "run": {
                "written": len(self.written),
                "skipped": len(self.skipped),
                "failed": len(self.failed),
            },
            "directory": {"pictures": pictures, "failures": failures, "manifests": manifests},
            "settings": self.journal.settings,
        }
