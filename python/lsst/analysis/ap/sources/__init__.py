"""DiaSources from wherever they are kept, as batches of one detector each.

This room knows databases, catalogue files and column names. It knows nothing of pixels.
"""

from ._alerts import open_alerts
from ._apdb import SqlApdb
from ._arrays import keep_pandas_out
from ._batches import group_by_detector
from ._butler_tables import find_tables, open_butler_tables, read_butler_table
from ._cassandra import open_apdb
from ._catalog import Catalog, TableCatalog
from ._ccd_visit import CcdVisitPacker, LinearPacker, RubinPacker, packer_of
from ._choice import Stratum
from ._columns import REQUIRED_COLUMNS, Meanings
from ._files import open_catalog
from ._flag_map import FlagMap
from ._forced import forced_sources
from ._make_selection import make_selection
from ._neighbours import NEIGHBOURS, NeighbourTables, Places, find_neighbour_tables
from ._positions import FindExposures
from ._rows import open_sources, row_fields, rows_of
from ._selection import Selection
from ._synonyms import PICTURE_COLUMNS, SYNONYMS, current_name
from ._tables import Sources, StandardTables, arrow_tables
from ._tap import DEFAULT_TAP_URL, open_tap
from .conditions._arrow import arrow_condition
from .conditions._expression import columns_of
from .conditions._sky import circle, polygon
from .conditions._where import parse_condition

__all__ = (
    "DEFAULT_TAP_URL",
    "NEIGHBOURS",
    "PICTURE_COLUMNS",
    "REQUIRED_COLUMNS",
    "SYNONYMS",
    "Catalog",
    "CcdVisitPacker",
    "FindExposures",
    "FlagMap",
    "LinearPacker",
    "Meanings",
    "NeighbourTables",
    "Places",
    "RubinPacker",
    "Selection",
    "Sources",
    "SqlApdb",
    "StandardTables",
    "Stratum",
    "TableCatalog",
    "arrow_condition",
    "arrow_tables",
    "circle",
    "columns_of",
    "current_name",
    "find_neighbour_tables",
    "find_tables",
    "forced_sources",
    "group_by_detector",
    "keep_pandas_out",
    "make_selection",
    "open_alerts",
    "open_apdb",
    "open_butler_tables",
    "open_catalog",
    "open_sources",
    "open_tap",
    "packer_of",
    "parse_condition",
    "polygon",
    "read_butler_table",
    "row_fields",
    "rows_of",
)
