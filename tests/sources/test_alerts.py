"""Alert packets written by the packages that define them."""

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import zlib
from functools import cache

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from lsst.alert.packet import Schema, get_schema_uri

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, group_by_detector, open_alerts
from lsst.analysis.ap.sources._alert_packets import _versions

VERSIONS = _versions()
STAMP = b"SIMPLE  =                    T"


@cache
def schema_of(version):
    major, minor = version
    return Schema.from_uri(get_schema_uri(major, minor).join(f"lsst.v{major}_{minor}.alert.avsc"))


def rubin_alert(version, identifier=170_000_000_000_000_001, **values):
    """Make an alert with a value for every field that may not be null."""
    named = {}

    def value_of(kind):
        if isinstance(kind, list):
            return None if "null" in kind else value_of(kind[0])
        if isinstance(kind, str) and kind in named:
            kind = named[kind]
        if isinstance(kind, dict) and kind["type"] == "record":
            named[kind["name"]] = kind
            return {field["name"]: value_of(field["type"]) for field in kind["fields"]}
        if isinstance(kind, dict):
            return [] if kind["type"] == "array" else value_of(kind["type"])
        return {"boolean": False, "string": "", "bytes": b""}.get(kind, 0)

    alert = value_of(schema_of(version).definition)
    alert["diaSource"] |= {"diaSourceId": identifier, "ra": 53.1, **values}
    for name in ("dec", "decl"):
        if name in alert["diaSource"]:
            alert["diaSource"][name] = -27.5
    alert |= {"alertId": identifier} if "alertId" in alert else {"diaSourceId": identifier}
    for name in ("cutoutTemplate", "cutoutScience", "cutoutDifference"):
        if any(field["name"] == name for field in schema_of(version).definition["fields"]):
            alert[name] = STAMP + name.encode()
    return alert


def write(path, version, alerts, framed=None):
    schema = schema_of(version)
    if framed is None:
        with path.open("wb") as stream:
            schema.store_alerts(stream, alerts)
    else:
        path.write_bytes(b"\0" + framed.to_bytes(4, "big") + schema.serialize(alerts[0]))
    return path


def read(catalog, selection=None, columns=None):
    return [row for table in catalog.read(selection or Selection(), columns) for row in table.to_pylist()]


@pytest.mark.parametrize("framed", ["container", "registered", "unregistered"])
@pytest.mark.parametrize("version", VERSIONS, ids="{0[0]}.{0[1]}".format)
def test_every_schema_of_rubin_is_read(tmp_path, version, framed):
    identifier = {"container": None, "registered": version[0] * 100 + version[1], "unregistered": 1}[framed]
    path = write(tmp_path / "a.avro", version, [rubin_alert(version)], identifier)
    (row,) = read(open_alerts([path]))
    assert (row["diaSourceId"], row["ra"], row["dec"]) == (170_000_000_000_000_001, 53.1, -27.5)
    assert row["instrument"] == "LSSTCam"
    assert isinstance(row["visit"], int)
    assert isinstance(row["detector"], int)
    assert row["cutoutTemplate"] == STAMP + b"cutoutTemplate"
    assert row["cutoutDifference"] == STAMP + b"cutoutDifference"
    assert (row["cutoutScience"] is None) is (version < (6, 1))


def test_the_example_alerts_of_the_package_are_read():
    root = get_schema_uri(11, 1).join("sample_data/")
    with root.join("fakeAlert.avro").as_local() as local:
        (row,) = read(open_alerts([local.ospath]))
    with root.join("alert.json").open() as stream:
        expected = json.load(stream)["diaSource"]
    assert len(expected.keys() & row.keys()) > 20
    for name in expected.keys() & row.keys():  # the JSON has columns of earlier schemas
        value = expected[name]
        assert row[name] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), name


