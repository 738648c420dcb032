"""DiaSources from wherever they are kept, as batches of one detector each.

This room knows databases, catalogue files and column names. It knows nothing
of pixels.
"""

from ._apdb import SqlApdb
from ._batches import group_by_detector
from ._ccd_visit import CcdVisitPacker, LinearPacker, RubinPacker
from ._choice import Stratum
from ._columns import REQUIRED_COLUMNS, standardize
from ._files import read_catalog
from ._flag_map import FlagMap
from ._selection import Selection
from ._sky import circle, polygon
from ._synonyms import SYNONYMS
from ._tables import Sources, arrow_tables, one_row
from ._where import parse_condition

__all__ = (
    "REQUIRED_COLUMNS",
    "SYNONYMS",
    "CcdVisitPacker",
    "FlagMap",
    "LinearPacker",
    "RubinPacker",
    "Selection",
    "Sources",
    "SqlApdb",
    "Stratum",
    "arrow_tables",
    "circle",
    "group_by_detector",
    "one_row",
    "parse_condition",
    "polygon",
    "read_catalog",
    "standardize",
)
