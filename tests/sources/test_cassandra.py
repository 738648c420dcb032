"""The queries for Cassandra, in the driver's own classes, answered by a stand-in for its session."""

import re
from types import SimpleNamespace

import pytest
from cassandra.encoder import Encoder
from cassandra.metadata import ColumnMetadata, KeyspaceMetadata, TableMetadata
from cassandra.query import SimpleStatement, bind_params
from lsst.dax.apdb.cassandra.config import ApdbCassandraConfig
from lsst.dax.apdb.cassandra.partitioner import Partitioner
from tests.sources.reading import ids

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, SqlApdb
from lsst.analysis.ap.sources._cassandra import open_apdb, open_cassandra

COLUMNS = ["apdb_part", "diaSourceId", "visit", "detector", "ra", "dec", "midpointMjdTai", "decErr", "snr"]
CONFIG = ApdbCassandraConfig(contact_points=("localhost",), keyspace="TheApdb", prefix="x_")


class Session:
    """Answers the few queries that are expected, and no other."""

    def __init__(self, tables, instrument="TestCam"):
        self.tables, self.instrument, self.queries = tables, instrument, []
        keyspace = KeyspaceMetadata("TheApdb", True, "SimpleStrategy", {"replication_factor": "1"})
        for name in [*tables, "x_DiaObject", "x_DiaSourceToPartition", "DiaSource"]:
            table = keyspace.tables[name] = TableMetadata("TheApdb", name)
            table.columns = {c: ColumnMetadata(table, c, "bigint") for c in COLUMNS}
        self.cluster = SimpleNamespace(metadata=SimpleNamespace(keyspaces={"TheApdb": keyspace}))

    def execute(self, statement, parameters=None, execution_profile=None):
        assert isinstance(statement, SimpleStatement)
        assert execution_profile == "read_tuples"
        text = statement.query_string
        if parameters:
            text = bind_params(text, parameters, Encoder())
        self.queries.append(text)
        if "metadata" in text:
            assert (
                text
                == """SELECT value FROM "TheApdb".x_metadata WHERE meta_part = 0 AND name = 'instrument'"""
            )
            return SimpleNamespace(one=lambda: (self.instrument,) if self.instrument else None)
        assert statement.fetch_size == 5000
        listed, table = re.fullmatch(r'SELECT (.*) FROM "TheApdb"\."(.*)"', text).groups()
        names = [name.strip('"') for name in listed.split(", ")]
        assert "apdb_part" not in names
        return iter([tuple(row[name] for name in names) for row in self.tables[table]])


@pytest.fixture
def session():
    partitioner = Partitioner(CONFIG)
    tables = {}
    for i in range(60):
        time = 61000.0 + 3 * i
        table = f"x_DiaSource_{partitioner.time_partition(time)}"
        row = {
            "diaSourceId": 2**60 + i * 7 % 60,
            "visit": 60 - i // 5,
            "detector": i % 3,
            "ra": 1.0,
            "dec": 2.0,
        }
        tables.setdefault(table, []).append(row | {"midpointMjdTai": time, "decErr": None, "snr": i - 30.0})
    return Session(tables)


def every_row(session):
    rows = [row for rows in session.tables.values() for row in rows]
    return sorted(rows, key=lambda r: (r["visit"], r["detector"], r["diaSourceId"]))


def test_all_periods_are_read_and_sorted(session):
    assert len(session.tables) > 5
    catalog = open_cassandra(session, CONFIG)
    assert ids(catalog.read(Selection())) == [row["diaSourceId"] for row in every_row(session)]
    (page,) = catalog.read(Selection(snr_min=5, limit=8))
    expected = [row["diaSourceId"] for row in every_row(session) if abs(row["snr"]) >= 5][:8]
    assert ids([page]) == expected
    assert set(page.column("instrument").to_pylist()) == {"TestCam"}


def test_only_wanted_columns_and_periods_are_asked_for(session):
    catalog = open_cassandra(session, CONFIG)
    session.queries.clear()
    selection = Selection(time_min=61050.0, time_max=61052.0)
    wanted = [r["diaSourceId"] for r in every_row(session) if 61050 <= r["midpointMjdTai"] <= 61052]
    assert ids(catalog.read(selection, ["snr"])) == wanted != []
    partition = Partitioner(CONFIG).time_partition(61050.0)
    columns = '"diaSourceId", visit, detector, ra, dec, "midpointMjdTai", snr'
    assert session.queries == [f'SELECT {columns} FROM "TheApdb"."x_DiaSource_{partition}"']


def test_nothing_of_a_user_is_in_a_query(session):
    catalog = open_cassandra(session, CONFIG)
    session.queries.clear()
    list(catalog.read(Selection(where="snr > 3 and ra != 77.125", detectors=(1,)), ["x; DROP TABLE y"]))
    text = " ".join(session.queries)
    assert "77.125" not in text
    assert "DROP" not in text


def test_a_sample_is_that_of_every_other_catalogue(session):
    import pyarrow as pa

    rows = pa.Table.from_pylist(every_row(session))
    selection = Selection(sample=9, seed=2)
    assert ids(open_cassandra(session, CONFIG).read(selection)) == ids([selection.apply(rows)])


def test_what_fails_is_one_line(session, tmp_path):
    del session.cluster.metadata.keyspaces["TheApdb"]
    with pytest.raises(CutoutsError, match="has no table DiaSource"):
        open_cassandra(session, CONFIG)
    CONFIG.save(str(tmp_path / "apdb.yaml"))
    with pytest.raises(CutoutsError, match="does not answer") as caught:
        open_apdb(str(tmp_path / "apdb.yaml"))
    assert "\n" not in str(caught.value)
    with pytest.raises(CutoutsError, match="cannot be read"):
        open_apdb(str(tmp_path / "none.yaml"))


def test_a_configuration_says_which_kind_it_is(demo):
    assert isinstance(open_apdb(str(demo.apdb_config)), SqlApdb)