def test_a_selection_chooses_among_alerts_of_all_files(tmp_path):
    version = VERSIONS[0]
    rng = np.random.default_rng(5)
    paths, expected = [], []
    for number in range(3):
        alerts = []
        for _ in range(120):
            identifier = int(rng.integers(1, 2**60))
            reliability = float(np.float32(rng.random()))
            visit, detector = int(rng.integers(1, 4)), int(rng.integers(0, 4))
            alerts.append(
                rubin_alert(
                    version, identifier, reliability=reliability, visit=visit, detector=detector, band="r"
                )
            )
            expected.append((visit, detector, identifier, reliability))
        paths.append(write(tmp_path / f"{number}.avro", version, alerts))
    catalog = open_alerts(paths)
    wanted = sorted(e for e in expected if e[3] >= 0.5)
    assert catalog.count(Selection(reliability_min=0.5)) == len(wanted)
    found = read(catalog, Selection(reliability_min=0.5, limit=30))
    assert {row["diaSourceId"] for row in found} == {e[2] for e in wanted[:30]}
    sample = read(catalog, Selection(sample=10, seed=4), ["band"])
    backwards = read(open_alerts(paths[::-1]), Selection(sample=10, seed=4), ["band"])
    assert {row["diaSourceId"] for row in sample} == {row["diaSourceId"] for row in backwards}
    assert len(sample) == 10
    assert "cutoutScience" not in sample[0]


ZTF_SCHEMA = {
    "type": "record",
    "name": "alert",
    "namespace": "ztf",
    "fields": [
        {"name": "schemavsn", "type": "string"},
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [
                    *({"name": n, "type": "double"} for n in ("jd", "ra", "dec", "magpsf", "sigmapsf")),
                    *({"name": n, "type": ["null", "double"]} for n in ("magap", "sigmagap", "rb", "drb")),
                    *({"name": n, "type": "long"} for n in ("pid", "fid", "rcid")),
                    {"name": "isdiffpos", "type": "string"},
                ],
            },
        },
        *(
            {
                "name": f"cutout{role}",
                "type": [
                    "null",
                    {
                        "type": "record",
                        "name": f"cutout{role}",
                        "fields": [
                            {"name": "fileName", "type": "string"},
                            {"name": "stampData", "type": "bytes"},
                        ],
                    },
                ],
            }
            for role in ("Science", "Template", "Difference")
        ),
    ],
}


def ztf_stamp(value):
    file = io.BytesIO()
    fits.PrimaryHDU(np.full((63, 63), value, np.float32)).writeto(file)
    return {"fileName": "stamp.fits.gz", "stampData": gzip.compress(file.getvalue())}


@pytest.mark.parametrize(("sign", "direction"), [("t", 1), ("f", -1), ("0", -1)])
def test_alerts_of_ztf_are_read_in_the_terms_of_the_apdb(tmp_path, sign, direction):
    candidate = {"jd": 2459000.75, "ra": 200.5, "dec": -5.25, "magpsf": 31.4, "sigmapsf": 0.1}
    candidate |= {"magap": None, "sigmagap": None, "rb": 0.25, "drb": 0.75, "isdiffpos": sign}
    candidate |= {"pid": 1248263571115, "fid": 2, "rcid": 11}
    alert = {"schemavsn": "3.3", "objectId": "ZTF18aaaaaaa", "candid": 1248263571115015004}
    alert |= {"candidate": candidate}
    alert |= {f"cutout{role}": ztf_stamp(i) for i, role in enumerate(("Science", "Template", "Difference"))}
    with (tmp_path / "ztf.avro").open("wb") as stream:
        fastavro.writer(stream, ZTF_SCHEMA, [alert])
    (row,) = read(open_alerts([tmp_path / "ztf.avro"]))
    expected = {"diaSourceId": 1248263571115015004, "visit": 1248263571115, "detector": 11, "band": "r"}
    expected |= {"ra": 200.5, "dec": -5.25, "reliability": 0.75, "instrument": "ZTF", "apFlux": None}
    assert {name: row[name] for name in expected} == expected
    assert row["psfFlux"] == pytest.approx(direction)  # 31.4 mag is 1 nJy
    assert row["psfFluxErr"] == pytest.approx(0.0921, abs=1e-4)
    # 2020-05-31T06:00:00 UTC is 37 s earlier than in TAI; 15 s to the middle.
    assert row["midpointMjdTai"] == pytest.approx(59000.25 + 52 / 86400, abs=1e-9)
    assert row["cutoutScience"][:2] == b"\x1f\x8b"


