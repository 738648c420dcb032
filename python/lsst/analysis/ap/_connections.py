"""The datasets that the pipeline task reads and writes."""

__all__ = ("ZooniverseCutoutsConnections",)

import dataclasses
import functools
from typing import TYPE_CHECKING

from lsst.pipe.base import PipelineTaskConnections, connectionTypes

from .domain import CutoutsError
from .output import PANELS

if TYPE_CHECKING:
    from lsst.pipe.base import QuantaAdjuster

    from .zooniverseCutoutsPipeline import ZooniverseCutoutsPipelineConfig

_DIMENSIONS = ("instrument", "visit", "detector")
_OptionalInput = functools.partial(
    connectionTypes.Input, dimensions=_DIMENSIONS, deferLoad=True, minimum=0, deferGraphConstraint=True
)


class ZooniverseCutoutsConnections(PipelineTaskConnections, dimensions=_DIMENSIONS):
    """Datasets of ZooniverseCutoutsPipelineTask.

    There is a quantum for each table of DiaSources. An image that does not
    exist fails its sources, each by name, and no quantum; a graph without any
    image of one kind is refused.

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
            Raised when no quantum has a template, none has a science image,
            or none has a difference image.
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
