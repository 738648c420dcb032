"""Choices of what is made of a repository."""

__all__ = ("RepositoryConfig",)

from lsst.pex.config import Field, ListField

from ..messages import one_of
from ..output.config import OutputConfig
from ..render.config import PicturesConfig
from ..sources import NEIGHBOURS
from ..stamps.config import StampsConfig


class RepositoryConfig(PicturesConfig, OutputConfig, StampsConfig):
    """Configuration of the images, and of what is made of them."""

    instrument = Field[str](
        doc="Instrument of the sources that do not say theirs. When not set: the only one of the repository.",
        optional=True,
        default=None,
    )
    flagMap = Field[str](
        doc="What the bits of an old packed column of flags mean: YAML as in ap_association, at a path or "
        "URI.",
        optional=True,
        default=None,
    )
    scienceImageType = Field[str](
        doc="Dataset type of the science images. When not set: found in the repository.",
        optional=True,
        default=None,
    )
    templateImageType = Field[str](
        doc="Dataset type of the templates: images in the science pixels, or coadds by patch, which are then "
        "warped to them. When not set: found in the repository.",
        optional=True,
        default=None,
    )
    templateSkymap = Field[str](
        doc="Sky map of the coadds that templates are made from, where the repository has no templates of "
        "detectors. When not set: the one that covers most of the detector.",
        optional=True,
        default=None,
    )
    differenceImageType = Field[str](
        doc="Dataset type of the difference images. When not set: found in the repository.",
        optional=True,
        default=None,
    )

    showNeighbours = ListField[str](
        doc="What to mark in every panel of what tables of the repository have near the source: any of "
        + "; ".join(f"'{kind}': {what}" for kind, what in NEIGHBOURS.items())
        + ".",
        default=[],
        itemCheck=one_of("showNeighbours", NEIGHBOURS),
    )
