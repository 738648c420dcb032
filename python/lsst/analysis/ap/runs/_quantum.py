"""What makes the pictures of one quantum, and how it says that it cannot."""

__all__ = ("CutoutsQuantumError", "quantum_maker")

from typing import Any

from lsst.pipe.base import AlgorithmError

from ..domain import CutoutsError
from ..images import FootprintReader, HandleDatasets, TripletReader
from ..render.config import PicturesConfig
from ._pictures import PictureMaker
from ._stamp_sources import DetectorStamps, FootprintSizes, Sizes


class CutoutsQuantumError(CutoutsError, AlgorithmError):
    """A quantum whose catalogue or configuration allows no pictures at all.

    ``message``: what is wrong, and what to do about it.
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


def quantum_maker(
    datasets: HandleDatasets, pictures: PicturesConfig, *, has_footprints: bool, put_stamps: bool
) -> PictureMaker:
    """Return what draws the pictures of the detector of a quantum.

    ``datasets``: the images of the quantum, and its footprints. ``pictures``: what the pictures show, and
    what they look like. ``has_footprints``: whether there are footprints among the datasets. ``put_stamps``:
    whether the stamps themselves are wanted as well. Returns: it takes the sources of the quantum.
    """
    arrays = tuple(pictures.sizes) if put_stamps else ()
    spare = arrays if pictures.useFootprint else ()
    sizes: Sizes = tuple(pictures.sizes)
    if pictures.useFootprint:
        reader = FootprintReader(datasets) if has_footprints else None
        sizes = FootprintSizes(reader, pictures.footprintMinSize, spare)
    style = pictures.makeStyle()
    images = TripletReader(datasets, planes=style.planes, require_difference=pictures.requireDifference)
    return PictureMaker(
        DetectorStamps(images, sizes), style, pictures.separatePanels, arrays=arrays, spare=len(spare)
    )
