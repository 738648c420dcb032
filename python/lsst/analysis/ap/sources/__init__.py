"""DiaSources from wherever they are kept, as batches of one detector each.

This room knows databases, catalogue files and column names. It knows nothing
of pixels.
"""

from ._apdb import SqlApdb
from ._batches import group_by_detector
from ._columns import REQUIRED_COLUMNS, SYNONYMS, standardize
from ._files import read_catalog
from ._selection import Selection
from ._tables import Sources, arrow_tables, one_row

__all__ = (
    "REQUIRED_COLUMNS",
    "SYNONYMS",
    "Selection",
    "Sources",
    "SqlApdb",
    "arrow_tables",
    "group_by_detector",
    "one_row",
    "read_catalog",
    "standardize",
)
