"""From the pictures of a pipeline to the files of a direct run."""

__all__ = ("ZooniverseCutoutsExportConfig", "ZooniverseCutoutsExportTask")

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lsst.pipe.base import Task

from .domain import CutoutsError, DetectorVisit, SourceBatch
from .messages import public_uri
from .output.config import OutputConfig
from .runs._fill import PictureSource, RunOptions, fill_directory
from .runs._picture_table import Description, StoredPictures, read_description, read_rows
from .runs._pictures import settings_of
from .runs._result import RunResult
from .sources import find_tables
from .stamps.config import StampsConfig

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef


class ZooniverseCutoutsExportConfig(OutputConfig, StampsConfig):
    """Configuration of ZooniverseCutoutsExportTask."""


class ZooniverseCutoutsExportTask(Task):
    """Write the pictures that a pipeline put into a repository as files.

    Parameters
    ----------
    config : `ZooniverseCutoutsExportConfig`, optional
        Configuration; the defaults when not given.
    butler : `lsst.daf.butler.Butler`
        Repository, with the default collections to search.
    **kwargs
        Passed to `lsst.pipe.base.Task`.
    """

    ConfigClass: ClassVar = ZooniverseCutoutsExportConfig
    _DefaultName: ClassVar = "zooniverseCutoutsExport"
    config: ZooniverseCutoutsExportConfig

    def __init__(
        self, config: ZooniverseCutoutsExportConfig | None = None, *, butler: "Butler", **kwargs: Any
    ) -> None:
        super().__init__(config, **kwargs)
        self.butler = butler

    def _reduce_kwargs(self) -> dict[str, Any]:
        return {**super()._reduce_kwargs(), "butler": self.butler}

    def run(
        self,
        outdir: str | Path,
        *,
        datasetType: str = "dia_source_cutouts",
        where: str = "",
        jobs: int = 1,
        overwrite: bool = False,
        append: bool = False,
        progress: bool | None = None,
    ) -> RunResult:
        """Write the pictures of some datasets, and their manifest.

        The files are those that `ZooniverseCutoutsTask.run` writes with the
        same settings, byte for byte. What ``outdir`` has already is skipped.

        Parameters
        ----------
        outdir : `str` or `pathlib.Path`
            Directory for the pictures: a path, or a URI that `lsst.resources` can write to.
        datasetType : `str`, optional
            What `ZooniverseCutoutsPipelineTask` wrote.
        where : `str`, optional
            Which of them: a data ID expression of the butler; all when empty.
        jobs : `int`, optional
            Number of processes. The files are the same for any number.
        overwrite : `bool`, optional
            Write every picture again, and forget the earlier ones.
        append : `bool`, optional
            Add to pictures that were made with other settings.
        progress : `bool`, optional
            Whether to show a progress bar; by default on a terminal.

        Returns
        -------
        result : `lsst.pipe.base.Struct`
            As that of `ZooniverseCutoutsTask.run`.

        Raises
        ------
        CutoutsError
            Raised when there is nothing to export, a dataset cannot be read,
            the datasets were made with different settings, or the directory
            cannot be written to or holds pictures made with other settings.
        """
        refs = find_tables(self.butler, datasetType, where)
        description = self._common_description(refs)
        stamps = self.config.makeStampChoice(description.sizes)
        if stamps is not None and not description.has_stamps:
            raise CutoutsError(
                f"{datasetType} has no stamps to write (writeStamps): run the pipeline with putStamps=True."
            )
        if stamps is not None and stamps.planes:
            raise CutoutsError(
                f"{datasetType} has the images of the stamps alone, no {', '.join(stamps.planes)}.",
                choices=("stampsPlanes",),
            )
        source = PictureSource(
            StoredPictures(self.butler, datasetType, description, stamps is not None, self.config.pictures),
            stamps,
            self.config.pictures,
            bool(description.panels),
            {
                **description.settings,
                **settings_of(self.config),
                "collections": repr(tuple(self.butler.collections.defaults)),
            },
            {**description.facts, "repository": public_uri(self.butler)},
        )
        options = RunOptions(jobs, overwrite, append, progress=progress)
        return fill_directory(
            outdir, source, self._batches(refs, description), self.config, options, self.log
        )

    def _common_description(self, refs: "Sequence[DatasetRef]") -> Description:
        """Return what all tables have in common, of which each run has one."""
        one_of_each_run = {ref.run: ref for ref in refs}
        of_runs = {run: read_description(self.butler, ref) for run, ref in one_of_each_run.items()}
        (first_run, first), *others = of_runs.items()
        for run, description in others:
            if differences := first.differences(description):
                named = "; ".join(f"{name}: {ours}, {theirs}" for name, (ours, theirs) in differences.items())
                raise CutoutsError(
                    f"The pictures in {first_run} were made with other settings than those in {run} "
                    f"({named}): export each collection to a directory of its own.",
                    choices=("collections",),
                )
        runs_of = {description.facts.get("selection"): run for run, description in of_runs.items()}
        if len(runs_of) > 1:
            self.log.warning(
                "The pictures are of runs with different selections: %s. To export those of one run "
                "only, name its RUN collection.",
                "; ".join(f"{selection} in {run}" for selection, run in runs_of.items()),
            )
        return first.with_facts_of(description for _, description in others)

    def _batches(self, refs: "Sequence[DatasetRef]", description: Description) -> Iterator[SourceBatch]:
        for ref in refs:
            place = ref.dataId
            data_id = DetectorVisit(str(place["instrument"]), int(place["visit"]), int(place["detector"]))
            yield SourceBatch(data_id, read_rows(self.butler, ref, description))