def reasons(catalog):
    """Why alerts can have no picture, by what stands for their identifier."""
    batches = list(group_by_detector(catalog.read(Selection()), None))
    return {
        b.rows.column("diaSourceId")[row].as_py(): text for b in batches for row, text in b.reasons.items()
    }


def test_a_damaged_file_costs_its_own_alerts(tmp_path, caplog):
    good = write(tmp_path / "good.avro", VERSIONS[0], [rubin_alert(VERSIONS[0])])
    (tmp_path / "text.avro").write_text("this is no alert")
    (tmp_path / "frame.avro").write_bytes(b"\0\0\0\x04\x4d" + b"\xff" * 40)
    bad = [tmp_path / name for name in ("text.avro", "frame.avro")]
    assert len(read(open_alerts([*bad, good]))) == 1
    assert all(str(path) in caplog.text for path in bad)
    caplog.clear()
    for path in bad:
        with pytest.raises(CutoutsError, match=path.name):
            read(open_alerts([path]))
    assert not caplog.text  # what is raised need not be said twice
    with pytest.raises(CutoutsError, match=r"no alert file .*nowhere"):
        open_alerts([tmp_path / "nowhere.avro"])


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz"])
def test_a_damaged_block_costs_its_own_alerts(tmp_path, codec):
    version, blocks = VERSIONS[0], 5
    path = tmp_path / "a.avro"
    alerts = [rubin_alert(version, 100 + i) for i in range(blocks)]
    with path.open("wb") as stream:
        fastavro.writer(stream, schema_of(version).definition, alerts, codec=codec, sync_interval=1)
    data = path.read_bytes()
    mark = data[-16:]
    places = [m.start() for m in re.finditer(re.escape(mark), data)]
    assert len(places) == blocks + 1
    middle = (places[2] + places[3]) // 2  # within the third alert
    for damaged in (
        data[:middle] + bytes(40) + data[middle + 40 :],
        data[: middle - 9] + data[middle + 9 :],
        data[: places[2] + 16] + b"\xff" * 9 + data[places[2] + 25 :],
    ):
        path.write_bytes(damaged)
        rows = read(open_alerts([path]))
        identifiers = {row["diaSourceId"] for row in rows}
        assert identifiers >= {100, 101, 103, 104}
        if 102 not in identifiers:  # without a checksum the bytes of a stamp may be any
            (reason,) = reasons(open_alerts([path])).values()
            assert reason.startswith(f"alert 3 of {path}: ")
    path.write_bytes(data[:middle])
    assert reasons(open_alerts([path])) == {-3: f"alert 3 of {path}: it is cut off (row 3)"}
    assert sorted(row["diaSourceId"] for row in read(open_alerts([path]))) == [-3, 100, 101]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_every_codec_of_avro_is_read(tmp_path, codec):
    version = VERSIONS[0]
    alerts = [rubin_alert(version, i) for i in (1, 2, 3)]
    with (tmp_path / "a.avro").open("wb") as stream:
        fastavro.writer(stream, schema_of(version).definition, alerts, codec=codec)
    rows = read(open_alerts([tmp_path / "a.avro"]))
    assert [row["diaSourceId"] for row in rows] == [1, 2, 3]
    assert rows[0]["cutoutScience"] == STAMP + b"cutoutScience"


