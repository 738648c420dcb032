"""Read damaged catalogues for as long as you like.

    python tests/stress/fuzz_catalogues.py --rounds 3000 [--only csv parquet ...]

Each round damages a copy of a catalogue of thirty sources, in one of the
formats in which people keep them, and does with it what is done on the way to
pictures: read, select, count, group, turn into rows. Half of the rounds damage
bytes of the file; the other half put something odd into one cell or column
before it is written. The outcome must be rows or one `CutoutsError` of one
line; no other exception, no more than some seconds, less than a gigabyte.
Where one cell was changed, all other sources must be there without a reason
against a picture. What is found is printed with the number of the round, which
``--first N --rounds 1`` repeats.
"""

import argparse
import datetime
import decimal
import faulthandler
import gzip
import io
import logging
import resource
import sqlite3
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.table
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lsst.analysis.ap.domain import CutoutsError, SourceBatch
from lsst.analysis.ap.runs._survey import survey
from lsst.analysis.ap.sources import (
    PICTURE_COLUMNS,
    Selection,
    SqlApdb,
    arrow_tables,
    group_by_detector,
    open_catalog,
)
from lsst.analysis.ap.sources._identifiers import read_identifiers

MAX_SECONDS = 20
MAX_BYTES = 2**30
COUNT = 30


def make_sources() -> pd.DataFrame:
    """Return a catalogue without a fault."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "diaSourceId": np.arange(COUNT) + 206039827907346433,
            "visit": 2026011300135 + np.arange(COUNT) // 10,
            "detector": np.arange(COUNT) % 3,
            "ra": rng.uniform(53.0, 53.2, COUNT),
            "dec": rng.uniform(-28.2, -28.0, COUNT),
            "band": rng.choice(["r", "i"], COUNT),
            "reliability": rng.random(COUNT).astype(np.float32),
            "snr": rng.normal(0, 20, COUNT),
            "psfFlux": rng.normal(0, 1e4, COUNT),
            "isDipole": rng.random(COUNT) < 0.3,
            "pixelFlags_cr": rng.random(COUNT) < 0.3,
            "diaObjectId": np.arange(COUNT) // 2 + 205934250095017985,
            "midpointMjdTai": 61053.0 + rng.random(COUNT),
            "note": rng.choice(["a, b", 'say "so"', "c"], COUNT),
        }
    )
    return frame.sample(frac=1, random_state=2, ignore_index=True)


ODD: list[Any] = [
    *(
        "",
        " ",
        "-",
        "x",
        "nan",
        "None",
        "03:32:34.05",
        "-28:06:34",
        "R22_S11",
        "1e30",
        "inf",
        "-inf",
        "9" * 25,
    ),
    *(
        "1,5",
        '"',
        "'",
        "\t",
        "\x00",
        "\ufeff1",
        "t",
        "perhaps",
        "2026-01-10",
        "1_000",
        "0x10",
        "\u0661",
        "1e",
        "--1",
    ),
    *(b"\xff", b"\x00\x01", b"7", 1e30, -1e30, np.inf, np.nan, None, True, 2**63, -(2**70), 1.5, 2.0**53, 1j),
    *([1], {"a": 1}, (1, 2), set(), object(), float("-0.0"), decimal.Decimal("7.5"), decimal.Decimal("NaN")),
    *(datetime.datetime(2026, 1, 1), datetime.date(1, 1, 1), datetime.timedelta(5), datetime.time(1)),
    *(np.float16(1), np.int8(3), np.datetime64("NaT", "ns"), np.timedelta64(5, "D"), pd.NA, pd.Timestamp.max),
]


def with_odd_cell(frame: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, int]:
    """Return a catalogue with something odd in one cell, and the source whose it is."""
    row, column = int(rng.integers(COUNT)), int(rng.integers(frame.shape[1]))
    name = frame.columns[column]
    cells = frame[name].astype(object)
    cells.iat[row] = ODD[int(rng.integers(len(ODD)))]
    changed = frame.astype({name: object}).copy()
    changed[name] = pd.Series(list(cells), dtype=object)
    return changed, int(frame["diaSourceId"].iat[row])


ODD_TYPES: list[Callable[[pa.ChunkedArray], Any]] = [
    lambda column: column.cast(pa.string()),
    lambda column: column.cast(pa.string()).cast(pa.string_view()),
    lambda column: column.cast(pa.string()).cast(pa.large_binary()),
    lambda column: column.cast(pa.string()).dictionary_encode(),
    lambda column: pa.array([[v] for v in column.to_pylist()]),
    lambda column: pa.array([{"v": v} for v in column.to_pylist()]),
    lambda column: pa.nulls(len(column)),
    lambda column: pa.array(range(len(column)), pa.timestamp("ns")),
    lambda column: pa.array(range(len(column)), pa.duration("us")),
    lambda column: pa.array(range(len(column)), pa.decimal128(38, 3)),
    lambda column: pa.array(range(len(column)), pa.uint64()),
    lambda column: pa.array(np.zeros(len(column), np.float16)),
    lambda column: (
        column.cast(pa.string()).combine_chunks().cast(pa.run_end_encoded(pa.int32(), pa.string()))
    ),
    lambda column: pa.array([f"\xe9{v}" for v in column.to_pylist()]),
    lambda column: pa.array([b"\xff"] * len(column)).view(pa.string()),
]


def with_odd_column(frame: pd.DataFrame, rng: np.random.Generator) -> pa.Table:
    """Return a catalogue one of whose columns has another type, another name or a twin."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    place = int(rng.integers(table.num_columns))
    name = table.column_names[place]
    match rng.integers(6):
        case 0:
            return table.append_column(name, table.column(place))
        case 1:
            names = list(table.column_names)
            names[place] = str(
                rng.choice(["", "a b", "größe", "x" * 300, "..", name.upper(), "diaSourceId", "id"])
            )
            return table.rename_columns(names)
        case 2:
            return table.remove_column(place)
    change = ODD_TYPES[int(rng.integers(len(ODD_TYPES)))]
    try:
        return table.set_column(place, name, change(table.column(place)))
    except pa.ArrowException:
        return table


