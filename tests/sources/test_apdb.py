"""APDBs made by lsst-dax-apdb itself, in SQLite and in a real PostgreSQL server."""

import sqlite3
import sys
from pathlib import Path

import astropy.time
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from tests.sources.reading import ids

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, SqlApdb, open_apdb
from lsst.analysis.ap.sources._database import Database

COUNT = 230


def store_sources(config_path, url, namespace=None):
    """Make an APDB and fill it through lsst-dax-apdb; return what was stored."""
    from lsst.dax.apdb import Apdb, ApdbTables
    from lsst.dax.apdb.sql import ApdbSql

    # lsst-dax-apdb writes through psycopg2 only; what it leaves is then read under the bare URL.
    config = ApdbSql.init_database(url.replace("postgresql:", "postgresql+psycopg2:"), namespace=namespace)
    config.save(config_path)
    apdb = Apdb.from_uri(config_path)
    apdb.metadata.set("instrument", "TestCam")
    rng = np.random.default_rng(7)
    fillers = {"boolean": False, "string": "", "char": "", "text": "", "unicode": ""}

    def filled(table, count, given):
        columns = {}
        for column in apdb.tableDef(table).columns:
            kind = str(column.datatype).rpartition(".")[2].lower()
            if column.name in given:
                columns[column.name] = given[column.name]
            elif not column.nullable and not column.name.startswith("validity"):
                columns[column.name] = np.full(count, fillers.get(kind, 0))
        return pd.DataFrame(columns)

    sky = {"ra": rng.uniform(50, 50.1, COUNT), "dec": rng.uniform(-30, -29.9, COUNT)}
    reliability = rng.random(COUNT).astype(np.float32)
    reliability[:5] = np.nan
    sources = filled(
        ApdbTables.DiaSource,
        COUNT,
        {
            **sky,
            "diaSourceId": rng.permutation(COUNT) + 2**60,
            "visit": rng.integers(1, 4, COUNT),
            "detector": rng.integers(0, 3, COUNT).astype(np.int16),
            "diaObjectId": np.arange(COUNT) + 1,
            "midpointMjdTai": np.full(COUNT, 61000.0),
            "timeProcessedMjdTai": np.full(COUNT, 61000.0),
            "reliability": reliability,
            "psfFlux": np.linspace(-1, 1, COUNT, dtype=np.float32),
            "isDipole": rng.random(COUNT) < 0.5,
            "band": np.full(COUNT, "r"),
        },
    )
    objects = filled(ApdbTables.DiaObject, COUNT, {**sky, "diaObjectId": np.arange(COUNT) + 1})
    apdb.store(astropy.time.Time(61000.1, format="mjd", scale="tai"), objects, sources)
    path = Path(config_path)
    path.write_text(path.read_text().replace("postgresql+psycopg2:", "postgresql:"))
    return sources.sort_values(["visit", "detector", "diaSourceId"], ignore_index=True)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("apdb")
    return folder, store_sources(str(folder / "apdb.yaml"), f"sqlite:///{folder}/apdb.sqlite3")


@pytest.fixture(scope="module")
def postgres(postgres_server, tmp_path_factory):
    _, url = postgres_server
    folder = tmp_path_factory.mktemp("apdb_postgres")
    return url, store_sources(str(folder / "apdb.yaml"), url, "the_apdb"), folder


@pytest.fixture(params=["sqlite", "sqlite by config", "postgres", "postgres by config"])
def opened(request):
    if request.param.startswith("sqlite"):
        folder, sources = request.getfixturevalue("sqlite")
        if request.param == "sqlite":
            return SqlApdb.from_sqlite(folder / "apdb.sqlite3"), sources
        return open_apdb((folder / "apdb.yaml").as_uri()), sources
    url, sources, folder = request.getfixturevalue("postgres")
    if request.param == "postgres":
        return SqlApdb.from_url(url, "the_apdb"), sources
    return open_apdb(str(folder / "apdb.yaml")), sources


@pytest.mark.parametrize("page_rows", [1000, 230, 37, 7])
def test_pages_give_every_source_once_in_order(opened, page_rows):
    apdb, sources = opened
    pages = list(apdb.read(Selection(), page_rows=page_rows))
    assert max(len(page) for page in pages) <= page_rows
    assert ids(pages) == sources["diaSourceId"].to_list()


