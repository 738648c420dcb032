"""Reading of whole catalogues, and of the identifiers that tables hold."""

from lsst.analysis.ap.sources import Meanings
from lsst.analysis.ap.sources._arrays import join_tables
from lsst.analysis.ap.sources._files import _Reader


def read_catalog(path):
    """Return all the rows of a catalogue, in their order."""
    return join_tables(_Reader(path, Meanings()).tables(None))


def ids(tables):
    """Return the ``diaSourceId`` of every row of some tables."""
    return [i for table in tables for i in table.column("diaSourceId").to_pylist()]
