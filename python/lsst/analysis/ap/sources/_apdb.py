"""Page through the DiaSources of an Alert Production Database."""

__all__ = ("SqlApdb",)

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
import sqlalchemy as sa

from ..domain import CutoutsError
from ._columns import REQUIRED_COLUMNS, SYNONYMS, standardize
from ._selection import Selection

_KEY = ("visit", "detector", "diaSourceId")


class SqlApdb:
    """The DiaSource table of an APDB in SQLite or PostgreSQL, read-only.

    The table is reflected, so that any version of the APDB schema will do.

    Parameters
    ----------
    engine : `sqlalchemy.Engine`
        Connection to the database.
    namespace : `str`, optional
        Schema of the database that holds the tables.

    Raises
    ------
    CutoutsError
        Raised when the database does not answer or has no DiaSource table.
    """

    def __init__(self, engine: sa.Engine, namespace: str | None = None) -> None:
        self._engine = engine
        self._name = engine.url.render_as_string(hide_password=True)
        try:
            self._table = sa.Table("DiaSource", sa.MetaData(), schema=namespace, autoload_with=engine)
            self.instrument = self._read_instrument(namespace)
            """Name of the instrument; `None` where the database has none."""
        except sa.exc.NoSuchTableError:
            where = "" if namespace is None else f" in namespace {namespace!r}"
            raise CutoutsError(
                f"Database {self._name} has no table DiaSource{where}. Is it an APDB?"
            ) from None
        except sa.exc.SQLAlchemyError as error:
            raise self._error(error) from None

    @classmethod
    def from_sqlite(cls, path: str | Path) -> Self:
        """Open an APDB in an SQLite file.

        Parameters
        ----------
        path : `str` or `pathlib.Path`
            The file; it is opened read-only.

        Returns
        -------
        apdb : `SqlApdb`
            The open database.

        Raises
        ------
        CutoutsError
            Raised when there is no such file or it is no APDB.
        """
        path = Path(path)
        if not path.is_file():
            raise CutoutsError(f"There is no SQLite file {path}. Check the path.")
        uri = f"file:{quote(str(path.resolve()))}?mode=ro"
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)), creator=lambda: sqlite3.connect(uri, uri=True)
        )
        return cls(engine)

    @classmethod
    def from_url(cls, url: str, namespace: str | None = None) -> Self:
        """Open an APDB by the URL of its database.

        Parameters
        ----------
        url : `str`
            SQLAlchemy URL, such as ``postgresql://user@host/database``.
        namespace : `str`, optional
            Schema of the database that holds the tables.

        Returns
        -------
        apdb : `SqlApdb`
            The open database.

        Raises
        ------
        CutoutsError
            Raised when the URL is not one, or the database does not answer.
        """
        try:
            parsed = sa.make_url(url)
            if parsed.get_backend_name() == "sqlite" and (database := parsed.database):
                # dax_apdb writes sqlite:///file:PATH?mode=...&uri=true
                is_uri = database.startswith("file:")
                return cls.from_sqlite(unquote(urlsplit(database).path) if is_uri else database)
            engine = sa.create_engine(parsed, pool_pre_ping=True)
        except sa.exc.ArgumentError:
            raise CutoutsError(
                "The database URL cannot be parsed; it looks like postgresql://user:password@host:5432/database."
            ) from None
        except ImportError as error:
            raise CutoutsError(
                f"The driver of {parsed.render_as_string(hide_password=True)} is not installed ({error}). "
                "For PostgreSQL: pip install 'lsst-analysis-ap[postgres]'."
            ) from None
        if parsed.get_backend_name() == "postgresql":
            engine = engine.execution_options(postgresql_readonly=True)
        return cls(engine, namespace)

    @classmethod
    def from_config(cls, uri: str) -> Self:
        """Open an APDB by the configuration that `lsst.dax.apdb` keeps of it.

        Parameters
        ----------
        uri : `str`
            Where that YAML file is, or ``label:NAME``.

        Returns
        -------
        apdb : `SqlApdb`
            The open database.

        Raises
        ------
        CutoutsError
            Raised when there is no such file, or the APDB is of another
            kind.
        """
        from lsst.dax.apdb import ApdbConfig

        try:
            config = ApdbConfig.from_uri(uri)
        except Exception as error:  # whatever the storage or the parser raises
            raise CutoutsError(f"APDB configuration {uri} cannot be read: {error}") from None
        if (url := getattr(config, "db_url", None)) is None:
            raise CutoutsError(f"The APDB of {uri} is no SQL database ({type(config).__name__}).")
        return cls.from_url(url, getattr(config, "namespace", None))

    def count(self, selection: Selection) -> int:
        """Return how many sources a selection has.

        Parameters
        ----------
        selection : `Selection`
            Which sources are wanted.

        Returns
        -------
        count : `int`
            Their number, never more than the limit.
        """
        query = sa.select(sa.func.count()).select_from(self._table).where(*selection.clauses(self._table))
        try:
            with self._engine.connect() as connection:
                count = int(connection.execute(query).scalar_one())
        except sa.exc.SQLAlchemyError as error:
            raise self._error(error) from None
        return count if selection.limit is None else min(count, selection.limit)

    def read(
        self, selection: Selection, columns: Collection[str] | None = None, page_rows: int = 5000
    ) -> Iterator[pa.Table]:
        """Yield the wanted sources by visit, detector and diaSourceId.

        Parameters
        ----------
        selection : `Selection`
            Which sources are wanted.
        columns : collection of `str`, optional
            Columns by their names of today that are wanted besides the
            required ones, as far as the table has them; all when not given.
        page_rows : `int`, optional
            How many rows to fetch at a time. Each page begins after the key
            of the last row of the page before, which costs the same for the
            last page as for the first, as skipping with OFFSET would not.

        Yields
        ------
        table : `pyarrow.Table`
            One page, with a column ``instrument`` where the database records
            it.

        Raises
        ------
        CutoutsError
            Raised when the database stops answering, or lacks a column.
        """
        table = self._table
        if missing := [name for name in _KEY if name not in table.c]:
            raise CutoutsError(f"DiaSource of {self._name} has no column {', '.join(missing)}.")
        picked = [c for c in table.c if _is_wanted(c.name, columns)]
        key = [table.c[name] for name in _KEY]
        query = sa.select(*picked).where(*selection.clauses(table)).order_by(*key)
        remaining = selection.limit
        last: tuple[Any, ...] | None = None
        while remaining is None or remaining > 0:
            size = page_rows if remaining is None else min(page_rows, remaining)
            page = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*last))
            try:
                with self._engine.connect() as connection:
                    rows = connection.execute(page.limit(size)).all()
            except sa.exc.SQLAlchemyError as error:
                raise self._error(error) from None
            if not rows:
                return
            yield self._as_table(picked, rows)
            last = tuple(getattr(rows[-1], name) for name in _KEY)
            if remaining is not None:
                remaining -= len(rows)
            if len(rows) < size:
                return

    def _as_table(self, columns: Sequence[sa.Column[Any]], rows: Sequence[sa.Row[Any]]) -> pa.Table:
        values = zip(*rows, strict=True)
        table = pa.table(
            {c.name: pa.array(v, _arrow_type(c.type)) for c, v in zip(columns, values, strict=True)}
        )
        if self.instrument is not None:
            table = table.append_column("instrument", pa.array([self.instrument] * len(table)))
        return standardize(table)

    def _read_instrument(self, namespace: str | None) -> str | None:
        try:
            metadata = sa.Table("metadata", sa.MetaData(), schema=namespace, autoload_with=self._engine)
        except sa.exc.NoSuchTableError:
            return None
        with self._engine.connect() as connection:
            value = connection.execute(sa.select(metadata.c.value).where(metadata.c.name == "instrument"))
            return value.scalar()

    def _error(self, error: sa.exc.SQLAlchemyError) -> CutoutsError:
        """Say what the database said, without SQL and without credentials."""
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        password = self._engine.url.password
        if password:
            cause = cause.replace(str(password), "***")
        return CutoutsError(f"Database {self._name} cannot be read: {cause}")


def _is_wanted(name: str, columns: Collection[str] | None) -> bool:
    today = SYNONYMS.get(name, name)
    return columns is None or today in columns or today in REQUIRED_COLUMNS


def _arrow_type(sql_type: sa.types.TypeEngine[Any]) -> pa.DataType | None:
    """Return the Arrow type of a column; None leaves it to the values.

    The APDB's single-precision columns are FLOAT in SQLite, which stores
    them as doubles, and REAL in PostgreSQL: both become float32 again.
    """
    match sql_type:
        case sa.Boolean():
            return pa.bool_()
        case sa.Integer():
            return pa.int64()
        case sa.Double():
            return pa.float64()
        case sa.Float():
            return pa.float32()
        case sa.String():
            return pa.string()
        case _:
            return None
