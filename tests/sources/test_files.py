import gzip
import http.server
import threading
import time

import astropy.table
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.sources.reading import read_catalog

from lsst.analysis.ap.domain import CutoutsError


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "diaSourceId": [506428274000265570, 506428274000266579],
            "visit": [1, 1],
            "detector": [4, 5],
            "ra": [10.25, 20.5],
            "dec": [-1.0, -2.0],
            "isDipole": [True, False],
            "band": ["r", "g"],
        }
    )


WRITERS = {
    "c.parquet": lambda frame, path: frame.to_parquet(path),
    "c.csv": lambda frame, path: frame.to_csv(path, index=False),
    "c.ecsv": lambda frame, path: astropy.table.Table.from_pandas(frame).write(path),
    "c.fits": lambda frame, path: astropy.table.Table.from_pandas(frame).write(path),
    "c.vot": lambda frame, path: astropy.table.Table.from_pandas(frame).write(path, format="votable"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_rows(frame, tmp_path, name):
    path = tmp_path / name
    WRITERS[name](frame, path)
    assert read_catalog(path).select(list(frame)).to_pylist() == frame.to_dict("records")


def test_identifiers_that_pandas_keeps_as_a_range_are_there(frame, tmp_path):
    """An index of equal steps is not written as a column."""
    several = pd.concat([frame] * 3, ignore_index=True).assign(diaSourceId=range(2**62 + 9, 2**62 - 9, -3))
    several.set_index("diaSourceId").to_parquet(tmp_path / "c.parquet", row_group_size=4)
    assert "diaSourceId" not in pq.read_schema(tmp_path / "c.parquet").names
    found = read_catalog(tmp_path / "c.parquet")
    assert sorted(found["diaSourceId"].to_pylist()) == sorted(several["diaSourceId"])
    places = dict(zip(found["diaSourceId"].to_pylist(), found["ra"].to_pylist(), strict=True))
    assert places == dict(zip(several["diaSourceId"], several["ra"], strict=True))


def test_a_tilde_is_the_home_directory(frame, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    frame.to_csv(tmp_path / "c.csv", index=False)
    assert len(read_catalog("~/c.csv")) == len(frame)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CutoutsError, match=r"no catalogue .*nowhere\.csv"):
        read_catalog(tmp_path / "nowhere.csv")


def test_a_missing_column_names_the_file(frame, tmp_path):
    frame.drop(columns="ra").to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(CutoutsError, match=r"c\.csv: .*no column 'ra'"):
        read_catalog(tmp_path / "c.csv")


@pytest.mark.parametrize("name", WRITERS)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x00not what it says\xff")
    with pytest.raises(CutoutsError, match=name):
        read_catalog(path)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    path = tmp_path / "c.xlsx"
    path.touch()
    with pytest.raises(CutoutsError, match=r"\.parquet, .*\.csv"):
        read_catalog(path)


@pytest.mark.parametrize("name", ["c.csv", "c.ecsv", "c.fits", "c.vot", "c.parquet"])
def test_files_compressed_with_gzip_are_read(frame, tmp_path, name):
    WRITERS[name](frame, tmp_path / name)
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    for place in (path, path.as_uri()):
        assert read_catalog(place).select(list(frame)).to_pylist() == frame.to_dict("records")


def test_a_file_that_expands_without_end_is_refused(tmp_path):
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(bytes(100 * 2**20), 1))
    with pytest.raises(CutoutsError, match="expands to over 64 MiB"):
        read_catalog(tmp_path / "c.csv.gz")


def test_a_truncated_gzip_file_is_named(frame, tmp_path):
    frame.to_csv(tmp_path / "c.csv")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress((tmp_path / "c.csv").read_bytes())[:-20])
    with pytest.raises(CutoutsError, match=r"c\.csv\.gz .*cannot be decompressed"):
        read_catalog(tmp_path / "c.csv.gz")


STREAMS = {
    "FITS": '<{}STREAM href="{}"/>',
    "BINARY": '<{}STREAM href="{}" encoding="base64"/>',
}


@pytest.mark.parametrize("prefix", ["", "v:"])
@pytest.mark.parametrize("kind", STREAMS)
def test_a_votable_reads_nothing_but_its_own_file(tmp_path, kind, prefix, http_server):
    href = f"{http_server.url}/secret"
    stream = STREAMS[kind].format(prefix, href)
    tags = {
        "VOTABLE": f'VOTABLE version="1.3" xmlns{":v" if prefix else ""}="http://www.ivoa.net/xml/VOTable/v1.3"'
    }
    text = f"<{prefix}{tags['VOTABLE']}><{prefix}RESOURCE><{prefix}TABLE>"
    text += "".join(f'<{prefix}FIELD name="{n}" datatype="double"/>' for n in ("diaSourceId", "ra", "dec"))
    text += f"<{prefix}DATA><{prefix}{kind}>{stream}</{prefix}{kind}></{prefix}DATA></{prefix}TABLE>"
    (tmp_path / "c.vot").write_text(text + f"</{prefix}RESOURCE></{prefix}VOTABLE>")
    with pytest.raises(CutoutsError, match=f"data are elsewhere, at {href}") as caught:
        read_catalog(tmp_path / "c.vot")
    assert "\n" not in str(caught.value)
    assert http_server.asked == []


