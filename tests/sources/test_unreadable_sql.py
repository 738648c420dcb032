"""Databases whose rows are not what their columns say, or lack parts of the key."""

import random
import sqlite3

import pandas as pd
import pytest
import sqlalchemy as sa
from tests.sources.reading import ids

from lsst.analysis.ap.sources import Selection, SqlApdb, arrow_tables, group_by_detector

COLUMNS = {
    "diaSourceId": "BIGINT",
    "visit": "BIGINT",
    "detector": "SMALLINT",
    "ra": "DOUBLE PRECISION",
    "dec": "DOUBLE PRECISION",
    "band": "VARCHAR(8)",
    "snr": "REAL",
    "isDipole": "BOOLEAN",
    "time_processed": "TIMESTAMP",
    "exposureTime": "NUMERIC",
}
GOOD = (1, 7, 3, 1.5, -2.5, "r", 9.0, True, "2026-01-01 00:00:00", 30)


def reasons(pages):
    batches = group_by_detector(pages, "TestCam")
    return {b.rows.column("diaSourceId")[r].as_py(): text for b in batches for r, text in b.reasons.items()}


@pytest.fixture
def sqlite(tmp_path):
    """Write rows to an SQLite file, which takes any value in any column, and open it."""

    def write(rows):
        path = tmp_path / "apdb.sqlite3"
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        with sqlite3.connect(path) as db:
            db.execute(f'CREATE TABLE "DiaSource" ({columns})')
            db.executemany(f'INSERT INTO "DiaSource" VALUES ({", ".join("?" * len(COLUMNS))})', rows)
        db.close()
        return SqlApdb.from_sqlite(path)

    return write


CELLS = {
    "visit": ["x", b"\xff", 1.5, 2.0**80],
    "detector": ["R22_S11", b"3x"],
    "ra": ["unknown", b"\x00\x01", "03:32:34", 1e30],
    "dec": ["", 200.0],
    "snr": ["bright", b"\xff"],
    "isDipole": ["perhaps", b"?"],
}


@pytest.mark.parametrize("name", CELLS)
def test_a_value_of_another_type_costs_its_row_only(sqlite, name):
    cells = CELLS[name]
    bad = [
        tuple(
            cell if column == name else i if column == "diaSourceId" else value
            for column, value in zip(COLUMNS, GOOD, strict=True)
        )
        for i, cell in enumerate(cells, 10)
    ]
    apdb = sqlite([GOOD, *bad, (99, *GOOD[1:])])
    for page_rows in (1000, 2, 1):
        pages = list(apdb.read(Selection(), page_rows=page_rows))
        assert sorted(ids(pages)) == [1, *range(10, 10 + len(cells)), 99], page_rows
        found = reasons(pages)
        missing = [i for i, cell in enumerate(cells, 10) if cell != ""]
        assert sorted(found) == missing
        assert all(name in text for text in found.values())


@pytest.mark.parametrize("name", ["band", "time_processed", "exposureTime"])
def test_values_that_no_picture_depends_on_may_be_anything(sqlite, name):
    for number, cell in enumerate(["nonsense", b"\xff\xfe", 7, 1.5, None], 2):
        place = list(COLUMNS).index(name)
        rows = [GOOD, (number, *GOOD[1:place], cell, *GOOD[place + 1 :])]
        apdb = sqlite(rows)
        assert reasons(apdb.read(Selection())) == {}
        assert ids(apdb.read(Selection())) == [1, number]
        apdb._database.engine.dispose()
        sa.make_url(f"sqlite:///{apdb._database.engine.url.database}")
        sqlite3.connect(apdb._database.engine.url.database).execute('DROP TABLE "DiaSource"')


@pytest.fixture(scope="module")
def holes():
    """Sources with holes in their keys, a fifth of each."""
    draw = random.Random(3)
    rows = [
        (i, draw.choice([1, 2, 3, None]), draw.choice([0, 1, None]), 1.5, -2.5, "r", 9.0, True, None, None)
        for i in range(1, 201)
    ]
    draw.shuffle(rows)
    return rows


def complete_first(rows):
    """The order of the work, said once more."""
    return [
        row[0]
        for row in sorted(rows, key=lambda r: (r[1] is None or r[2] is None, r[0]))
        if row[1] is None or row[2] is None
    ]


@pytest.mark.parametrize("page_rows", [1000, 200, 7, 1])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_paging_goes_on_behind_a_missing_visit_or_detector(request, holes, kind, page_rows):
    if kind == "sqlite":
        apdb = request.getfixturevalue("sqlite")(holes)
    else:
        url = request.getfixturevalue("postgres_server")[1]
        namespace = f"holes_{page_rows}"
        with sa.create_engine(url).begin() as connection:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
            connection.execute(sa.text(f"CREATE SCHEMA {namespace}"))
            connection.execute(sa.text(f'CREATE TABLE {namespace}."DiaSource" ({columns})'))
            names = ", ".join(f":{name}" for name in COLUMNS)
            connection.execute(
                sa.text(f'INSERT INTO {namespace}."DiaSource" VALUES ({names})'),
                [dict(zip(COLUMNS, row, strict=True)) for row in holes],
            )
        apdb = SqlApdb.from_url(url, namespace)
    complete = sorted((r[1], r[2], r[0]) for r in holes if None not in r[1:3])
    expected = [key[2] for key in complete] + sorted(r[0] for r in holes if None in r[1:3])
    assert ids(apdb.read(Selection(), page_rows=page_rows)) == expected
    assert apdb.count(Selection()) == 200
    limited = Selection(limit=150)
    assert ids(apdb.read(limited, page_rows=page_rows)) == expected[:150]
    frame = pd.DataFrame([row[:5] for row in holes], columns=list(COLUMNS)[:5]).astype(
        {"visit": "Int64", "detector": "Int64"}
    )
    (table,) = arrow_tables(frame)
    assert ids([limited.apply(table)]) == expected[:150]


def test_rows_without_identifier_are_read_and_fail_by_number(sqlite):
    apdb = sqlite([GOOD, (None, *GOOD[1:]), ("x", *GOOD[1:]), (None, None, *GOOD[2:])])
    pages = list(apdb.read(Selection(), page_rows=2))
    found = reasons(pages)
    assert len(ids(pages)) == 4
    assert len(set(ids(pages))) == 4
    assert sorted(found) == [-4, -3, -2]
    assert sum("no diaSourceId" in text for text in found.values()) == 2
    assert sum("'x'" in text for text in found.values()) == 1