def as_csv(frame: Any) -> bytes:
    frame = frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()
    text: str = frame.to_csv(index=False)
    return text.encode(errors="replace")


def as_astropy(frame: Any, format: str) -> bytes:
    table = frame if isinstance(frame, pa.Table) else pa.table({n: as_arrow(frame[n]) for n in frame.columns})
    names = table.column_names
    found = astropy.table.Table()
    for place, name in enumerate(names):
        column = table.column(place).to_pylist()
        found[f"{name}_{place}" if names.count(name) > 1 else name or "empty"] = column
    if format == "fits":
        file = io.BytesIO()
        found.write(file, format="fits")
        return file.getvalue()
    with tempfile.NamedTemporaryFile(suffix=".txt") as target:
        found.write(target.name, format=format, overwrite=True)
        return Path(target.name).read_bytes()


def as_arrow(column: pd.Series) -> pa.Array:
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return pa.array([None if v is None else str(v).encode(errors="replace").decode() for v in column])


def as_parquet(frame: Any) -> bytes:
    table = frame if isinstance(frame, pa.Table) else pa.table({n: as_arrow(frame[n]) for n in frame.columns})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def as_sqlite(frame: Any) -> bytes:
    frame = frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()
    kinds = {"i": "BIGINT", "f": "DOUBLE", "b": "BOOLEAN"}
    good = make_sources()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sqlite3"
        with sqlite3.connect(path) as db:
            columns = [
                f'"{n}" {kinds.get(good[n].dtype.kind if n in good else "O", "VARCHAR")}'
                for n in frame.columns
            ]
            db.execute(f'CREATE TABLE "DiaSource" ({", ".join(columns)})')
            rows = [[storable(value) for value in row] for row in frame.astype(object).to_numpy().tolist()]
            db.executemany(f'INSERT INTO "DiaSource" VALUES ({", ".join("?" * len(columns))})', rows)
        db.close()
        return path.read_bytes()


def storable(value: Any) -> Any:
    if value is pd.NA or value is pd.NaT or value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    if isinstance(value, int | float | str | bytes):
        return value.encode(errors="replace").decode() if isinstance(value, str) else value
    return str(value)


