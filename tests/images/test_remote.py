"""Images behind a network: few requests, few bytes, and no half answers."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from lsst.daf.butler import Butler, Config
from lsst.resources import ResourcePath

from lsst.analysis.ap.domain import Box, DetectorVisit
from lsst.analysis.ap.images import ImageFileError, ImageTypes, RepositoryDatasets, StampError, TripletReader
from lsst.analysis.ap.images.fits import _remote
from lsst.analysis.ap.images.fits._remote import RemoteBytes

DETECTOR = DetectorVisit("SmallCam", 7, 3)
TYPES = ImageTypes("preliminary_visit_image", "template_detector", "difference_image")


class Server:
    """Serves the files of a directory and counts what it sends."""

    def __init__(self, root):
        self.root = root
        self.gets = []
        self.sent = 0
        self.has_ranges = True
        self.drops = 0
        """Answers to cut in the middle before the next whole one."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, body, status=200, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_OPTIONS(self):
                self.answer(b"", Content_Length="0")

            def do_HEAD(self):
                path = server.root / self.path.partition("?")[0].lstrip("/")
                if not path.is_file():
                    return self.answer(b"", 404, Content_Length="0")
                ranges = "bytes" if server.has_ranges else "none"
                return self.answer(b"", Content_Length=str(path.stat().st_size), Accept_Ranges=ranges)

            def do_GET(self):
                path = server.root / self.path.partition("?")[0].lstrip("/")
                if not path.is_file():
                    return self.answer(b"", 404, Content_Length="0")
                data = whole = path.read_bytes()
                asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                headers, status = {}, 200
                if asked and server.has_ranges:
                    start, stop = int(asked[1]), int(asked[2] or len(whole) - 1) + 1
                    data, status = whole[start:stop], 206
                    headers["Content_Range"] = f"bytes {start}-{start + len(data) - 1}/{len(whole)}"
                headers["Content_Length"] = str(len(data))
                server.gets.append(len(data))
                if server.drops:
                    server.drops -= 1
                    self.close_connection = True
                    data = data[: len(data) // 2]
                server.sent += len(data)
                return self.answer(data, status, **headers)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(_remote, "PAUSE", 0.01)


@pytest.fixture(scope="module")
def large_repo(make_small_repo):
    return make_small_repo(side=1200)


@pytest.fixture
def remote_repo(large_repo, server):
    """A repository whose registry is here and whose files are there."""
    server.root = large_repo.root
    config = Config(str(large_repo.root / "butler.yaml"))
    config["root"] = str(large_repo.root)
    config["datastore", "root"] = server.url
    with Butler.from_config(config, collections="small") as butler:
        yield large_repo, butler, server


def file_sizes(butler):
    refs = [
        butler.find_dataset(name, instrument="SmallCam", visit=7, detector=3)
        for name in (TYPES.science, TYPES.template, TYPES.difference)
    ]
    return [butler.getURI(ref).size() for ref in refs]


def test_few_sources_cost_few_ranges(remote_repo):
    repo, butler, server = remote_repo
    (result,) = TripletReader(RepositoryDatasets(butler, TYPES)).read(
        DETECTOR, *repo.sky([650.0], [540.2]), [31]
    )
    box = Box.from_center(650.0, 540.2, 31)
    expected = repo.arrays["difference"][box.slices_within(Box(200, 1400, 100, 1300))]
    np.testing.assert_array_equal(result[0].difference.array, expected)
    gets, sent = len(server.gets), server.sent
    assert gets <= 3 * 4, "for each image: its head, its tail and the tiles"
    assert sent < 0.25 * sum(file_sizes(butler))


def test_many_sources_cost_one_download(remote_repo):
    repo, butler, server = remote_repo
    x, y = np.random.default_rng(1).uniform(30, 1170, (2, 300))
    results = TripletReader(RepositoryDatasets(butler, TYPES)).read(
        DETECTOR, *repo.sky(x + 200, y + 100), [30]
    )
    for result in results:
        box = result[0].science.box
        expected = repo.arrays["science"][box.slices_within(Box(200, 1400, 100, 1300))]
        np.testing.assert_array_equal(result[0].science.array, expected)
    gets, sent = server.gets, server.sent
    sizes = file_sizes(butler)
    assert [size for size in gets if size in sizes] == sizes
    assert sent < 1.3 * sum(sizes)


@pytest.mark.usefixtures("quick")
def test_dropped_connections_are_tried_again(remote_repo):
    repo, butler, server = remote_repo
    server.drops = 2
    (result,) = TripletReader(RepositoryDatasets(butler, TYPES)).read(
        DETECTOR, *repo.sky([650.0], [540.2]), [31]
    )
    assert isinstance(result, tuple)


@pytest.mark.usefixtures("quick")
def test_a_connection_that_stays_dropped_is_a_clear_failure(remote_repo):
    repo, butler, server = remote_repo
    server.drops = 10**6
    (result,) = TripletReader(RepositoryDatasets(butler, TYPES)).read(
        DETECTOR, *repo.sky([650.0], [540.2]), [31]
    )
    assert isinstance(result, StampError)
    assert f"science image: {server.url}/small/preliminary_visit_image/" in str(result)
    assert "cannot be read" in str(result)


def test_a_missing_file_is_named(remote_repo, tmp_path):
    repo, butler, server = remote_repo
    server.root = tmp_path
    (result,) = TripletReader(RepositoryDatasets(butler, TYPES)).read(
        DETECTOR, *repo.sky([650.0], [540.2]), [31]
    )
    assert f"science image: {server.url}/" in str(result)
    assert "preliminary_visit_image_SmallCam" in str(result)
    assert "cannot be read: FileNotFoundError" in str(result)


def test_servers_without_ranges_do_too(server, tmp_path):
    server.has_ranges = False
    data = np.random.default_rng(1).bytes(600_000)
    (tmp_path / "file.fits").write_bytes(data)
    source = RemoteBytes(ResourcePath(f"{server.url}/file.fits"))
    assert source.size == len(data)
    assert source.read(500_000, 500_010) == data[500_000:500_010]
    source.close()


def test_small_reads_near_each_other_are_one_request(server, tmp_path):
    data = np.random.default_rng(1).bytes(2_000_000)
    (tmp_path / "file.fits").write_bytes(data)
    source = RemoteBytes(ResourcePath(f"{server.url}/file.fits"))
    for start in range(1_000_000, 1_200_000, 2880):
        assert source.read(start, start + 2880) == data[start : start + 2880]
    assert len(server.gets) == 2


def test_secrets_in_urls_stay_secret(server, tmp_path):
    (tmp_path / "file.fits").write_bytes(b"")
    with pytest.raises(ImageFileError) as caught:
        RemoteBytes(ResourcePath(f"{server.url}/other.fits?X-Amz-Signature=secret"))
    assert "secret" not in str(caught.value)
    assert "other.fits" in str(caught.value)


def test_object_stores_do_too(server, tmp_path, monkeypatch):
    pytest.importorskip("boto3")
    monkeypatch.setenv("S3_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    data = np.random.default_rng(1).bytes(2_000_000)
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "file.fits").write_bytes(data)
    source = RemoteBytes(ResourcePath("s3://bucket/file.fits"))
    assert source.name == "s3://bucket/file.fits"
    assert source.size == len(data)
    assert source.read(1_500_000, 1_500_010) == data[1_500_000:1_500_010]
    assert source.read(7, 7) == b""
    assert len(server.gets) == 2
    source.plan(3, len(data))
    assert source.read(5, 1_900_000) == data[5:1_900_000]
    source.close()
    with pytest.raises(ImageFileError, match=r"s3://bucket/other\.fits: cannot be read: FileNotFoundError"):
        RemoteBytes(ResourcePath("s3://bucket/other.fits"))
