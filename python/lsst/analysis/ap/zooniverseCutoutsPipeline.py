"""The same pictures as a step of a pipeline, for more than one machine can do."""

__all__ = (
    "CutoutsQuantumError",
    "ZooniverseCutoutsConnections",
    "ZooniverseCutoutsPipelineConfig",
    "ZooniverseCutoutsPipelineTask",
)

import dataclasses
import functools
from typing import TYPE_CHECKING, ClassVar

from lsst.pex.config import ConfigField, Field
from lsst.pipe.base import (
    AnnotatedPartialOutputsError,
    NoWorkFound,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    Struct,
    connectionTypes,
)

from ._version import software_version
from .domain import PANELS, CutoutsError, UnreadableError
from .images import HandleDatasets
from .render.config import PicturesConfig
from .runs._picture_table import Description, make_picture_table
from .runs._pictures import settings_of
from .runs._quantum import CutoutsQuantumError, quantum_maker
from .sources import FlagMap, Meanings, Selection, TableCatalog, group_by_detector, read_butler_table
from .sources.config import SelectionConfig

if TYPE_CHECKING:
    from lsst.daf.butler import DeferredDatasetHandle
    from lsst.pipe.base import (
        InputQuantizedConnection,
        OutputQuantizedConnection,
        QuantaAdjuster,
        QuantumContext,
    )


_DIMENSIONS = ("instrument", "visit", "detector")
_OptionalInput = functools.partial(
    connectionTypes.Input, dimensions=_DIMENSIONS, deferLoad=True, minimum=0, deferGraphConstraint=True
)


class ZooniverseCutoutsConnections(PipelineTaskConnections, dimensions=_DIMENSIONS):
    """Datasets of ZooniverseCutoutsPipelineTask.

    There is a quantum for each table of DiaSources. An image that does not exist fails its sources, each by
    name, and no quantum; a graph without any image of one kind is refused.

    Parameters
    ----------
    config : `ZooniverseCutoutsPipelineConfig`
        It says of which storage class the inputs are.
    """

    diaSources = connectionTypes.Input(
        doc="DiaSources of the detector.",
        name="dia_source_detector",
        storageClass="ArrowAstropy",
        dimensions=_DIMENSIONS,
        deferLoad=True,
    )
    template = _OptionalInput(
        doc="Template, warped to the pixels of the science image.",
        name="template_detector",
        storageClass="DifferenceImage",
    )
    science = _OptionalInput(
        doc="Science image.",
        name="preliminary_visit_image",
        storageClass="VisitImage",
    )
    difference = _OptionalInput(
        doc="Difference image.",
        name="difference_image",
        storageClass="DifferenceImage",
    )
    footprints = _OptionalInput(
        doc="Catalogue with the footprints of the DiaSources; used if pictures.useFootprint is set.",
        name="dia_source_unstandardized",
        storageClass="SourceCatalog",
    )
    cutouts = connectionTypes.Output(
        doc="The catalogue with a column of PNG files.",
        name="dia_source_cutouts",
        storageClass="ArrowTable",
        dimensions=_DIMENSIONS,
    )

    def __init__(self, *, config: "ZooniverseCutoutsPipelineConfig") -> None:
        super().__init__(config=config)
        for name in ("diaSources", *PANELS):
            storage_class = getattr(config, f"{name}StorageClass")
            setattr(self, name, dataclasses.replace(getattr(self, name), storageClass=storage_class))
        if not config.pictures.useFootprint:
            del self.footprints

    def adjust_all_quanta(self, adjuster: "QuantaAdjuster") -> None:
        """Refuse a graph that finds no image of some kind at all.

        Parameters
        ----------
        adjuster : `lsst.pipe.base.QuantaAdjuster`
            The graph so far, without the images that do not exist.

        Raises
        ------
        CutoutsError
            Raised when no quantum has a template, none has a science image, or none has a difference image.
        """
        missing = set(PANELS)
        data_ids = list(adjuster.iter_data_ids())
        for data_id in data_ids:
            missing -= {role for role, found in adjuster.get_inputs(data_id).items() if found}
            if not missing:
                return
        if data_ids:
            role = next(role for role in PANELS if role in missing)
            raise CutoutsError(
                f"There is no {role} image, dataset type {getattr(self, role).name}, for any of the "
                f"{len(data_ids)} tables of DiaSources: set {adjuster.task_label}:connections.{role} to the "
                "dataset type that the repository has, or add the collection that has it to the inputs (-i)."
            )


class ZooniverseCutoutsPipelineConfig(
    PipelineTaskConfig,  # type: ignore[call-arg]
    pipelineConnections=ZooniverseCutoutsConnections,
):
    """Configuration of ZooniverseCutoutsPipelineTask."""

    pictures = ConfigField[PicturesConfig](doc="What the pictures show, and what they look like.")
    selection = ConfigField[SelectionConfig](doc="Which DiaSources of each table are wanted.")
    flagMap = Field[str](
        doc="What the bits of an old packed column of flags mean: YAML as in ap_association, at a path or "
        "URI that every worker can read.",
        optional=True,
        default=None,
    )
    putStamps = Field[bool](
        doc="Put the stamps themselves into the table as well, with their WCS: float32 values of template, "
        "science and difference, NaN where there are no data.",
        default=False,
    )
    diaSourcesStorageClass = Field[str](
        doc="Storage class of the DiaSources: ArrowAstropy, ArrowTable, DataFrame or SourceCatalog.",
        default="ArrowAstropy",
    )
    templateStorageClass = Field[str](
        doc="Storage class of the templates: DifferenceImage, or ExposureF where it is so declared.",
        default="DifferenceImage",
    )
    scienceStorageClass = Field[str](
        doc="Storage class of the science images: VisitImage, or ExposureF where it is so declared.",
        default="VisitImage",
    )
    differenceStorageClass = Field[str](
        doc="Storage class of the difference images: DifferenceImage, or ExposureF where it is so declared.",
        default="DifferenceImage",
    )


