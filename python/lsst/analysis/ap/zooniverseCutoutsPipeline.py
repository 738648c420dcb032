"""The same pictures as a step of a pipeline, for more than one machine can do."""

__all__ = (
    "CutoutsQuantumError",
    "ZooniverseCutoutsPipelineConfig",
    "ZooniverseCutoutsPipelineTask",
)

from typing import TYPE_CHECKING, Any, ClassVar

from lsst.pex.config import ConfigField, Field, FieldValidationError
from lsst.pipe.base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    NoWorkFound,
    PipelineTask,
    PipelineTaskConfig,
    Struct,
)

from ._config import PicturesConfig, settings_of
from ._connections import ZooniverseCutoutsConnections
from ._description import Description
from ._maker import PictureMaker
from ._picture_table import make_picture_table
from ._selection_config import SelectionConfig
from ._sizes import FixedSizes, FootprintSizes
from ._version import software_version
from .domain import CutoutsError, UnreadableError
from .images import FootprintReader, HandleDatasets, TripletReader
from .output import PANELS
from .sources import FlagMap, Selection, TableCatalog, group_by_detector, read_butler_table

if TYPE_CHECKING:
    from lsst.daf.butler import DeferredDatasetHandle
    from lsst.pipe.base import InputQuantizedConnection, OutputQuantizedConnection, QuantumContext


class CutoutsQuantumError(CutoutsError, AlgorithmError):
    """A quantum whose catalogue or configuration allows no pictures at all.

    Parameters
    ----------
    message : `str`
        What is wrong, and what to do about it.
    data_id : `dict`
        Data ID of the quantum.
    """

    def __init__(self, message: str, data_id: dict[str, Any]) -> None:
        super().__init__(message)
        self._data_id = data_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self._data_id)

    @property
    def metadata(self) -> dict[str, Any]:
        """The data ID, for whoever reads the report of the run."""
        return self._data_id


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

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        if self.putStamps and self.pictures.useFootprint:
            raise FieldValidationError(
                type(self).putStamps, self, "arrays have one size: set pictures.sizes, not useFootprint"
            )


class ZooniverseCutoutsPipelineTask(PipelineTask):
    """Make pictures of the DiaSources of one detector, as a table.

    What `ZooniverseCutoutsTask` writes as files, this task puts into the
    repository, one dataset for each quantum; `ZooniverseCutoutsExportTask`
    turns these datasets into the same files.
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
            Raised when the catalogue, or a file that the configuration names,
            cannot be read.
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
            The images of that detector. Only the compressed tiles that the
            stamps need are read.
        footprints : `lsst.daf.butler.DeferredDatasetHandle`, optional
            Catalogue of its footprints.

        Returns
        -------
        result : `lsst.pipe.base.Struct`
            ``cutouts``
                The wanted rows with all their columns, and the columns
                ``png`` (the file, null where there is none) and ``failure``
                (why there is none, else null); a column for each panel where
                ``pictures.separatePanels`` is set; the stamps where
                ``putStamps`` is set (`pyarrow.Table`).

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised when none of the DiaSources is wanted.
        UnreadableError
            Raised when the table, or a file that the configuration names,
            cannot be read.
        CutoutsError
            Raised when the table lacks a column that is needed.
        """
        selection = self.config.selection.makeSelection()
        flag_map = None if self.config.flagMap is None else FlagMap.from_file(self.config.flagMap)
        catalog = TableCatalog(lambda *_: read_butler_table(diaSources.butler, diaSources.ref, flag_map))
        instrument = str(diaSources.dataId["instrument"])
        batches = list(group_by_detector(catalog.read(selection), instrument))
        if not batches:
            raise NoWorkFound(f"Nothing is selected of {diaSources.ref}.")
        pictures = self.config.pictures
        names = self.config.connections.toDict()
        datasets = HandleDatasets(template, science, difference, footprints, names)
        sizes: FixedSizes | FootprintSizes = FixedSizes(tuple(pictures.sizes))
        if pictures.useFootprint:
            reader = None if footprints is None else FootprintReader(datasets)
            sizes = FootprintSizes(reader, pictures.footprintMinSize)
        maker = PictureMaker(
            TripletReader(datasets, planes=pictures.maskPlanes),
            sizes,
            pictures.makeStyle(),
            pictures.separatePanels,
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
            settings={**settings_of(pictures), **types},
            facts={"version": software_version(), "selection": selection.in_words()},
        )
