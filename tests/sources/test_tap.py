"""Queries of a TAP service: a server of our own that answers as the protocol says."""

import io
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import astropy.table
import astropy.units as u
import numpy as np
import pytest
import pyvo
from astropy.io.votable import from_table

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, arrow_tables, open_tap

ADQL = "SELECT * FROM dp1.DiaSource WHERE snr > 5"
BIG = 2**60 + 1


def table():
    """A table as Qserv gives it: big-endian, masked, text as objects, small letters."""
    found = astropy.table.Table(masked=True)
    found["diasourceid"] = np.array([BIG, BIG + 2], ">i8")
    found["visit"] = np.array([7, 7], ">i8")
    found["detector"] = np.ma.array([3, 4], mask=[False, True], dtype=">i2")
    found["coord_ra"] = np.radians([150.0, 151.0]) * u.rad
    found["coord_dec"] = [-2.0, -3.0] * u.deg
    found["band"] = np.array(["r", "i"], dtype=object)
    found["psfFlux"] = np.ma.array([1.5, 2.5], mask=[True, False], dtype=">f4")
    found["isDipole"] = [True, False]
    return found


EXPECTED = [
    {
        "diaSourceId": BIG,
        "visit": 7,
        "detector": 3,
        "ra": 150.0,
        "dec": -2.0,
        "band": "r",
        "psfFlux": None,
        "isDipole": True,
    },
    {
        "diaSourceId": BIG + 2,
        "visit": 7,
        "detector": None,
        "ra": 151.0,
        "dec": -3.0,
        "band": "i",
        "psfFlux": 2.5,
        "isDipole": False,
    },
]


def votable(status="OK", message="", content=None, rows=None):
    file = from_table(table() if rows is None else rows)
    stream = io.BytesIO()
    file.to_xml(stream)
    info = f'<INFO name="QUERY_STATUS" value="{status}">{message}</INFO>'
    text = stream.getvalue().decode().replace('<RESOURCE type="results">', f'<RESOURCE type="results">{info}')
    assert info in text
    return text.encode() if content is None else content(text).encode()


@pytest.fixture
def tap(monkeypatch):
    """A TAP service that gives what it is told to, and notes what it is asked."""

    class Service(BaseHTTPRequestHandler):
        def answer(self, words):
            server.asked.append((self.path.partition("?")[0], words, self.headers.get("Authorization")))
            self.send_response(server.code)
            self.send_header("Content-Type", "application/x-votable+xml")
            self.end_headers()
            self.wfile.write(server.content)

        def do_POST(self):
            self.answer(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

        def do_GET(self):
            self.answer(parse_qs(self.path.partition("?")[2]))

        def log_message(self, *args):
            pass

    for name in ("ACCESS_TOKEN", "EXTERNAL_TAP_URL"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        server.asked, server.content, server.code = [], votable(), 200
        server.url = f"http://127.0.0.1:{server.server_port}/api/tap"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def rows(catalog, selection=None):
    names = list(EXPECTED[0])
    return [row for page in catalog.read(selection or Selection()) for row in page.select(names).to_pylist()]


def close(found):
    """Positions went through radians."""
    return [row | {"ra": round(row["ra"], 10)} for row in found]


def test_a_query_is_a_catalogue(tap):
    catalog = open_tap(ADQL, tap.url)
    assert tap.asked == []
    assert close(rows(catalog)) == EXPECTED
    assert close(rows(catalog, Selection(bands=("i",)))) == EXPECTED[1:]
    assert catalog.count(Selection()) == 2
    ((path, words, token),) = tap.asked  # once, however often it is read
    assert path == "/api/tap/sync"
    assert (words["QUERY"], words["LANG"]) == ([ADQL], ["ADQL"])
    assert token is None


def test_what_pyvo_gives_is_a_table(tap):
    results = pyvo.dal.TAPService(tap.url).search(ADQL)
    for given in (results, results.to_table(), results.to_qtable()):
        (found,) = arrow_tables(given)
        assert close(found.select(list(EXPECTED[0])).to_pylist()) == EXPECTED


@pytest.mark.parametrize("variable", ["argument", "environment"])
def test_the_token_of_the_environment_is_sent_and_never_shown(tap, monkeypatch, caplog, variable):
    monkeypatch.setenv("ACCESS_TOKEN", "gt-sesame")
    monkeypatch.setenv("EXTERNAL_TAP_URL", tap.url)
    caplog.set_level(logging.DEBUG)
    rows(open_tap(ADQL, tap.url if variable == "argument" else None))
    assert tap.asked[0][2] == "Bearer gt-sesame"
    tap.code, tap.content = 401, b"wrong token gt-sesame"
    with pytest.raises(CutoutsError, match="cannot be asked") as caught:
        rows(open_tap(ADQL, tap.url))
    error, text = caught.value, caplog.text
    while error is not None:
        text, error = text + str(error), error.__cause__
    assert "sesame" not in text


def test_the_token_goes_over_encrypted_connections_only(monkeypatch, caplog):
    monkeypatch.setenv("ACCESS_TOKEN", "gt-sesame")
    with pytest.raises(CutoutsError, match="cannot be asked"):
        rows(open_tap(ADQL, "http://host.invalid/tap"))
    assert "the token of ACCESS_TOKEN is not sent" in caplog.text
    assert "sesame" not in caplog.text


def test_what_a_service_refuses_is_told_in_one_line(tap):
    tap.content = votable("ERROR", "Table dp1.DiaSauce\nis unknown")
    with pytest.raises(CutoutsError, match=r"127\.0\.0\.1.*DiaSauce is unknown") as caught:
        rows(open_tap(ADQL, tap.url))
    assert "\n" not in str(caught.value)


def test_a_result_that_was_cut_short_is_warned_of(tap, caplog):
    tap.content = votable("OVERFLOW")
    assert len(rows(open_tap(ADQL, tap.url))) == 2
    assert "gives the first 2 rows only" in caplog.text


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Log in</html>", b"\x00\x01", votable()[:-200]],
    ids=["nothing", "a web page", "bytes", "cut off"],
)
def test_an_answer_that_is_no_table_is_refused(tap, content):
    tap.content = content
    with pytest.raises(CutoutsError, match=r"cannot be (asked|used)") as caught:
        rows(open_tap(ADQL, tap.url))
    assert "\n" not in str(caught.value)


def test_an_answer_does_not_lead_elsewhere(tap):
    tap.content = votable(
        content=lambda text: text.replace(
            "<TABLEDATA>", '<BINARY><STREAM href="http://x.invalid/"/></BINARY><TABLEDATA>'
        )
    )
    with pytest.raises(CutoutsError, match="data are elsewhere"):
        rows(open_tap(ADQL, tap.url))


def test_an_unreachable_service_is_named():
    with pytest.raises(CutoutsError, match="TAP service http://localhost:1/tap cannot be asked"):
        rows(open_tap(ADQL, "http://localhost:1/tap"))
