"""Choices of what is cut, and what of a configuration a directory remembers."""

__all__ = ("PicturesConfig", "settings_of")

from lsst.pex.config import Config, Field, RangeField

from ..output.config import OutputConfig
from ..render.config import LooksConfig
from ..stamps.config import StampsConfig


class PicturesConfig(LooksConfig):
    """Configuration of what a picture shows, and of what it looks like."""

    useFootprint = Field[bool](
        doc="Cut each stamp as large as the source's footprint, in place of 'sizes': from the catalogue of "
        "footprints in the repository, or else from the sources' bboxSize.",
        default=False,
    )
    footprintMinSize = RangeField(
        doc="Least side of a stamp in pixels when useFootprint is set.",
        dtype=int,
        default=21,
        min=1,
    )
    requireDifference = Field[bool](
        doc="Whether a source without a difference image has no picture. Later data releases do not store "
        "difference images; without this the third panel then says so.",
        default=True,
    )
    separatePanels = Field[bool](
        doc="Write each panel as a picture of its own as well. What subjects consist of says subjectFrames.",
        default=False,
    )


def settings_of(config: Config) -> dict[str, str]:
    """Return what decides how a picture comes out, and where it goes.

    Parameters
    ----------
    config : `lsst.pex.config.Config`
        Any configuration of this package.

    Returns
    -------
    settings : `dict` [`str`, `str`]
        The values as text by name, without those that only decide what lists
        and arrays accompany the pictures.
    """
    lists = {*OutputConfig._fields, *StampsConfig._fields} - {"chunkSize", "chunkFiles"}
    return {name: repr(value) for name, value in config.toDict().items() if name not in lists}
