"""Paging goes on where it was when the PostgreSQL server goes away and comes back."""

import threading
import time

import pytest
import sqlalchemy as sa
from tests.sources.reading import ids

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, SqlApdb
from lsst.analysis.ap.sources._database import Database


@pytest.fixture(scope="module")
def server(mortal_postgres_server):
    """A PostgreSQL server that may be stopped and started, with 100 sources."""
    _, url = mortal_postgres_server
    metadata = sa.MetaData()
    columns = {"diaSourceId": sa.BigInteger, "visit": sa.BigInteger, "detector": sa.Integer}
    columns |= {"ra": sa.Double, "dec": sa.Double}
    table = sa.Table("DiaSource", metadata, *(sa.Column(name, kind) for name, kind in columns.items()))
    engine = sa.create_engine(url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        rows = [{"diaSourceId": i, "visit": 1, "detector": i % 3, "ra": 1.0, "dec": 2.0} for i in range(100)]
        connection.execute(table.insert(), rows)
    engine.dispose()
    return mortal_postgres_server


EXPECTED = sorted(range(100), key=lambda i: (i % 3, i))


def test_a_restart_between_pages_is_not_noticed(server):
    server, url = server
    pages = SqlApdb.from_url(url).read(Selection(), page_rows=10)
    found = ids([next(pages), next(pages)])
    server.stop()
    server.start()
    found += ids([next(pages)])
    server.stop()
    server.start()
    assert found + ids(pages) == EXPECTED


def test_a_server_that_takes_its_time_to_come_back_is_waited_for(server):
    server, url = server
    pages = SqlApdb.from_url(url).read(Selection(), page_rows=10)
    found = ids([next(pages)])
    server.stop()
    down = time.monotonic()
    starter = threading.Timer(1.5, server.start)
    starter.start()
    found += ids([next(pages)])
    waited = time.monotonic() - down
    starter.join()
    assert found + ids(pages) == EXPECTED
    assert 1.5 <= waited < 15


def test_a_query_that_an_administrator_ends_is_asked_again(server):
    _, url = server
    database = Database.from_url(url)
    assert database.rows(sa.select(sa.literal(1)))[0][0] == 1
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    ended = []

    def end():
        busy = sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%'"
            " AND pid != pg_backend_pid()"
        )
        with admin.connect() as connection:
            ended.append(len(connection.execute(busy).all()))

    threading.Timer(0.4, end).start()
    rows = database.rows(sa.select(sa.func.pg_sleep(1.0), sa.literal(7)))
    assert rows[0][1] == 7
    assert ended == [1]
    admin.dispose()


def test_a_server_that_stays_away_is_one_error_that_says_so(server):
    server, url = server
    database = Database(sa.create_engine(url, pool_pre_ping=True), pauses=(0.1, 0.1))
    apdb = SqlApdb(database)
    pages = apdb.read(Selection(), page_rows=10)
    next(pages)
    server.stop()
    try:
        with pytest.raises(CutoutsError, match="cannot be read") as caught:
            next(pages)
        assert "\n" not in str(caught.value)
    finally:
        server.start()


def test_a_wrong_query_is_not_asked_again(server):
    _, url = server
    database = Database(sa.create_engine(url), pauses=(60.0,))
    assert database.rows(sa.select(sa.literal(1)))
    with pytest.raises(CutoutsError, match="nowhere"):
        database.rows(sa.select(sa.column("x")).select_from(sa.table("nowhere")))


def test_a_database_that_never_answered_is_not_waited_for():
    began = time.monotonic()
    with pytest.raises(CutoutsError, match="cannot be read"):
        SqlApdb.from_url("postgresql+psycopg2://me:sesame@localhost:1/db")
    assert time.monotonic() - began < 5
