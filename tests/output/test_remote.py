"""Output directories behind a URI: a server of the S3 protocol on this machine."""

import pickle
import uuid

import boto3
import pytest
from lsst.resources import ResourcePath
from moto.server import ThreadedMotoServer

from lsst.analysis.ap.domain import CutoutsError, DetectorVisit
from lsst.analysis.ap.output import Journal, OutputDirectory, Picture, open_directory

PLACE = DetectorVisit("Cam", 7, 3)


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("S3_ENDPOINT_URL", server)
    name = f"b{uuid.uuid4().hex}"
    boto3.client("s3", endpoint_url=server).create_bucket(Bucket=name)
    return f"s3://{name}"


def objects(uri):
    root = ResourcePath(uri, forceDirectory=True)
    return {str(f.relative_to(root)): f.read() for f in ResourcePath.findFileResources([root])}


def test_files_arrive_whole_and_leave_nothing_here(bucket):
    with open_directory(f"{bucket}/run") as directory:
        with directory.open("0/1.png") as stream:
            stream.write(b"half")
            assert objects(bucket) == {}
            stream.write(b" and half")
        assert objects(bucket) == {"run/0/1.png": b"half and half"}
        assert not [path for path in directory.path.rglob("*") if path.is_file()]
        staging = directory.path
    assert not staging.exists()


def test_files_are_found_measured_and_removed(bucket):
    with open_directory(f"{bucket}/run") as directory:
        for name in ("manifest.csv", "5/manifest.csv", "1.png"):
            directory.write(name, b"abc")
        assert directory.find("manifest*.csv") == {"manifest.csv", "5/manifest.csv"}
        assert (directory.size("1.png"), directory.size("2.png")) == (3, None)
        for name in ("1.png", "2.png"):
            directory.remove(name)
        assert directory.size("1.png") is None


def test_the_journal_is_there_for_the_next_run(bucket):
    picture = Picture(1, PLACE, "1.png", 3, {"ra": "1.5"})
    for _ in range(2):
        with open_directory(f"{bucket}/run") as directory, Journal(directory) as journal:
            before = list(journal.pictures())
            journal.record([picture])
    assert before == [picture]


def test_another_process_writes_to_the_same_directory(bucket):
    with open_directory(f"{bucket}/run") as directory:
        pickle.loads(pickle.dumps(directory)).write("1.png", b"abc")
        assert directory.path.is_dir()
        assert objects(bucket) == {"run/1.png": b"abc"}


def test_what_the_server_refuses_is_named(bucket):
    with (
        open_directory("s3://no-such-bucket/run") as directory,
        pytest.raises(CutoutsError, match=r"Cannot write s3://no-such-bucket/run/1\.png"),
    ):
        directory.write("1.png", b"abc")


def test_paths_and_file_uris_are_local(tmp_path):
    for place in (tmp_path / "a", str(tmp_path / "a"), (tmp_path / "a").as_uri()):
        with open_directory(place) as directory:
            assert type(directory) is OutputDirectory
            assert directory.path == tmp_path / "a"


def test_a_uri_of_an_unknown_kind_is_refused():
    with pytest.raises(CutoutsError, match="gopher://host/x cannot be used"):
        open_directory("gopher://host/x")


def test_a_run_into_a_bucket_gives_the_same_files_as_into_a_folder(demo, bucket, tmp_path):
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsTask
    from lsst.analysis.ap.sources import Selection, SqlApdb

    (sources,) = SqlApdb.from_sqlite(demo.apdb).read(Selection(limit=40))
    task = ZooniverseCutoutsTask(butler=Butler.from_config(demo.repo, collections=demo.collection))
    task.run(sources, tmp_path)
    expected = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix in (".png", ".csv")}
    half = task.run(sources.slice(0, 20), f"{bucket}/run")
    result = task.run(sources, f"{bucket}/run", jobs=2)
    assert result.skipped == half.written
    found = objects(f"{bucket}/run")
    assert {name: found[name] for name in found if name.endswith((".png", ".csv"))} == expected
