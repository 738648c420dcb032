"""Alert packets written by the packages that define them."""

import gzip
import io
import json
from functools import cache

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from lsst.alert.packet import Schema, get_schema_uri

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, open_alerts
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


def test_a_damaged_file_costs_its_own_alerts(tmp_path, caplog):
    good = write(tmp_path / "good.avro", VERSIONS[0], [rubin_alert(VERSIONS[0])])
    (tmp_path / "cut.avro").write_bytes(good.read_bytes()[:-30])
    (tmp_path / "text.avro").write_text("this is no alert")
    (tmp_path / "frame.avro").write_bytes(b"\0\0\0\x04\x4d" + b"\xff" * 40)
    bad = [tmp_path / name for name in ("cut.avro", "text.avro", "frame.avro")]
    assert len(read(open_alerts([*bad, good]))) == 1
    for path in bad:
        assert str(path) in caplog.text
        with pytest.raises(CutoutsError, match=path.name):
            read(open_alerts([path]))
    with pytest.raises(CutoutsError, match=r"no alert file .*nowhere"):
        open_alerts([tmp_path / "nowhere.avro"])
