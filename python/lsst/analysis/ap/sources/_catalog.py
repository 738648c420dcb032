"""What every catalogue of DiaSources can do, and the one of tables."""

__all__ = ("Catalog", "TableCatalog")

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, Protocol

import pyarrow as pa

from ._arrays import join_tables
from ._choice import Keys
from ._columns import REQUIRED_COLUMNS
from ._selection import WITHDRAWN_COLUMNS, Selection, in_order
from .conditions._expression import And, columns_of

_PAGE_ROWS: Final = 5000


class Catalog(Protocol):
    """What DiaSources are read from."""

    instrument: str | None
    """Name of the instrument; `None` where only the rows say it, or nothing does."""

    def read(self, selection: Selection, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Yield the wanted sources.

        ``columns``: columns by their current names that are wanted besides the required ones, as far as the
        catalogue has them; all when `None`. Yields: some of them, by visit, detector and diaSourceId within
        each table, and over all tables unless these pass one by one. Raises `CutoutsError` when a column is
        missing that the selection needs, or a database stops answering.
        """


class TableCatalog(Catalog):
    """DiaSources in one table or in several, which are read when needed.

    ``tables``: called with the columns that are wanted, all when `None`, and with a selection, of whose
    sources none may be missing; it returns tables with the current column names. It is called once or twice
    for each reading. ``grouped``: whether the sources of one detector are all in one table, so that the
    tables can pass one by one; otherwise what is selected is held in memory and sorted.
    """

    def __init__(
        self,
        tables: Callable[[Collection[str] | None, Selection], Iterable[pa.Table]],
        *,
        grouped: bool = False,
    ) -> None:
        self.instrument = None
        self._tables = tables
        self._grouped = grouped
        self._chosen: tuple[Selection, Keys] | None = None

    def count(self, selection: Selection) -> int:
        """Return how many sources a selection has, which is never more than its limit."""
        return sum(len(page) for page in self.read(selection, ()))

    def read(self, selection: Selection, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        # Docstring inherited.
        if not self._grouped:
            if tables := list(self._matching(selection, columns)):
                table = selection.apply(join_tables(tables))
                for start in range(0, len(table), _PAGE_ROWS):
                    yield table.slice(start, _PAGE_ROWS)
            return
        choices = (selection.latest, selection.sample, selection.limit)
        if not selection.one_per_object and choices == (None, None, None):
            yield from self._matching(selection, columns)
            return
        keys = self._choose(selection)
        for table in self._matching(selection, columns):
            if len(rows := keys.first_rows(table)):
                yield table.take(rows)

    def _choose(self, selection: Selection) -> Keys:
        if self._chosen is None or self._chosen[0] != selection:
            tables = self._matching(selection, selection.choice_columns)
            self._chosen = selection, selection.choose(tables)
        return self._chosen[1]

    def _matching(self, selection: Selection, columns: Collection[str] | None) -> Iterator[pa.Table]:
        """Yield the sources that meet the conditions, sorted in each table."""
        if columns is not None:
            conditions = columns_of(And(tuple(selection.conditions(WITHDRAWN_COLUMNS))))
            columns = {*columns, *REQUIRED_COLUMNS, *conditions, *selection.choice_columns, "instrument"}
            columns |= {"diaObjectId"} if selection.object_ids is not None else set()
        for table in self._tables(columns, selection):
            found = in_order(selection.matching(table))
            if len(found):
                yield found
