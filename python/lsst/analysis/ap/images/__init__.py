"""From a sky position to the three stamps of a DiaSource.

This room knows the butler, FITS layouts, WCS and compressed tiles. It knows
nothing of catalogue columns, and nothing of pictures.
"""

from ._alert_stamps import ALERT_STAMPS, AlertStampReader
from ._coverage import Exposed, find_exposures
from ._datasets import HandleDatasets
from ._errors import StampError, Stamps
from ._footprints import Footprint, FootprintReader, find_footprint_type
from ._image_types import ImageTypes, find_image_types
from ._objects import read_triplets
from ._reader import RememberedImages, TripletReader
from ._repository import ButlerAddress, RepositoryDatasets, sendable
from .fits._errors import ImageFileError
from .wcs._sky_map import positions_of, unit_vectors

__all__ = (
    "ALERT_STAMPS",
    "AlertStampReader",
    "ButlerAddress",
    "Exposed",
    "Footprint",
    "FootprintReader",
    "HandleDatasets",
    "ImageFileError",
    "ImageTypes",
    "RememberedImages",
    "RepositoryDatasets",
    "StampError",
    "Stamps",
    "TripletReader",
    "find_exposures",
    "find_footprint_type",
    "find_image_types",
    "positions_of",
    "read_triplets",
    "sendable",
    "unit_vectors",
)