FORMATS: dict[str, Callable[[Any], bytes]] = {
    "csv": as_csv,
    "csv.gz": lambda frame: gzip.compress(as_csv(frame), 1),
    "parquet": as_parquet,
    "fits": lambda frame: as_astropy(frame, "fits"),
    "vot": lambda frame: as_astropy(frame, "votable"),
    "ecsv": lambda frame: as_astropy(frame, "ascii.ecsv"),
    "sqlite3": as_sqlite,
    "frame": lambda frame: b"",
    "ids": lambda frame: as_csv(frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()),
}


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file that something happened to: one to three accidents."""
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not damaged:
            break
        at = int(rng.integers(len(damaged)))
        length = int(rng.integers(1, 60))
        match rng.integers(8):
            case 0:
                damaged[at] ^= 1 << int(rng.integers(8))
            case 1:
                damaged[at] = int(rng.integers(256))
            case 2:
                damaged[at : at + length] = rng.bytes(min(length, len(damaged) - at))
            case 3:  # a digit, where there are any near
                place = next((i for i in range(at, min(at + 200, len(damaged))) if 48 <= damaged[i] < 58), at)
                damaged[place] = int(rng.choice(np.frombuffer(b"0123456789 -.e,\"'\n<>", np.uint8)))
            case 4:
                other = int(rng.integers(len(damaged)))
                damaged[at:at] = damaged[other : other + length]
            case 5:
                damaged[at : at + length] = bytes(min(length, len(damaged) - at))
            case 6:
                del damaged[at : at + length]
            case 7 if rng.random() < 0.2:
                del damaged[at:]
    return bytes(damaged)


def use(kind: str, content: Any, folder: Path) -> list[SourceBatch]:
    """Do with a catalogue what is done on the way to pictures."""
    if kind == "frame":
        (table,) = arrow_tables(content)
        survey([table])
        Selection(where="snr > 0", sample=5).apply(table)
        batches = list(group_by_detector([Selection().apply(table)], "TestCam"))
    else:
        path = folder / f"c.{'csv' if kind == 'ids' else kind}"
        path.write_bytes(content)
        if kind == "ids":
            read_identifiers(str(path))
            return []
        catalog: Any = SqlApdb.from_sqlite(path) if kind == "sqlite3" else open_catalog(path)
        survey(catalog.read(Selection()))
        for selection in (Selection(snr_min=1.0, bands=("r",)), Selection(one_per_object=True, sample=4)):
            try:
                catalog.count(selection)
            except CutoutsError as error:  # a column may be of another kind
                check_words(error)
        batches = list(group_by_detector(catalog.read(Selection(), PICTURE_COLUMNS), "TestCam"))
    for batch in batches:
        batch.rows.to_pylist()
        batch.take(range(len(batch.rows)))
    return batches


def check_words(error: CutoutsError) -> None:
    text = str(error)
    if "\n" in text or not text or len(text) > 3000:
        raise AssertionError(f"not one line of reasonable length: {text[:500]!r}")


def missing(batches: list[SourceBatch], spoiled: int) -> set[int]:
    """Return the sources that have no picture though nothing happened to them."""
    fine: set[int] = set()
    for batch in batches:
        ids = batch.rows.column("diaSourceId").to_pylist()
        if batch.data_id is not None:
            fine |= {identifier for row, identifier in enumerate(ids) if row not in batch.reasons}
    return set(make_sources()["diaSourceId"]) - fine - {spoiled}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=FORMATS, default=list(FORMATS))
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sources = make_sources()
    whole = {kind: FORMATS[kind](sources) for kind in arguments.only}
    outcomes: Counter[str] = Counter()
    found = 0
    slowest = 0.0
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.first, arguments.first + arguments.rounds):
            if number % 500 == 0:
                print(f"round {number}: {dict(outcomes)}", flush=True)
            rng = np.random.default_rng(number)
            kind = arguments.only[number % len(arguments.only)]
            spoiled: int | None = None
            content: Any
            how = rng.integers(4)
            try:
                if how < 2 and kind != "frame":
                    content = damage(whole[kind], rng)
                elif how == 3:
                    odd = with_odd_column(sources, rng)
                    content = odd if kind == "frame" else FORMATS[kind](odd)
                else:
                    frame, spoiled = with_odd_cell(sources, rng)
                    content = frame if kind == "frame" else FORMATS[kind](frame)
            except Exception:  # what no writer can write, nobody has to read
                outcomes["not written"] += 1
                continue
            faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
            start = time.perf_counter()
            try:
                batches = use(kind, content, Path(folder))
                outcomes["rows"] += 1
                if spoiled is not None and kind != "ids" and (lost := missing(batches, spoiled)):
                    raise AssertionError(f"{len(lost)} other sources have no picture")
            except CutoutsError as error:
                outcomes["CutoutsError"] += 1
                if arguments.rounds == 1:
                    print(error)
                try:
                    check_words(error)
                    # Where one identifier of a column of floats lost digits, the others may have too.
                    is_rounded = "have lost the last digits" in str(error)
                    if spoiled is not None and kind != "ids" and not is_rounded:
                        raise AssertionError(f"one cell spoils all: {error}")
                except AssertionError as wrong:
                    found += 1
                    print(f"round {number}, {kind}: {wrong}", flush=True)
            except Exception as error:
                found += 1
                outcomes[type(error).__name__] += 1
                print(f"round {number}, {kind}: {type(error).__name__}: {error}"[:400], flush=True)
                if arguments.rounds == 1:
                    raise
            faulthandler.cancel_dump_traceback_later()
            slowest = max(slowest, time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{dict(outcomes)}, slowest round {slowest:.2f} s, {memory / 2**20:.0f} MiB")
    if memory > MAX_BYTES:
        print(f"It took more than {MAX_BYTES / 2**20:.0f} MiB.")
    return 1 if found or memory > MAX_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