@pytest.mark.parametrize("framed", [None, 1101])
def test_compressed_files_and_archives_are_read(tmp_path, framed):
    names = [f"{i}.avro" for i in (1, 2, 3)]
    for i, name in enumerate(names, 1):
        write(tmp_path / name, (11, 1), [rubin_alert((11, 1), i)], framed)
    for suffix, mode in ((".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz")):
        with tarfile.open(tmp_path / f"alerts{suffix}", mode) as archive:
            (tmp_path / "folder").mkdir(exist_ok=True)
            archive.add(tmp_path / "folder")
            for name in names:
                archive.add(tmp_path / name, name)
            archive.add(__file__, "no alert.py")
        catalog = open_alerts([tmp_path / f"alerts{suffix}"])
        rows = read(catalog)
        assert [row["diaSourceId"] for row in rows if row["diaSourceId"] > 0] == [1, 2, 3]
        assert list(reasons(catalog)) == [-4]
        assert reasons(catalog)[-4].startswith("no alert.py in ")
    (tmp_path / "1.avro.gz").write_bytes(gzip.compress((tmp_path / "1.avro").read_bytes()))
    assert [row["diaSourceId"] for row in read(open_alerts([tmp_path / "1.avro.gz"]))] == [1]


def container(schema, content, codec="null", count=1):
    """Make a container of one block by hand."""

    def long(value):
        value, out = value << 1, b""
        while value > 0x7F:
            out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
        return out + bytes([value])

    def sized(data):
        return long(len(data)) + data

    header = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": codec.encode()}
    metadata = long(len(header)) + b"".join(sized(k) + sized(v) for k, v in header.items()) + b"\0"
    mark = b"m" * 16
    return b"Obj\x01" + metadata + mark + long(count) + sized(content) + mark


def record(*fields):
    return {"type": "record", "name": "alert", "fields": [{"name": n, "type": t} for n, t in fields]}


def deflated(size):
    compress = zlib.compressobj(9, wbits=-15)
    return b"".join(compress.compress(bytes(2**20)) for _ in range(size // 2**20)) + compress.flush()


BIG = b"\xfe\xff\xff\xff\xff\xff\xff\x7f"  # about 2**55 in zig-zag
NESTED = {"type": "record", "name": "r0", "fields": []}
for _level in range(1, 12):
    NESTED = {
        "type": "record",
        "name": f"r{_level}",
        "fields": [{"name": f"f{i}", "type": NESTED if i == 0 else f"r{_level - 1}"} for i in range(10)],
    }
BOMBS = {
    "a block that expands": container(record(("x", "bytes")), deflated(2**30), "deflate"),
    "a list of nothing": container(record(("x", {"type": "array", "items": "null"})), BIG + b"\0"),
    "a list of empty records": container(
        record(("x", {"type": "array", "items": {"type": "record", "name": "e", "fields": []}})), BIG + b"\0"
    ),
    "a list of numbers that are not there": container(
        record(("x", {"type": "array", "items": "double"}), ("y", "int")), BIG + b"\0\0"
    ),
    "records of nothing": container(record(("x", "null")), b"", count=2**40),
    "more records than bytes": container(record(("x", "int")), b"\0", count=2**40),
    "bytes that are not there": container(record(("x", "bytes")), BIG),
    "a block that is not there": container(record(("x", "int")), b"")[:-17] + BIG,
    "a schema of many fields": container(record(("x", NESTED), ("y", "int")), b"\0"),
    "a type that contains itself": container(
        record(
            ("x", ["null", {"type": "record", "name": "n", "fields": [{"name": "n", "type": ["null", "n"]}]}])
        ),
        b"\x02" * 10**6,
    ),
    "snappy that claims too much": container(record(("x", "int")), b"\xff\xff\xff\xff\x0f1234", "snappy"),
    "an unknown codec": container(record(("x", "int")), b"\0", "lzo"),
    "a schema that is none": container({"type": "teapot"}, b"\0"),
    "a list for a schema": container([1, 2], b"\0"),
    "deeply nested": container(json.loads("[" * 500 + "]" * 500), b"\0"),
}


def test_files_take_no_more_memory_and_time_than_alerts_do(tmp_path):
    for number, content in enumerate(BOMBS.values()):
        (tmp_path / f"{number}.avro").write_bytes(content)
        (tmp_path / f"{number}.avro.gz").write_bytes(gzip.compress(content))
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_CPU, (30, 30))\n"
        "from lsst.analysis.ap.sources._alert_packets import read_packets\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sys.argv[1:]:\n"
        "    try: print(path, [p.problem for p in read_packets(path)])\n"
        "    except Exception as error: print(path, type(error).__name__, error)\n"
        "    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024\n"
        "    assert grown < 300, f'{path}: {grown} MiB'\n"
    )
    paths = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(paths)  # each is one line
    for path, line in zip(paths, lines, strict=True):
        said = line.removeprefix(f"{path} ")
        assert said.startswith("CutoutsError") or said[:2] in ("['", '["'), line