@pytest.fixture
def http_server():
    """A server that notes what it is asked for."""

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        server.asked, server.url = [], f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def as_text(change, name):
    def write(frame, path):
        WRITERS[name](frame, path)
        path.write_bytes(change(path.read_bytes()))

    return write


ONE_BAD_CELL = {
    "c.csv": as_text(lambda data: data.replace(b"10.25", b"03:32:34"), "c.csv"),
    "c.ecsv": as_text(lambda data: data.replace(b"10.25", b"03:32:34"), "c.ecsv"),
    "c.vot": as_text(lambda data: data.replace(b"10.25", b"03:32:34"), "c.vot"),
    "c.parquet": lambda frame, path: frame.assign(ra=["03:32:34", "20.5"]).to_parquet(path),
    "c.fits": lambda frame, path: astropy.table.Table.from_pandas(frame.assign(ra=["x", "20.5"])).write(path),
}


@pytest.mark.parametrize("name", ONE_BAD_CELL)
def test_one_bad_cell_of_a_file_leaves_the_other_rows(frame, tmp_path, name):
    ONE_BAD_CELL[name](frame, tmp_path / name)
    rows = read_catalog(tmp_path / name).select(list(frame)).to_pylist()
    assert rows[0] == frame.to_dict("records")[0] | {"ra": None}
    assert rows[1] == frame.to_dict("records")[1]


@pytest.mark.parametrize(("field", "value"), [("TFIELDS", 10**6), ("NAXIS2", 2**40), ("NAXIS1", 2**40)])
def test_counts_of_a_fits_header_are_believed_within_bounds(frame, tmp_path, field, value):
    path = tmp_path / "c.fits"
    WRITERS["c.fits"](frame, path)
    data = path.read_bytes()
    place = data.index(f"{field:8}=".encode(), 2880)
    path.write_bytes(data[: place + 10] + f"{value:20}".encode() + data[place + 30 :])
    began = time.monotonic()
    with pytest.raises(CutoutsError, match=r"c\.fits cannot be read as fits: "):
        read_catalog(path)
    assert time.monotonic() - began < 2


def test_counts_of_a_votable_are_believed_within_bounds(frame, tmp_path):
    WRITERS["c.vot"](frame, tmp_path / "c.vot")
    text = (tmp_path / "c.vot").read_text()
    for wrong in (
        text.replace('arraysize="1"', 'arraysize="999999999"'),
        text.replace("<TABLE>", '<TABLE nrows="9999999999">'),
    ):
        assert wrong != text
        (tmp_path / "c.vot").write_text(wrong)
        with pytest.raises(CutoutsError, match="it declares"):
            read_catalog(tmp_path / "c.vot")


@pytest.fixture
def hats(frame, tmp_path):
    """A catalogue as hats-import lays it out, in a collection with a margin."""
    root = tmp_path / "collection" / "sources"
    for pixel, row in enumerate(frame.index):
        folder = root / "dataset" / "Norder=2" / "Dir=0"
        folder.mkdir(parents=True, exist_ok=True)
        frame.loc[[row]].to_parquet(folder / f"Npix={pixel}.parquet")
    frame.head(1).to_parquet(root / "dataset" / "data_thumbnail.parquet")
    (root / "dataset" / "_metadata").write_bytes(b"not read")
    (root / "partition_info.csv").write_text("Norder,Npix\n2,0\n2,1\n")
    (root / "hats.properties").write_text("obs_collection=sources\ncatalog_type=source\n")
    margin = tmp_path / "collection" / "sources_margin" / "dataset"
    margin.mkdir(parents=True)
    frame.to_parquet(margin / "Npix=0.parquet")
    (tmp_path / "collection" / "collection.properties").write_text(
        "obs_collection = c\nhats_primary_table_url = sources\nall_margins = sources_margin\n"
    )
    return tmp_path / "collection"


@pytest.mark.parametrize("place", ["sources", "sources/dataset", "."])
def test_a_hats_catalogue_is_read_once(frame, hats, place):
    for path in (hats / place, f"{(hats / place).as_uri()}/"):
        table = read_catalog(path)
        assert table.select(list(frame)).to_pylist() == frame.to_dict("records")


def test_a_folder_without_tables_says_so(tmp_path):
    (tmp_path / "readme.txt").write_text("no table")
    with pytest.raises(CutoutsError, match=r"no file with the suffix \.parquet"):
        read_catalog(tmp_path)
