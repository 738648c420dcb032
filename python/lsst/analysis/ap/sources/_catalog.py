"""What every catalogue of DiaSources can do."""

__all__ = ("Catalog",)

from collections.abc import Collection, Iterator
from typing import Protocol

import pyarrow as pa

from ._selection import Selection


class Catalog(Protocol):
    """What DiaSources are read from."""

    instrument: str | None
    """Name of the instrument; `None` where only the rows say it, or nothing does."""

    def read(self, selection: Selection, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Yield the wanted sources.

        Parameters
        ----------
        selection : `Selection`
            Which sources are wanted.
        columns : collection of `str`, optional
            Columns by their current names that are wanted besides the required ones, as far as the catalogue
            has them; all when not given.

        Yields
        ------
        table : `pyarrow.Table`
            Some of them, by visit, detector and diaSourceId within each
            table, and over all tables unless these pass one by one.

        Raises
        ------
        CutoutsError
            Raised when a column is missing that the selection needs, or a database stops answering.
        """
        ...
