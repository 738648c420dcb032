"""Connections to SQL databases that only read and that outlive a restart of the server."""

__all__ = ("Database", "unreadable_configuration")

import importlib
import math
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urlsplit

import sqlalchemy as sa

from ..domain import CutoutsError
from ..messages import cause_of, install_line, no_such, public_uri
from ._files import SQLITE_SUFFIXES

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait before each new try when the server has gone away."""

_POSTGRES_DRIVERS: Final = ("psycopg", "psycopg2")
"""Drivers of PostgreSQL, the one to prefer first."""

_FUNCTIONS: Final = {
    "sin": math.sin,
    "cos": math.cos,
    "radians": math.radians,
    "sqrt": math.sqrt,
    "log10": math.log10,
}


class Database:
    """A database that is read in short queries.

    ``pauses``: seconds to wait before each new try when the server has gone away after it had answered once.
    """

    def __init__(self, engine: sa.Engine, pauses: Sequence[float] = _PAUSES) -> None:
        self.engine = engine
        # libpq also takes passwords as parameters of the URL.
        self._secrets = [str(engine.url.query[name]) for name in _secret_names(engine.url)]
        if engine.url.password:
            self._secrets.append(str(engine.url.password))
        self.name = _public_name(engine.url)
        """What to call it in messages: its URL without the password."""
        self._pauses = pauses
        self._answered = False

    @classmethod
    def from_sqlite(cls, path: str | Path) -> Self:
        """Open an SQLite file read-only.

        Raises `CutoutsError` when there is no such file.
        """
        path = Path(path)
        if not path.is_file():
            raise CutoutsError(no_such("SQLite file", path))
        uri = f"file:{quote(str(path.resolve()))}?mode=ro"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(uri, uri=True)
            connection.text_factory = lambda text: text.decode(errors="replace")
            _complete_functions(connection)
            return connection

        return cls(sa.create_engine(sa.URL.create("sqlite", database=str(path)), creator=connect))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open a database by its URL, read-only.

        ``url``: SQLAlchemy URL, such as ``postgresql://user@host/database``. Without a driver it takes the
        one that is installed, psycopg 3 or psycopg2. What it leaves out of the credentials is looked for
        where `lsst.utils.db_auth` keeps them. Raises `CutoutsError` when the URL is not one, or its driver is
        not installed.
        """
        try:
            parsed = sa.make_url(url)
            if parsed.get_backend_name() == "sqlite" and (path := parsed.database):
                # dax_apdb writes sqlite:///file:PATH?mode=...&uri=true
                return cls.from_sqlite(unquote(urlsplit(path).path) if path.startswith("file:") else path)
            engine = sa.create_engine(_with_driver(_with_credentials(parsed)), pool_pre_ping=True)
        except (sa.exc.ArgumentError, ValueError):  # not chained: its text may hold the password
            raise CutoutsError(
                "The database URL cannot be parsed; it looks like postgresql://user:password@host:5432/database."
            ) from None
        except ImportError as error:
            raise CutoutsError(
                f"The driver of {_public_name(parsed)} is not installed ({error}). For PostgreSQL begin the "
                f"URL with postgresql://, and install a driver: {install_line('postgres')}"
            ) from error
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(postgresql_readonly=True)
        return cls(engine)

    def reflect(self, table: str, namespace: str | None) -> sa.Table:
        """Return a table as it is in the database.

        ``namespace``: schema of the database that holds it. Raises `NoSuchTableError` when there is no such
        table. Raises `CutoutsError` when the database does not answer.
        """
        try:
            found = sa.Table(table, sa.MetaData(), schema=namespace, autoload_with=self.engine)
        except sa.exc.NoSuchTableError:
            raise
        except Exception as error:  # of a damaged file sqlite3 and SQLAlchemy raise whatever comes
            raise self.error(error) from None
        self._answered = True
        return found

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """Return all rows of a query.

        When the server has gone away, wait for it and ask again: a query begins nothing that would have to be
        undone.

        ``query``: the query; it should have few rows. Raises `CutoutsError` when the database does not
        answer, or not to this query.
        """
        pauses = iter(self._pauses)
        while True:
            try:
                with self.engine.connect() as connection:
                    rows = connection.execute(query).all()
            except (sa.exc.SQLAlchemyError, ValueError) as error:  # SQLite can hold what is no date
                pause = next(pauses, None) if self._has_gone(error) else None
                if pause is None:
                    raise self.error(error) from None
                time.sleep(pause)
            else:
                self._answered = True
                return rows

    def error(self, error: Exception) -> CutoutsError:
        """Say what the database said, without SQL and without credentials."""
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        for secret in self._secrets:
            cause = cause.replace(secret, "***").replace(quote(secret, safe=""), "***")
        return CutoutsError(f"Database {self.name} cannot be read: {cause}")

    def _has_gone(self, error: Exception) -> bool:
        """Whether a server that had answered was shut down or is starting."""
        if not self._answered or self.engine.dialect.name == "sqlite":
            return False
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            return True
        if not isinstance(error, sa.exc.OperationalError):
            return False
        # psycopg 3 and psycopg2 call the SQLSTATE by different names. A refused
        # connection has none; a wrong query has one.
        state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
        return state is None or str(state).startswith(("57P", "08"))


def unreadable_configuration(uri: str, error: Exception) -> CutoutsError:
    """Say what is wrong with the configuration of an APDB, without its passwords.

    ``error``: what came of reading it. Not to be chained: it may quote the URL of the database.
    """
    what = f"APDB configuration {public_uri(uri)} cannot be read: "
    if uri.endswith(SQLITE_SUFFIXES):
        return CutoutsError(f"{what}it is a database. Open it as an SQLite file.", choices=("sqlitefile",))
    return CutoutsError(what + public_uri(cause_of(error)))


def _with_driver(url: sa.URL) -> sa.URL:
    """Return a URL of PostgreSQL that names a driver which is installed.

    What SQLAlchemy takes for a URL without a driver depends on its version, and need not be what is there.
    """
    if url.drivername not in ("postgresql", "postgres"):
        return url
    for driver in _POSTGRES_DRIVERS:
        with suppress(ImportError):
            importlib.import_module(driver)
            return url.set(drivername=f"postgresql+{driver}")
    raise ImportError(f"neither {' nor '.join(_POSTGRES_DRIVERS)} can be imported")


def _with_credentials(url: sa.URL) -> sa.URL:
    """Return a URL with user and password of the user's file of credentials."""
    if url.host is None or url.password is not None:
        return url
    from lsst.utils.db_auth import DbAuth, DbAuthError

    try:
        return sa.make_url(DbAuth().getUrl(url.render_as_string(hide_password=False)))
    except DbAuthError:
        return url  # there may be another way in, such as .pgpass


def _secret_names(url: sa.URL) -> list[str]:
    return [name for name in url.query if "password" in name or "passfile" in name]


def _public_name(url: sa.URL) -> str:
    """Return a URL without its passwords."""
    return url.difference_update_query(_secret_names(url)).render_as_string(hide_password=True)


def _complete_functions(connection: sqlite3.Connection) -> None:
    """Add the mathematical functions that a build of SQLite may lack."""
    for name, function in _FUNCTIONS.items():
        try:
            connection.execute(f"SELECT {name}(1)")
        except sqlite3.OperationalError as error:
            if "no such function" not in str(error):
                return  # whatever is wrong shows in the first query
            connection.create_function(
                name, 1, lambda x, f=function: None if x is None else f(x), deterministic=True
            )
        except sqlite3.DatabaseError:
            return