def test_values_come_back_exactly(opened):
    apdb, sources = opened
    (page,) = apdb.read(Selection())
    for name in ("ra", "dec", "psfFlux", "isDipole", "band", "visit", "detector"):
        assert page.column(name).to_pylist() == sources[name].to_list(), name
    expected = [None if np.isnan(r) else r for r in sources["reliability"].tolist()]
    assert page.column("reliability").to_pylist() == expected


def test_the_instrument_comes_from_the_database(opened):
    apdb, _ = opened
    (page,) = apdb.read(Selection())
    assert apdb.instrument == "TestCam"
    assert set(page.column("instrument").to_pylist()) == {"TestCam"}


@pytest.mark.parametrize("limit", [1, 36, 37, 38, 229, 230, 500])
def test_the_limit_takes_the_first_sources(opened, limit):
    apdb, sources = opened
    selection = Selection(limit=limit)
    assert ids(apdb.read(selection, page_rows=37)) == sources["diaSourceId"].to_list()[:limit]
    assert apdb.count(selection) == min(limit, COUNT)


def test_reliability_bounds_are_inclusive_and_leave_nulls_out(opened):
    apdb, sources = opened
    bound = float(sources["reliability"].dropna().iloc[10])
    for selection, wanted in (
        (Selection(reliability_min=bound), sources["reliability"] >= bound),
        (Selection(reliability_max=bound), sources["reliability"] <= bound),
        (Selection(bound, bound), sources["reliability"] == bound),
    ):
        found = ids(apdb.read(selection))
        assert found == sources["diaSourceId"][wanted].to_list()
        assert apdb.count(selection) == len(found) > 0


def test_a_database_and_a_table_select_alike(opened):
    apdb, _ = opened
    selection = Selection(0.25, 0.75, limit=40)
    (everything,) = apdb.read(Selection())
    assert ids([selection.apply(everything)]) == ids(apdb.read(selection, page_rows=11))


def test_only_wanted_columns_are_read(opened):
    apdb, _ = opened
    (page,) = apdb.read(Selection(), columns=["psfFlux", "unheard_of"])
    assert set(page.column_names) == {
        *("diaSourceId", "visit", "detector", "ra", "dec"),
        *("psfFlux", "instrument"),
    }


@pytest.fixture
def old_database(tmp_path):
    """A DiaSource table as early schemas had it."""
    path = tmp_path / "an old #file? 100%25.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute(
            'CREATE TABLE "DiaSource" ("diaSourceId" BIGINT, visit BIGINT, detector SMALLINT, ra DOUBLE,'
            ' decl DOUBLE, "psFlux" FLOAT, time_withdrawn TIMESTAMP, "isDipole" INTEGER)'
        )
        rows = [(i, 1, 0, 1.0, 2.0, 0.1, "2024-01-01 00:00:00" if i == 2 else None, i % 2) for i in range(4)]
        db.executemany('INSERT INTO "DiaSource" VALUES (?, ?, ?, ?, ?, ?, ?, ?)', rows)
    return path


def test_an_old_schema_is_read_and_withdrawn_sources_left_out(old_database):
    apdb = SqlApdb.from_sqlite(old_database)
    (page,) = apdb.read(Selection())
    assert page.column("diaSourceId").to_pylist() == [0, 1, 3]
    assert page.column("dec").to_pylist() == [2.0] * 3
    assert page.column("psfFlux").to_pylist() == [float(np.float32(0.1))] * 3
    assert apdb.instrument is None
    assert "instrument" not in page.column_names


def test_selecting_by_a_column_that_is_not_there_says_so(old_database):
    apdb = SqlApdb.from_sqlite(old_database)
    with pytest.raises(CutoutsError, match="no column 'reliability'"):
        list(apdb.read(Selection(reliability_min=0.5)))


def test_the_sqlite_file_is_never_written(old_database):
    old_database.chmod(0o444)
    before = old_database.read_bytes()
    apdb = SqlApdb.from_sqlite(old_database)
    list(apdb.read(Selection()))
    with (
        pytest.raises(sa.exc.OperationalError, match="readonly"),
        apdb._database.engine.begin() as connection,
    ):
        connection.execute(sa.text('DELETE FROM "DiaSource"'))
    assert old_database.read_bytes() == before