class ZooniverseCutoutsPipelineTask(PipelineTask):
    """Make pictures of the DiaSources of one detector, as a table.

    What `ZooniverseCutoutsTask` writes as files, this task puts into the repository, one dataset for each
    quantum; `ZooniverseCutoutsExportTask` turns these datasets into the same files.
    """

    ConfigClass: ClassVar = ZooniverseCutoutsPipelineConfig
    _DefaultName: ClassVar = "zooniverseCutouts"
    config: ZooniverseCutoutsPipelineConfig

    def runQuantum(
        self,
        butlerQC: "QuantumContext",
        inputRefs: "InputQuantizedConnection",
        outputRefs: "OutputQuantizedConnection",
    ) -> None:
        """Read the inputs of a quantum, and put its pictures.

        Parameters
        ----------
        butlerQC : `lsst.pipe.base.QuantumContext`
            What reads and writes.
        inputRefs : `lsst.pipe.base.InputQuantizedConnection`
            The table of DiaSources, and those of the images that exist.
        outputRefs : `lsst.pipe.base.OutputQuantizedConnection`
            The table of pictures.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised when none of the DiaSources is wanted.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised when the catalogue or the configuration allows no picture
            at all, from the `CutoutsQuantumError` that says why.
        UnreadableError
            Raised when the catalogue, or a file that the configuration names, cannot be read.
        """
        try:
            outputs = self.run(**butlerQC.get(inputRefs))
        except UnreadableError:  # nothing is wrong with the catalogue itself, so far as anybody knows
            raise
        except CutoutsError as error:
            failure = CutoutsQuantumError(str(error), dict(outputRefs.cutouts.dataId.required))
            raise AnnotatedPartialOutputsError.annotate(failure, self, log=self.log) from failure
        butlerQC.put(outputs, outputRefs)

    def run(
        self,
        diaSources: "DeferredDatasetHandle",
        template: "DeferredDatasetHandle | None" = None,
        science: "DeferredDatasetHandle | None" = None,
        difference: "DeferredDatasetHandle | None" = None,
        footprints: "DeferredDatasetHandle | None" = None,
    ) -> Struct:
        """Make the pictures of the wanted DiaSources of a table.

        Parameters
        ----------
        diaSources : `lsst.daf.butler.DeferredDatasetHandle`
            Table of the DiaSources of one detector.
        template, science, difference : \
                `lsst.daf.butler.DeferredDatasetHandle`, optional
            The images of that detector. Only the compressed tiles that the stamps need are read.
        footprints : `lsst.daf.butler.DeferredDatasetHandle`, optional
            Catalogue of its footprints.

        Returns
        -------
        result : `lsst.pipe.base.Struct`
            ``cutouts``
                The wanted rows with all their columns, and the columns ``png`` (the file, null where there is
                none) and ``failure`` (why there is none, else null); a column for each panel where
                ``pictures.separatePanels`` is set; the stamps where ``putStamps`` is set (`pyarrow.Table`).

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised when none of the DiaSources is wanted.
        UnreadableError
            Raised when the table, or a file that the configuration names, cannot be read.
        CutoutsError
            Raised when the table lacks a column that is needed.
        """
        selection = self.config.selection.makeSelection()
        meanings = Meanings(None if self.config.flagMap is None else FlagMap.from_file(self.config.flagMap))
        catalog = TableCatalog(lambda *_: read_butler_table(diaSources.butler, diaSources.ref, meanings))
        instrument = str(diaSources.dataId["instrument"])
        batches = list(group_by_detector(catalog.read(selection), instrument))
        if not batches:
            raise NoWorkFound(f"Nothing is selected of {diaSources.ref}.")
        pictures = self.config.pictures
        names = self.config.connections.toDict()
        datasets = HandleDatasets(template, science, difference, footprints, dataset_types=names)
        maker = quantum_maker(
            datasets, pictures, has_footprints=footprints is not None, put_stamps=self.config.putStamps
        )
        table = make_picture_table(self._describe(selection), ((batch, maker(batch)) for batch in batches))
        failed = len(table) - table.column("failure").null_count
        self.metadata["pictures"], self.metadata["failures"] = len(table) - failed, failed
        if failed == len(table):
            reason = table.column("failure")[0].as_py()
            self.log.warning("All %d sources of %s failed; the first: %s", failed, batches[0].data_id, reason)
        else:
            self.log.info("Made %d pictures; %d sources failed", len(table) - failed, failed)
        return Struct(cutouts=table)

    def _describe(self, selection: Selection) -> Description:
        """Return what is the same for all pictures of this task."""
        pictures = self.config.pictures
        types = {f"{role}ImageType": repr(getattr(self.config.connections, role)) for role in PANELS}
        return Description(
            sizes=tuple(pictures.sizes),
            panels=PANELS if pictures.separatePanels else (),
            has_stamps=self.config.putStamps,
            settings={
                **settings_of(pictures),
                **types,
                "flagMap": repr(self.config.flagMap),
                "templateSkymap": repr(None),  # its templates are those of detectors
                "showNeighbours": repr([]),  # its inputs have no tables of them
            },
            facts={"version": software_version(), "selection": selection.in_words()},
        )
