"""Reading of whole catalogues."""

from lsst.analysis.ap.sources import Meanings
from lsst.analysis.ap.sources._arrays import join_tables
from lsst.analysis.ap.sources._files import _Reader


def read_catalog(path):
    """Return all the rows of a catalogue, in their order."""
    return join_tables(_Reader(path, Meanings()).tables(None))