def test_postgres_sessions_are_read_only(postgres):
    apdb = SqlApdb.from_url(postgres[0], "the_apdb")
    with pytest.raises(sa.exc.InternalError, match="read-only"), apdb._database.engine.begin() as connection:
        connection.execute(sa.text('DELETE FROM the_apdb."DiaSource"'))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_url_without_a_driver_takes_the_one_that_is_there(postgres, monkeypatch, driver, scheme):
    url, sources, folder = postgres
    assert url.startswith("postgresql://")
    (other,) = {"psycopg", "psycopg2"} - {driver}
    monkeypatch.setitem(sys.modules, other, None)  # which makes its import fail
    apdb = SqlApdb.from_url(url.replace("postgresql", scheme, 1), "the_apdb")
    assert apdb._database.engine.driver == driver
    assert ids(apdb.read(Selection())) == sources["diaSourceId"].to_list()
    assert f"db_url: {url}" in (folder / "apdb.yaml").read_text()
    assert open_apdb(str(folder / "apdb.yaml"))._database.engine.driver == driver


def test_without_any_driver_the_message_says_what_to_install(monkeypatch):
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(CutoutsError, match=r"install a driver: pip install .*psycopg"):
        SqlApdb.from_url("postgresql://localhost/db")


def test_wrong_places_are_named(tmp_path, postgres):
    with pytest.raises(CutoutsError, match=r"no SQLite file .*none\.sqlite3"):
        SqlApdb.from_sqlite(tmp_path / "none.sqlite3")
    with sqlite3.connect(tmp_path / "empty.sqlite3") as db:
        db.execute("CREATE TABLE other (x INTEGER)")
    with pytest.raises(CutoutsError, match="no table DiaSource"):
        SqlApdb.from_sqlite(tmp_path / "empty.sqlite3")
    (tmp_path / "text.sqlite3").write_text("not a database at all, but long enough to have a header")
    with pytest.raises(CutoutsError, match="not a database"):
        SqlApdb.from_sqlite(tmp_path / "text.sqlite3")
    with pytest.raises(CutoutsError, match="namespace 'wrong'"):
        SqlApdb.from_url(postgres[0], "wrong")
    with pytest.raises(CutoutsError, match="cannot be read"):
        open_apdb(str(tmp_path / "none.yaml"))
    with pytest.raises(CutoutsError, match="cannot be parsed"):
        SqlApdb.from_url("nonsense")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sesame@localhost:1/db",
        "postgresql+psycopg://me:sesame@localhost:1/db",
        "postgresql+psycopg2://me:sesame@localhost:1/db",
        "postgresql+psycopg2://me@localhost:1/db?password=sesame",
        "postgresql+absent://me:sesame@localhost:1/db?sslpassword=sesame",
        "postgresql+psycopg2://me:sesame@localhost:port/db",
    ],
)
def test_passwords_never_show(url):
    with pytest.raises(CutoutsError) as caught:
        SqlApdb.from_url(url)
    error, text = caught.value, ""
    while error is not None:
        text, error = text + str(error), error.__cause__
    assert text
    assert "sesame" not in text


def test_passwords_are_taken_out_of_what_a_driver_says():
    database = Database.from_url("postgresql://me:s%40same@localhost:1/db?sslpassword=other")
    for said in ("dsn s@same", "url s%40same", "key other"):
        text = str(database.error(Exception(f"cannot do it: {said}")))
        assert "***" in text
        assert not any(secret in text for secret in ("s@same", "s%40same", "other")), text


def test_credentials_come_from_the_file_of_the_stack(tmp_path, monkeypatch):
    path = tmp_path / "db-auth.yaml"
    path.write_text("- url: postgresql://localhost:1/db\n  username: me\n  password: sesame\n")
    path.chmod(0o600)
    monkeypatch.setenv("LSST_DB_AUTH", str(path))
    engine = Database.from_url("postgresql://localhost:1/db").engine
    assert (engine.url.username, engine.url.password) == ("me", "sesame")
    with pytest.raises(CutoutsError, match="localhost") as caught:
        SqlApdb.from_url("postgresql+psycopg2://localhost:1/db")
    assert "sesame" not in str(caught.value)
