"""Fill a directory with pictures: the loop of every run."""

__all__ = ("Gallery", "RunOptions", "fill_directory")

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lsst.pipe.base import Struct

from ..domain import CutoutsError, SourceBatch
from ..output import Failure, Journal, Picture, open_directory
from ..output.config import OutputConfig
from ..stamps import StampFiles
from ._maker import DrawnBatch
from ._pool import run_batches
from ._run import Run
from ._writer import PictureWriter

_QUICK_LISTS: Final = 20_000
"""As many pictures are in the manifest within a second or so."""


@dataclass(frozen=True)
class Gallery:
    """Where the pictures of a run come from."""

    draw: Callable[[SourceBatch], DrawnBatch]
    """Draws the pictures of a batch, or fetches them; it pickles."""

    sizes: tuple[int, ...]
    """Sides of the stamps in pixels."""

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
    gallery: Gallery,
    batches: Iterable[SourceBatch],
    config: OutputConfig,
    options: RunOptions,
    log: logging.Logger | logging.LoggerAdapter[logging.Logger],
) -> Struct:
    """Write the pictures of sources, their manifest and whatever goes with it.

    Parameters
    ----------
    outdir : `str` or `pathlib.Path`
        Directory for the pictures: a path or a URI.
    gallery : `Gallery`
        Where the pictures come from.
    batches : iterable of `SourceBatch`
        The sources.
    config : `OutputConfig`
        What the files are to be.
    options : `RunOptions`
        How to go about it.
    log : `logging.Logger`
        Where warnings go.

    Returns
    -------
    result : `lsst.pipe.base.Struct`
        What `ZooniverseCutoutsTask.run` returns.

    Raises
    ------
    CutoutsError
        Raised when nothing can be made at all.
    """
    if options.jobs < 1:
        raise CutoutsError(f"The number of processes is {options.jobs}; it must be at least 1.")
    if options.overwrite and options.retry_failed:
        raise CutoutsError(
            "overwrite=True (--overwrite) forgets what failed, which retry_failed=True (--retry-failed) asks "
            "for: give one of them."
        )
    form = config.makeManifestForm(separatePanels=gallery.separate_panels)
    with (
        open_directory(outdir) as directory,
        Journal(directory) as journal,
        StampFiles(directory, config.writeStamps, gallery.sizes) as stamps,
    ):
        run = Run(directory, journal, form, stamps, log)
        run.settle(gallery.settings, gallery.facts, overwrite=options.overwrite, append=options.append)
        writer = PictureWriter(gallery.draw, directory, run.columns, config.chunkSize, stamps.writer)
        unfinished = run.unfinished(batches, only_failed=options.retry_failed)
        try:
            with (
                _progress_bar("pictures", options.total, options) as bar,
                contextlib.closing(run_batches(writer, unfinished, options.jobs, _killed)) as results,
            ):
                for outcomes in results:
                    run.record(outcomes)
                    bar.update(run.seen - bar.n)
                bar.update(run.seen - bar.n)
        except BaseException as error:
            with contextlib.suppress(Exception):  # the first error is the one to tell
                # Who interrupts a run does not want to wait for the lists of a million pictures.
                if not isinstance(error, KeyboardInterrupt) or not journal.has_pictures(_QUICK_LISTS):
                    _write_lists(run, options)
            raise
        manifests = _write_lists(run, options)
        files = _assemble_stamps(run, len(set(gallery.sizes)), options)
    return Struct(
        written=run.written,
        skipped=run.skipped,
        failed=run.failed,
        manifest=manifests[0],
        manifests=manifests,
        stamps=files,
    )


def _write_lists(run: Run, options: RunOptions) -> list[str]:
    with _progress_bar("manifest", run.journal.counts()[0], options) as bar:
        return run.finish(bar.update)


def _assemble_stamps(run: Run, sizes: int, options: RunOptions) -> list[str]:
    if run.stamps.writer is None:
        return []
    with _progress_bar("stamps", run.journal.counts()[0] * sizes, options) as bar:
        return run.assemble(bar.update)


def _killed(batch: SourceBatch) -> list[Picture | Failure]:
    reason = "The system killed the process that worked on this detector, twice: run it with more memory."
    return [Failure(i, batch.data_id, reason) for i in batch.rows.column("diaSourceId").to_pylist()]


def _progress_bar(stage: str, total: int | None, options: RunOptions) -> Any:
    """Return a bar; without a wish, one that shows itself on a terminal."""
    from tqdm import tqdm

    disable = None if options.progress is None else not options.progress
    return tqdm(desc=stage, total=total, unit="source", disable=disable)
