"""Read damaged alerts for as long as you like.

    python tests/stress/fuzz_alerts.py --rounds 3000

Each round damages one alert among others, in one of the containers in which
they are handed out, and makes what is needed for pictures of all: rows, batches
and stamps. Either bytes of the file are damaged, or the alert itself has a
field, a stamp or a schema that nobody expects. The outcome must be rows or one
`CutoutsError` of one line; no other exception, no more than some seconds, less
than a gigabyte. The alerts of the other files must all have their stamps. What
is found is printed with the number of the round, which ``--first N --rounds 1``
repeats.
"""

import argparse
import faulthandler
import gzip
import io
import json
import logging
import resource
import sys
import tarfile
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from astropy.io import fits

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.images import AlertStampReader
from lsst.analysis.ap.runs._survey import survey
from lsst.analysis.ap.sources import Selection, group_by_detector, open_alerts

MAX_SECONDS = 20
MAX_BYTES = 2**30
CODECS = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")
STAMPS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
WCS = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 15.0, "CRPIX2": 15.0, "CRVAL1": 150.0}
WCS |= {"CRVAL2": 2.0, "CD1_1": -5.5e-5, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 5.5e-5}


def stamp(rng: np.random.Generator, shape: tuple[int, ...] = (30, 30)) -> bytes:
    hdu = fits.PrimaryHDU(rng.normal(size=shape).astype(np.float32))
    hdu.header.update(WCS)
    file = io.BytesIO()
    hdu.writeto(file)
    return file.getvalue()


def schema(survey: str) -> dict[str, Any]:
    """Return a schema as a survey has it, with a history that no picture needs."""
    numbers = [
        {"name": name, "type": ["null", "double"]}
        for name in ("ra", "dec", "jd", "magpsf", "snr", "pid", "rcid")
    ]
    values = [
        *numbers,
        {"name": "visit", "type": ["null", "long"]},
        {"name": "detector", "type": ["null", "int"]},
    ]
    values += [{"name": name, "type": ["null", "string"]} for name in ("band", "isdiffpos")]
    values += [{"name": "flags", "type": {"type": "array", "items": "boolean"}}]
    values += [{"name": "diaSourceId", "type": ["null", "long", "string"]}]
    source = {"type": "record", "name": "source", "fields": values}
    name = {"lsst": "diaSource", "ztf": "candidate", "other": "candidate"}[survey]
    fields: list[dict[str, Any]] = [
        {"name": "candid", "type": ["null", "long", "string"]},
        {"name": name, "type": source},
    ]
    fields += [{"name": "history", "type": ["null", {"type": "array", "items": "source"}]}]
    if survey == "ztf":
        cutout = {"type": "record", "name": "cutout", "fields": [{"name": "stampData", "type": "bytes"}]}
        fields += [{"name": STAMPS[0], "type": ["null", cutout]}]
        fields += [{"name": name, "type": ["null", "cutout"]} for name in STAMPS[1:]]
    else:
        fields += [{"name": name, "type": ["null", "bytes"]} for name in STAMPS]
    return {"type": "record", "namespace": survey, "name": "alert", "fields": fields}


def alert(survey: str, identifier: int, rng: np.random.Generator) -> dict[str, Any]:
    source = {"ra": 150.0, "dec": 2.0, "jd": 2459000.5, "magpsf": 18.0, "snr": 9.0, "pid": 7.0, "rcid": 3.0}
    source |= {"visit": 2026011000112, "detector": 3, "band": "r", "isdiffpos": "f", "flags": [True, False]}
    source |= {"diaSourceId": identifier}
    name = "diaSource" if survey == "lsst" else "candidate"
    wrap = (lambda data: {"stampData": gzip.compress(data, 1)}) if survey == "ztf" else (lambda data: data)
    stamps = {name: wrap(stamp(rng)) for name in STAMPS}
    return {"candid": identifier, name: source, "history": [source] * 5, **stamps}


ODD = [
    None,
    0.0,
    -1.0,
    1e30,
    -1e308,
    float("inf"),
    float("nan"),
    2**62,
    -(2**62),
    "",
    "x",
    "r" * 5000,
    "\x00",
]


def spoil(survey: str, packet: dict[str, Any], rng: np.random.Generator) -> None:
    """Put something odd into an alert."""
    source = packet["diaSource" if survey == "lsst" else "candidate"]
    if rng.random() < 0.5:
        name = str(rng.choice([name for name in source if name != "flags"]))
        fits_in = [v for v in ODD if v is None or isinstance(v, type(source[name]))]
        source[name] = fits_in[int(rng.integers(len(fits_in)))]
        packet["candid"] = source["diaSourceId"]
        return
    name = str(rng.choice(STAMPS))
    shapes = [(0, 0), (1, 3000), (3000, 1), (31, 29), (5,), (2, 30, 30), (1, 1), (60, 60)]
    choices = [b"", b"x", bytes(2880), stamp(rng)[:-300], gzip.compress(bytes(50 * 2**20), 1)]
    choices += [stamp(rng, shape) for shape in shapes if np.prod(shape)]
    data = choices[int(rng.integers(len(choices)))] if rng.random() < 0.5 else damaged(stamp(rng), rng)
    packet[name] = {"stampData": data} if survey == "ztf" else data


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file that something happened to: one to three accidents."""
    found = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not found:
            break
        # The beginning, where all that counts is said, is hit more often.
        at = int(rng.integers(len(found) if rng.random() < 0.5 else min(len(found), 3000)))
        length = int(rng.integers(1, 60))
        match rng.integers(7):
            case 0:
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at] = int(rng.choice([0, 1, 2, 127, 128, 255]))
            case 2:
                found[at : at + length] = rng.bytes(min(length, len(found) - at))
            case 3:
                found[at : at + length] = b"\xff" * min(length, len(found) - at)
            case 4:
                other = int(rng.integers(len(found)))
                found[at:at] = found[other : other + length]
            case 5:
                del found[at : at + length]
            case 6 if rng.random() < 0.3:
                del found[at:]
    return bytes(found)


def odd_schema(definition: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return a schema whose text is another one, as a list of nothing or itself."""
    text = json.dumps(definition)
    changes = [
        ('"boolean"', '"null"'),
        ('"boolean"', '{"type": "record", "name": "e", "fields": []}'),
        ('"boolean"', '"alert"'),
        ('"boolean"', '"source"'),
        ('"double"', '"bytes"'),
        ('"double"', '"nonsense"'),
        ('"record"', '"error"'),
        ('"array"', '"map"'),
        ('"ra"', '"ra-"'),
        ('"alert"', '"."'),
        ('"bytes"', '{"type": "fixed", "name": "f", "size": 9999999999}'),
    ]
    old, new = changes[int(rng.integers(len(changes)))]
    result: dict[str, Any] = json.loads(text.replace(old, new, int(rng.integers(1, 4))))
    return result


