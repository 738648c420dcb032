"""Reading of whole catalogues, and of the identifiers that tables hold."""

from lsst.analysis.ap.sources import Selection, open_catalog
from lsst.analysis.ap.sources._arrays import join_tables


def read_catalog(path):
    """Return all the rows of a catalogue, in their order."""
    return join_tables(open_catalog(path)._tables(None, Selection()))


def ids(tables):
    """Return the ``diaSourceId`` of every row of some tables."""
    return [i for table in tables for i in table.column("diaSourceId").to_pylist()]
