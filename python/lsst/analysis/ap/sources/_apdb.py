"""Page through the DiaSources of an Alert Production Database."""

__all__ = ("SqlApdb",)

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import sqlalchemy as sa

from ..domain import CutoutsError
from ._catalog import Catalog
from ._ccd_visit import unknown_packer
from ._choice import Keys
from ._columns import Meanings, Standardizer
from ._database import Database
from ._selection import Selection
from ._sql import SourceRows, identifier_clauses, sql_condition
from ._synonyms import renamed
from .conditions._arrow import arrow_condition
from .conditions._expression import And, Expression, columns_of

_KEY: Final = ("visit", "detector", "diaSourceId")
_PACKED_KEY: Final = ("ccdVisitId", "diaSourceId")


class SqlApdb(Catalog):
    """The DiaSource table of an APDB in SQLite or PostgreSQL, read-only.

    The table is reflected, so that any version of the APDB schema will do.

    ``namespace``: schema of the database that holds the tables. ``meanings``: what its columns mean that do
    not say it themselves. Raises `CutoutsError` when the database does not answer or has no DiaSource table.
    """

    def __init__(
        self, database: Database, namespace: str | None = None, meanings: Meanings | None = None
    ) -> None:
        meanings = meanings or Meanings()
        self._database = database
        self._namespace = namespace
        self._name = f"DiaSource of {database.name}"
        try:
            table = database.reflect("DiaSource", namespace)
        except sa.exc.NoSuchTableError as error:
            where = "" if namespace is None else f" in namespace {namespace!r}"
            raise CutoutsError(
                f"Database {database.name} has no table DiaSource{where}. Is it an APDB?"
            ) from error
        # The columns by their current names, flags that share an integer apart.
        self._columns: dict[str, sa.ColumnElement[Any]] = dict(
            zip(renamed(table.c.keys()), table.c, strict=True)
        )
        if (flag_map := meanings.flag_map) is not None and flag_map.column in self._columns:
            packed = self._columns.pop(flag_map.column)
            for name, bit in flag_map.bits.items():
                self._columns.setdefault(name, packed.bitwise_and(sa.literal(1 << bit)) != 0)
        key = _KEY if set(_KEY) <= self._columns.keys() else _PACKED_KEY
        if missing := [name for name in key if name not in self._columns]:
            missing = [name for name in _KEY if name not in self._columns] or missing
            raise CutoutsError(f"DiaSource of {database.name} has no column {', '.join(missing)}.")
        if key == _PACKED_KEY and meanings.packer() is None:
            raise unknown_packer()
        self.instrument = self._read_instrument()
        """Name of the instrument; `None` where the database has none."""
        self._standardizer = Standardizer(meanings)
        self._rows = SourceRows(database, self._columns, key, self.instrument, self._standardizer)
        self._chosen: tuple[Selection, Keys] | None = None

    def forced(self, object_id: int, names: Collection[str]) -> pa.Table:
        """Return the forced photometry of a DiaObject.

        ``object_id``: ``diaObjectId``. ``names``: columns of DiaForcedSource that are wanted, as far as there
        are. Returns: the rows; none where the database has no such table. Raises `CutoutsError` when the
        database does not answer.
        """
        try:
            table = self._database.reflect("DiaForcedSource", self._namespace)
        except sa.exc.NoSuchTableError:
            return pa.table({name: pa.nulls(0) for name in names})
        columns = [column for column in table.columns if column.name in names]
        rows = self._database.rows(sa.select(*columns).where(table.c.diaObjectId == object_id))
        return pa.table({column.name: [row[i] for row in rows] for i, column in enumerate(columns)})

    @classmethod
    def from_sqlite(cls, path: str | Path, meanings: Meanings | None = None) -> Self:
        """Open an APDB in an SQLite file, read-only.

        Raises `CutoutsError` when there is no such file or it is no APDB.
        """
        return cls(Database.from_sqlite(path), meanings=meanings)

    @classmethod
    def from_url(cls, url: str, namespace: str | None = None, meanings: Meanings | None = None) -> Self:
        """Open an APDB by the URL of its database.

        ``url``: SQLAlchemy URL, such as ``postgresql://user@host/database``. ``namespace``: schema of the
        database that holds the tables. Raises `CutoutsError` when the URL is not one, or the database does
        not answer.
        """
        return cls(Database.from_url(url), namespace, meanings)

    def count(self, selection: Selection) -> int:
        """Return how many sources a selection has, which is never more than its limit."""
        if selection.chooses:
            return len(self._choose(selection))
        here, later = self._conditions(selection)
        if later:
            found = sum(len(page) for page in self._scan(selection, [], 5000))
        else:
            table = next(iter(self._columns.values())).table  # type: ignore[attr-defined]
            query = sa.select(sa.func.count()).select_from(table).where(*here)
            found = int(self._database.rows(query)[0][0])
        return found if selection.limit is None else min(found, selection.limit)

    def read(
        self, selection: Selection, columns: Collection[str] | None = None, page_rows: int = 5000
    ) -> Iterator[pa.Table]:
        # Docstring inherited. ``page_rows``: how many rows to fetch at a time.
        if selection.chooses:
            yield from self._rows.fetch(self._choose(selection), columns, page_rows)
            return
        remaining = selection.limit
        for page in self._scan(selection, columns, page_rows, remaining):
            page = page if remaining is None else page.slice(0, remaining)
            if len(page):
                yield page
            if remaining is not None and (remaining := remaining - len(page)) == 0:
                return

    def _choose(self, selection: Selection) -> Keys:
        """Return the keys of sources that are chosen among each other."""
        if self._chosen is None or self._chosen[0] != selection:
            pages = self._scan(selection, selection.choice_columns, 20_000)
            self._chosen = selection, selection.choose(pages)
        return self._chosen[1]

    def _scan(
        self, selection: Selection, columns: Collection[str] | None, page_rows: int, limit: int | None = None
    ) -> Iterator[pa.Table]:
        """Yield the sources that meet the conditions, by key; no more than a few are needed."""
        self._standardizer.begin()
        here, later = self._conditions(selection)
        if later and columns is not None:
            columns = {*columns, *columns_of(later)}
        if limit is not None and not later:
            page_rows = min(page_rows, limit)
        for limits in identifier_clauses(selection, self._columns, self._name):
            for page in self._rows.pages([*here, *limits], columns, page_rows):
                yield page.filter(arrow_condition(later, page.schema)) if later else page

    def _conditions(self, selection: Selection) -> tuple[list[sa.ColumnElement[bool]], Expression | None]:
        """Return conditions for the database, all of which must hold, and what only its rows can tell."""
        # Visit and detector are columns of the rows only where the database
        # has ccdVisitId in their place.
        packed = frozenset(_KEY) - self._columns.keys()
        parts = list(selection.conditions(self._columns))
        later = tuple(part for part in parts if columns_of(part) & packed) if packed else ()
        here = [sql_condition(part, self._columns, self._name) for part in parts if part not in later]
        return here, And(later) if later else None

    def _read_instrument(self) -> str | None:
        try:
            metadata = self._database.reflect("metadata", self._namespace)
        except sa.exc.NoSuchTableError:
            return None
        rows = self._database.rows(sa.select(metadata.c.value).where(metadata.c.name == "instrument"))
        return str(rows[0][0]) if rows else None