def test_an_archive_takes_no_more_memory_than_alerts_do(tmp_path):
    head = tarfile.TarInfo("x")
    head.size, head.type = 2**31, tarfile.XHDTYPE
    with gzip.open(tmp_path / "bomb.tar.gz", "wb", 1) as stream:
        stream.write(head.tobuf())
        for _ in range(100):
            stream.write(bytes(2**20))
    with pytest.raises(CutoutsError, match=r"bomb\.tar\.gz"):
        read(open_alerts([tmp_path / "bomb.tar.gz"]))


OTHER = {
    "type": "record",
    "name": "alert",
    "namespace": "winter",
    "fields": [
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [
                    *({"name": n, "type": "double"} for n in ("jd", "ra", "dec", "magpsf")),
                    *({"name": n, "type": "long"} for n in ("pid", "rcid")),
                    {"name": "isdiffpos", "type": "string"},
                    {"name": "history", "type": {"type": "array", "items": "double"}},
                ],
            },
        },
        *({"name": f"cutout{role}", "type": "bytes"} for role in ("Science", "Template", "Difference")),
    ],
}


def other_alert(**changes):
    candidate = {"jd": 2459000.75, "ra": 200.5, "dec": -5.25, "magpsf": 18.0, "pid": 1, "rcid": 2}
    alert = {"objectId": "W1", "candid": 77, "candidate": candidate | {"isdiffpos": "f", "history": [1.0]}}
    alert |= {f"cutout{role}": STAMP for role in ("Science", "Template", "Difference")}
    return alert | changes


def test_a_survey_that_is_not_known_needs_an_identifier_and_a_position_only(tmp_path):
    with (tmp_path / "a.avro").open("wb") as stream:
        fastavro.writer(stream, OTHER, [other_alert()])
    (row,) = read(open_alerts([tmp_path / "a.avro"]))
    expected = {"diaSourceId": 77, "ra": 200.5, "dec": -5.25, "visit": None, "detector": None, "magpsf": 18.0}
    assert {name: row[name] for name in expected} == expected
    assert row.get("instrument") is None  # in spite of its candidate it is not ZTF's
    assert "isNegative" not in row
    assert row["cutoutScience"] == STAMP


def test_one_odd_alert_among_others_fails_alone(tmp_path):
    nameless = json.loads(json.dumps(OTHER).replace('"candid"', '"nobody"'))
    placeless = json.loads(json.dumps(OTHER).replace('"dec"', '"height"'))
    writers = {"good": OTHER, "nameless": nameless, "placeless": placeless}
    for name, schema in writers.items():
        text = json.dumps(other_alert(), default=bytes.decode)
        for old, new in (('"candid"', '"nobody"'), ('"dec"', '"height"')):
            text = text if json.dumps(schema).count(old) else text.replace(old, new)
        alert = json.loads(text)
        alert |= {key: value.encode() for key, value in alert.items() if key.startswith("cutout")}
        with (tmp_path / f"{name}.avro").open("wb") as stream:
            fastavro.writer(stream, schema, [alert])
    off = write(tmp_path / "off.avro", VERSIONS[0], [rubin_alert(VERSIONS[0], 5, ra=1e30)])
    catalog = open_alerts([*(tmp_path / f"{name}.avro" for name in writers), off])
    assert {row["diaSourceId"] for row in read(catalog)} == {77, -2, -3, 5}
    found = reasons(catalog)
    assert "no identifier that is a whole number" in found[-2]
    assert "nor any record with ra and dec" in found[-3]
    assert "there is no position" in found[5]
