"""The task that makes pictures of DiaSources: the order of work."""

__all__ = ("ZooniverseCutoutsConfig", "ZooniverseCutoutsTask")

from collections.abc import Mapping, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lsst.pex.config import FieldValidationError
from lsst.pipe.base import Task

from ._version import software_version
from .domain import CutoutsError
from .images import RememberedImages
from .messages import did_you_mean, public_uri
from .runs._fill import PictureSource, RunOptions, fill_directory
from .runs._pictures import PictureMaker
from .runs._repository import Repository
from .runs._result import RunResult
from .runs._stamp_sources import check_planes
from .runs.config import RepositoryConfig
from .sources import Sources
from .views import NotebookViews

if TYPE_CHECKING:
    from lsst.daf.butler import Butler


_REMEMBERED_IMAGES = 384
"""Three for each of 128 detectors; one takes about 120 kB, and its stamps as much."""


class ZooniverseCutoutsConfig(RepositoryConfig):
    """Configuration of ZooniverseCutoutsTask."""

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        if self.addMetadata and self.isAnonymous():
            raise FieldValidationError(
                type(self).manifestColumns, self, "'anonymous' does not go with addMetadata, which shows all"
            )


class ZooniverseCutoutsTask(NotebookViews, Task):
    """Make a picture of each DiaSource: template, science and difference.

    Parameters
    ----------
    config : `ZooniverseCutoutsConfig`, optional
        Configuration; the defaults when not given.
    butler : `lsst.daf.butler.Butler`, optional
        Repository of the images, with default collections. Without it `run` makes pictures of alerts, which
        bring their stamps, and `figure`, `render` and `show` those of images given by hand.
    repo : `str`, optional
        Path, URI or label of that repository. Worker processes open it again
        where the butler cannot be sent to them, as that of a server cannot.
    **kwargs
        Passed to `lsst.pipe.base.Task`.
    """

    ConfigClass: ClassVar = ZooniverseCutoutsConfig
    _DefaultName: ClassVar = "zooniverseCutouts"
    config: ZooniverseCutoutsConfig

    def __init__(
        self,
        config: ZooniverseCutoutsConfig | None = None,
        *,
        butler: "Butler | None" = None,
        repo: str | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(butler, str | Path):
            raise CutoutsError(
                f"The butler is a path, {public_uri(butler)}: give Butler(path, collections=...), or use "
                "ZooniverseCutoutsTask.from_repository()."
            )
        super().__init__(config, **kwargs)
        self.butler = butler
        self.repo = repo
        self._known: tuple[Any, Repository] | None = None
        self._images = RememberedImages(_REMEMBERED_IMAGES)

    def _reduce_kwargs(self) -> dict[str, Any]:
        return {**super()._reduce_kwargs(), "butler": self.butler, "repo": self.repo}

    @classmethod
    def from_repository(
        cls, repo: str, collections: str | Sequence[str], instrument: str | None = None, **fields: Any
    ) -> "ZooniverseCutoutsTask":
        """Return a task for the images of a repository.

        Parameters
        ----------
        repo : `str`
            Path, URI or label of a butler repository.
        collections : `str` or sequence of `str`
            Collections to search, first match first.
        instrument : `str`, optional
            Instrument of the sources that do not say theirs.
        **fields
            Fields of the configuration, such as ``addMetadata=True``.

        Returns
        -------
        task : `ZooniverseCutoutsTask`
            The task, with a butler of its own.

        Raises
        ------
        CutoutsError
            Raised when there is no such field.
        lsst.pex.config.FieldValidationError
            Raised when a field does not take its value.
        """
        from lsst.daf.butler import Butler

        config = cls.ConfigClass()
        for name in fields.keys() - config.keys():
            raise CutoutsError(f"The configuration has no field {name!r}.{did_you_mean(name, config)}")
        config.update(instrument=instrument, **fields)
        config.validate()
        return cls(config, butler=Butler.from_config(repo, collections=collections), repo=repo)

    def run(
        self,
        sources: Sources,
        outdir: str | Path,
        *,
        jobs: int = 1,
        overwrite: bool = False,
        append: bool = False,
        retry_failed: bool = False,
        pictures: bool | None = None,
        asked: Mapping[str, str] | None = None,
        total: int | None = None,
        progress: bool | None = None,
    ) -> RunResult:
        """Write a picture of each source, and a manifest of the pictures.

        What ``outdir`` already holds from an earlier run with the same settings is skipped, so that running
        again finishes an interrupted run, and tries again what failed.

        Parameters
        ----------
        sources : `pandas.DataFrame`, `astropy.table.Table`, \
                `pyarrow.Table`, or iterable of such tables
            DiaSources with columns ``diaSourceId``, ``visit``, ``detector``, ``ra`` and ``dec`` (degrees,
            ICRS), and whatever else the pictures and the manifest are to show.
        outdir : `str` or `pathlib.Path`
            Directory for the pictures, made when it does not exist: a path,
            or a URI that `lsst.resources` can write to, such as ``s3://``.
        jobs : `int`, optional
            Number of processes. The files are the same for any number.
        overwrite : `bool`, optional
            Make every picture again, and forget the earlier ones.
        append : `bool`, optional
            Add to pictures that were made with other settings.
        retry_failed : `bool`, optional
            Take only those of the sources that failed in an earlier run.
        pictures : `bool`, optional
            Whether to make the pictures, or the stamps of ``writeStamps``
            alone; by default what the configuration says.
        asked : `~collections.abc.Mapping` [`str`, `str`], optional
            What else the journal and ``report.json`` should tell of this
            run, such as how its sources were selected.
        total : `int`, optional
            How many sources there are, for the progress bar, where the sources are a stream.
        progress : `bool`, optional
            Whether to show a progress bar; by default on a terminal.

        Returns
        -------
        result : `lsst.pipe.base.Struct`
            ``written``
                Identifiers of the pictures made by this call (a sequence of `int`, with ``to_pandas``).
            ``skipped``
                Identifiers of the pictures that were there.
            ``failed``
                Sources without a picture, each with ``diaSourceId``, ``data_id`` and ``reason`` (a sequence,
                with ``to_pandas``); also in ``failures.csv``.
            ``manifest``
                Path of the manifest, of its first file where it has several (`str`).
            ``manifests``
                Paths of all its files (`list` [`str`]).
            ``stamps``
                Paths of the files of ``config.writeStamps`` (`list` [`str`]).
            ``uploads``
                What uploads the pictures: commands under ``upload with``, others that do the same under ``or
                with`` (`dict` [`str`, `list` [`str`]]).

        Raises
        ------
        CutoutsError
            Raised when nothing can be made at all: no such datasets, a catalogue without the needed columns,
            a directory that cannot be written to or that holds pictures made with other settings.
        """
        if total is None and isinstance(sources, Sized) and not isinstance(sources, Sequence):
            total = len(sources)
        pictures = self.config.pictures if pictures is None else pictures
        if not pictures and self.config.writeStamps == "none":
            raise CutoutsError(
                "Without pictures and without stamps nothing is left: set writeStamps.",
                choices=("writeStamps",),
            )
        repository = self.repository
        separate_panels = self.config.separatePanels or self.config.needsPanels()
        stamps = self.config.makeStampChoice(self.config.sizes)
        source = PictureSource(
            PictureMaker(
                repository.stamps if pictures else repository.unmarked_stamps,
                repository.style,
                separate_panels,
                arrays=() if stamps is None else stamps.sizes,
                planes=() if stamps is None else stamps.planes,
                spare=len(repository.spare_sizes),
                draws=pictures,
            ),
            stamps,
            pictures,
            separate_panels,
            repository.settings(),
            {"version": software_version(), "repository": public_uri(self.butler or ""), **(asked or {})},
        )
        options = RunOptions(jobs, overwrite, append, retry_failed, total, progress)
        batches = repository.batches(sources)
        if self.config.maskPlanes:
            batches = check_planes(batches, self.config.maskPlanes, repository.stamps)
        return fill_directory(outdir, source, batches, self.config, options, self.log)

    @property
    def repository(self) -> Repository:
        """What the configuration makes of the repository, remembered from one call to the next.

        A notebook may change configuration and collections in between.
        """
        collections = None if self.butler is None else tuple(self.butler.collections.defaults)
        state = repr(self.config.toDict()), self.butler, collections
        if self._known is None or self._known[0] != state:
            self._known = state, Repository(self.config, self.butler, self.repo, self._images)
        return self._known[1]
