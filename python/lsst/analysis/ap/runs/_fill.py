"""Fill a directory with pictures: the loop of every run."""

__all__ = ("PictureSource", "RunOptions", "fill_directory")

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..domain import PANELS, CutoutsError, SourceBatch
from ..messages import progress_bar
from ..output import Failure, Journal, Picture, open_directory
from ..output.config import OutputConfig
from ..stamps import StampChoice, StampFiles
from ._ledger import Ledger
from ._lists import DirectoryLists, prepare_columns
from ._pictures import PictureBatch, PictureWriter
from ._result import RunResult

_CONFIG: Final = "config.py"
"""What `lsst.pex.config.Config.load` reads: the choices of the last run."""

_QUICK_LISTS: Final = 20_000
"""As many pictures are in the manifest within a second or so."""


@dataclass(frozen=True)
class PictureSource:
    """Where the pictures of a run come from, and what is known of them."""

    make: Callable[[SourceBatch], PictureBatch]
    """Draws the pictures of a batch, or fetches them; it pickles."""
    stamps: StampChoice | None
    """The stamps that are wanted themselves, if any."""
    pictures: bool
    """Whether there are pictures, or the stamps alone."""
    separate_panels: bool
    """Whether each panel is a picture of its own as well."""
    settings: Mapping[str, str]
    """What decides how a picture comes out, as text by name."""
    facts: Mapping[str, str]
    """What else the journal and ``report.json`` tell of the run."""


@dataclass(frozen=True)
class RunOptions:
    """How a run goes about its work, whatever the pictures."""

    jobs: int = 1
    """Number of processes."""
    overwrite: bool = False
    """Whether to make every picture again, and forget the earlier ones."""
    append: bool = False
    """Whether to add to pictures that were made with other settings."""
    retry_failed: bool = False
    """Whether to take only those sources that failed in an earlier run."""
    total: int | None = None
    """How many sources there are, for the progress bar."""
    progress: bool | None = None
    """Whether to show a progress bar; by default on a terminal."""


def fill_directory(
    outdir: str | Path,
    source: PictureSource,
    batches: Iterable[SourceBatch],
    config: OutputConfig,
    options: RunOptions,
    log: logging.Logger | logging.LoggerAdapter[logging.Logger],
) -> RunResult:
    """Write the pictures of sources, their manifest and whatever goes with it.

    ``outdir``: directory for the pictures: a path or a URI. ``options``: how to go about it. Returns: what
    `ZooniverseCutoutsTask.run` returns. Raises `CutoutsError` when nothing can be made at all.
    """
    if options.jobs < 1:
        raise CutoutsError(f"The number of processes is {options.jobs}; it must be at least 1.")
    if options.overwrite and options.retry_failed:
        raise CutoutsError(
            "overwrite=True forgets what failed, which retry_failed=True asks for: give one of them.",
            choices=("overwrite", "retry_failed"),
        )
    columns = config.chosenColumns()
    form = config.makeManifestForm(columns, pictures=source.pictures)
    if source.pictures and config.needsPanels() and not source.separate_panels:
        raise CutoutsError(
            "The pictures were made without panels of their own, which subjectFrames asks for: make them "
            "again with separatePanels=True."
        )
    if form.anonymous and source.settings.get("addMetadata") == repr(True):
        raise CutoutsError(
            "The pictures show the identifier and the position of their source (addMetadata=True), which "
            "manifestColumns=anonymous is to hide: leave out one of them."
        )
    if form.anonymous and not source.pictures:
        raise CutoutsError(
            "Without pictures there is nothing that keys could stand for: leave out pictures=False or "
            "manifestColumns=anonymous."
        )
    with open_directory(outdir) as directory, Journal(directory, existing=options.retry_failed) as journal:
        stamps = None if source.stamps is None else StampFiles(directory, source.stamps)
        batches = prepare_columns(batches, columns)
        secret = journal.secret() if form.anonymous else None
        names = config.makePictureNames(secret, separatePanels=source.separate_panels)
        lists = DirectoryLists(
            directory,
            journal,
            form,
            config.orderSeed(),
            1 + len(PANELS) * source.separate_panels,
            options.overwrite,
            log,
        )
        ledger = Ledger(directory, journal, lists, names, stamps, log)
        settings = {
            **source.settings,
            "separatePanels": repr(source.separate_panels),
            "anonymous": repr(form.anonymous),
        }
        ledger.begin(settings, source.facts, overwrite=options.overwrite, append=options.append)
        directory.write(_CONFIG, config.saveToString().encode())  # type: ignore[no-untyped-call]
        parts = None if stamps is None else stamps.writer
        writer = PictureWriter(source.make, directory, ledger.columns, names, parts)
        unfinished = ledger.unfinished(batches, only_failed=options.retry_failed)
        try:
            with (
                _bar("pictures" if source.pictures else "reading", options.total, options) as bar,
                contextlib.closing(_outcomes(writer, unfinished, options.jobs)) as results,
            ):
                for outcomes in results:
                    ledger.record(outcomes)
                    bar.update(ledger.seen - bar.n)
                bar.update(ledger.seen - bar.n)
        except BaseException as error:
            with contextlib.suppress(Exception):  # the first error is the one to tell
                # Who interrupts a run does not want to wait for the lists of a million pictures.
                if not isinstance(error, KeyboardInterrupt) or not journal.has_pictures(_QUICK_LISTS):
                    _write_lists(ledger, options)
            raise
        manifests = _write_lists(ledger, options)
        files = _assemble_stamps(ledger, options)
    return RunResult(
        written=ledger.written,
        skipped=ledger.skipped,
        failed=ledger.failed,
        manifest=manifests[0],
        manifests=manifests,
        stamps=files,
        uploads=ledger.commands,
    )


def _outcomes(
    writer: PictureWriter, batches: Iterable[SourceBatch], jobs: int
) -> Generator[list[Picture | Failure]]:
    """Yield what became of the sources of each batch, as it is known."""
    if jobs == 1:
        yield from map(writer, batches)
        return
    from ._pool import run_batches

    yield from run_batches(writer, batches, jobs, _killed)


def _write_lists(ledger: Ledger, options: RunOptions) -> list[str]:
    with _bar("manifest", ledger.journal.counts()[0], options) as bar:
        return ledger.finish(bar.update)


def _assemble_stamps(ledger: Ledger, options: RunOptions) -> list[str]:
    if ledger.stamps is None:
        return []
    with _bar("stamps", ledger.journal.counts()[0], options) as bar:
        return ledger.assemble(bar.update)


def _killed(batch: SourceBatch) -> list[Picture | Failure]:
    reason = "The system killed the process that worked on this detector, twice: run it with more memory."
    return [Failure(i, batch.data_id, reason) for i in batch.rows.column("diaSourceId").to_pylist()]


def _bar(stage: str, total: int | None, options: RunOptions) -> Any:
    return progress_bar(stage, total, "source", options.progress)
