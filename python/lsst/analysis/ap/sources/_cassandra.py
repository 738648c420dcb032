"""The DiaSources of an APDB in Cassandra."""

__all__ = ("open_apdb", "open_cassandra")

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ..messages import cause_of, install_line, public_uri
from ._apdb import SqlApdb
from ._arrays import arrow_array
from ._catalog import TableCatalog
from ._columns import Meanings, Standardizer
from ._database import unreadable_configuration
from ._selection import Selection
from ._synonyms import names_there

if TYPE_CHECKING:
    from lsst.dax.apdb.cassandra.config import ApdbCassandraConfig

_PAGE_ROWS: Final = 5000
_PARTITION_COLUMNS: Final = ("apdb_part", "apdb_time_part")


def open_apdb(uri: str, meanings: Meanings | None = None) -> SqlApdb | TableCatalog:
    """Open an APDB of any kind by its configuration.

    Parameters
    ----------
    uri : `str`
        Where the YAML file is that `lsst.dax.apdb` keeps of the database, or ``label:NAME``.
    meanings : `Meanings`, optional
        What its columns mean that do not say it themselves.

    Returns
    -------
    apdb : `SqlApdb` or `TableCatalog`
        The open database.

    Raises
    ------
    CutoutsError
        Raised when the configuration cannot be read, or the database does not answer.
    """
    from lsst.dax.apdb import ApdbConfig

    try:
        config: Any = ApdbConfig.from_uri(uri)
    except Exception as error:  # whatever the storage or the parser raises
        raise unreadable_configuration(uri, error) from None
    if not hasattr(config, "keyspace"):
        if (url := getattr(config, "db_url", None)) is None:
            raise CutoutsError(f"The APDB of {uri} is no SQL database ({type(config).__name__}).")
        return SqlApdb.from_url(url, getattr(config, "namespace", None), meanings)
    try:
        from lsst.dax.apdb.cassandra.sessionFactory import SessionFactory

        session = SessionFactory(config).session()
    except Exception as error:  # the driver may be missing, or the cluster
        raise CutoutsError(
            f"The Cassandra cluster of {public_uri(uri)} does not answer: {cause_of(error)}. Its driver "
            f"comes with {install_line('cassandra')}"
        ) from error
    return open_cassandra(session, config, meanings)


def open_cassandra(
    session: Any, config: "ApdbCassandraConfig", meanings: Meanings | None = None
) -> TableCatalog:
    """Open an APDB in Cassandra.

    ``session``: session with the execution profiles of `lsst.dax.apdb`. ``meanings``: what its columns mean
    that do not say it themselves. Returns: the catalogue. Cassandra can neither sort the sources nor select
    among them by any but the partition columns: the tables of the periods that a range of time touches are
    read page by page, and what is selected is sorted in memory. Raises `CutoutsError` when the keyspace has
    no DiaSource table.
    """
    tables = _source_tables(session, config)
    instrument = _instrument(session, config)
    meanings = meanings or Meanings()
    standardizer = Standardizer(meanings)

    def read(columns: Collection[str] | None, selection: Selection) -> Iterator[pa.Table]:
        standardizer.begin()
        for table, names in _touched(tables, config, selection).items():
            wanted = names if columns is None else names_there(names, meanings.columns_for(columns))
            for rows in batched(_rows(session, config.keyspace, table, wanted), _PAGE_ROWS):
                values = zip(*rows, strict=True)
                found = pa.table({n: arrow_array(v) for n, v in zip(wanted, values, strict=True)})
                if instrument is not None:
                    found = found.append_column("instrument", pa.array([instrument] * len(found)))
                yield standardizer(found)

    return TableCatalog(read)


def _source_tables(session: Any, config: "ApdbCassandraConfig") -> dict[str, list[str]]:
    """Return the columns of each DiaSource table, one for each period."""
    keyspace = session.cluster.metadata.keyspaces.get(config.keyspace)
    name = re.compile(re.escape(config.prefix) + r"DiaSource(_\d+)?")
    found = {
        table: [column for column in definition.columns if column not in _PARTITION_COLUMNS]
        for table, definition in sorted({} if keyspace is None else keyspace.tables.items())
        if name.fullmatch(table)
    }
    if not found:
        raise CutoutsError(
            f"Keyspace {config.keyspace!r} of Cassandra has no table DiaSource. Is it an APDB?"
        )
    return found


def _touched(
    tables: Mapping[str, list[str]], config: "ApdbCassandraConfig", selection: Selection
) -> dict[str, list[str]]:
    """Return the tables whose period a selection touches."""
    from lsst.dax.apdb.cassandra.partitioner import Partitioner

    partitioner = Partitioner(config)
    first, last = (
        None if time is None else partitioner.time_partition(time)
        for time in (selection.time_min, selection.time_max)
    )

    def is_touched(table: str) -> bool:
        if (period := re.search(r"_(\d+)$", table.removeprefix(config.prefix))) is None:
            return True
        number = int(period[1])
        return (first is None or number >= first) and (last is None or number <= last)

    return {table: names for table, names in tables.items() if is_touched(table)}


def _rows(session: Any, keyspace: str, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table; the driver fetches page after page."""
    from cassandra.metadata import protect_name
    from cassandra.query import SimpleStatement

    listed = ", ".join(map(protect_name, columns))
    query = f"SELECT {listed} FROM {protect_name(keyspace)}.{protect_name(table)}"
    statement = SimpleStatement(query, fetch_size=_PAGE_ROWS)
    try:
        yield from session.execute(statement, execution_profile="read_tuples")
    except Exception as error:  # the driver has an exception for each thing that fails
        raise CutoutsError(
            f"Table {table} of Cassandra's keyspace {keyspace} cannot be read: {cause_of(error)}"
        ) from error


def _instrument(session: Any, config: "ApdbCassandraConfig") -> str | None:
    from lsst.dax.apdb.apdbSchema import ApdbTables
    from lsst.dax.apdb.cassandra.apdbMetadataCassandra import ApdbMetadataCassandra

    table = ApdbTables.metadata.table_name(config.prefix)
    try:
        return ApdbMetadataCassandra(session, table, config.keyspace, "read_tuples", "write").get(
            "instrument"
        )
    except Exception as error:  # as above
        raise CutoutsError(
            f"The metadata of Cassandra's keyspace {config.keyspace} cannot be read: {cause_of(error)}"
        ) from error