def with_schema(data: bytes, definition: dict[str, Any], changed: dict[str, Any]) -> bytes:
    """Return a container whose records were written by another schema than it says."""
    start = data.index(b"avro.schema") + len(b"avro.schema")
    length, after = read_long(data, start)
    text = json.dumps(changed).encode()
    return data[:start] + write_long(len(text)) + text + data[after + length :]


def read_long(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), place


def write_long(value: int) -> bytes:
    value, out = value << 1, b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def write(definition: dict[str, Any], packets: list[dict[str, Any]], codec: str) -> bytes:
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(definition), packets, codec=codec, sync_interval=1)
    return file.getvalue()


def packed(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Return a file in a container, and its suffix."""
    match rng.integers(4):
        case 0:
            return gzip.compress(data, 1), ".avro.gz"
        case 1:
            file = io.BytesIO()
            with tarfile.open(fileobj=file, mode="w:gz" if rng.random() < 0.5 else "w") as archive:
                member = tarfile.TarInfo("a.avro")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            return file.getvalue(), ".tar.gz"
    return data, ".avro"


def use(paths: list[Path]) -> set[int]:
    """Do with alerts what is done on the way to pictures; return those that have stamps."""
    catalog = open_alerts(paths)
    survey(catalog.read(Selection()))
    catalog.count(Selection(snr_min=1.0))
    shown: set[int] = set()
    for batch in group_by_detector(catalog.read(Selection()), None):
        batch.rows.drop_columns([n for n in STAMPS if n in batch.rows.column_names]).to_pylist()
        ids = batch.rows.column("diaSourceId").to_pylist()
        for row, triplets in enumerate(AlertStampReader().read(batch)):
            reason = batch.reasons.get(row) or ("" if isinstance(triplets, tuple) else str(triplets))
            if not reason:
                shown.add(ids[row])
            elif "\n" in reason:
                raise AssertionError(f"a reason of several lines: {reason[:300]!r}")
    return shown


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    fixed = np.random.default_rng(0)
    surveys = ("lsst", "ztf", "other")
    good = {name: [alert(name, 10 * i + 1, fixed) for i in range(3)] for name in surveys}
    outcomes: Counter[str] = Counter()
    found = 0
    slowest = 0.0
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder:
        others = []
        for number, name in enumerate(surveys):
            path = Path(folder) / f"{name}.avro"
            path.write_bytes(write(schema(name), [alert(name, 1000 + number, fixed)], "null"))
            others.append(path)
        expected = {1000 + number for number in range(len(surveys))}
        assert use(others) == expected
        for number in range(arguments.first, arguments.first + arguments.rounds):
            if number % 500 == 0:
                print(f"round {number}: {dict(outcomes)}", flush=True)
            rng = np.random.default_rng(number)
            name = surveys[number % len(surveys)]
            definition, codec = schema(name), str(rng.choice(CODECS))
            packets = [dict(packet) for packet in good[name]]
            own: set[int] = set()
            how = rng.integers(3)
            try:
                if how == 0:
                    middle = alert(name, 11, rng)
                    spoil(name, middle, rng)
                    packets[1] = middle
                    data, own = write(definition, packets, codec), {1, 21}
                elif how == 1:
                    data = with_schema(
                        write(definition, packets, codec), definition, odd_schema(definition, rng)
                    )
                else:
                    data = damaged(write(definition, packets, codec), rng)
            except (TypeError, ValueError, OverflowError):  # what no writer can write, nobody has to read
                outcomes["not written"] += 1
                continue
            data, suffix = packed(data, rng)
            if how == 2 and rng.random() < 0.3:
                data = damaged(data, rng)
            path = Path(folder) / f"damaged{suffix}"
            path.write_bytes(data)
            order = [others[0], path, *others[1:]]
            faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
            start = time.perf_counter()
            try:
                shown = use(order)
                outcomes["rows"] += 1
                if lost := (expected | own) - shown:
                    raise AssertionError(f"others have no stamps: {sorted(lost)}")
            except CutoutsError as error:
                found += 1
                print(f"round {number}: one file spoils all: {error}"[:400], flush=True)
            except Exception as error:
                found += 1
                outcomes[type(error).__name__] += 1
                print(f"round {number}: {type(error).__name__}: {error}"[:400], flush=True)
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
