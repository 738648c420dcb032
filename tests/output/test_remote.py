"""Output directories behind a URI: servers of S3 and of WebDAV on this machine."""

import pickle
import threading
import uuid

import boto3
import pytest
from cheroot.wsgi import Server
from lsst.resources import ResourcePath
from moto.server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp

from lsst.analysis.ap.domain import CutoutsError, DetectorVisit
from lsst.analysis.ap.output import (
    Journal,
    ManifestForm,
    OutputDirectory,
    Picture,
    open_directory,
    open_existing,
)

PLACE = DetectorVisit("Cam", 7, 3)


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def webdav_server(tmp_path_factory):
    folder, closed = (str(tmp_path_factory.mktemp(name)) for name in ("webdav", "closed"))
    config = {
        "provider_mapping": {"/": folder, "/closed": {"root": closed, "readonly": True}},
        "simple_dc": {"user_mapping": {"*": True}},
        "logging": {"enable": False},
    }
    server = Server(("127.0.0.1", 0), WsgiDAVApp(config))
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield f"http://127.0.0.1:{server.bind_addr[1]}"
    server.stop()
    thread.join()


@pytest.fixture(params=["s3", "webdav"])
def place(request, monkeypatch):
    """An empty place on a server."""
    name = f"b{uuid.uuid4().hex}"
    if request.param == "webdav":
        return f"{request.getfixturevalue('webdav_server')}/{name}"
    server = request.getfixturevalue("s3_server")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("S3_ENDPOINT_URL", server)
    boto3.client("s3", endpoint_url=server).create_bucket(Bucket=name)
    return f"s3://{name}"


def objects(uri):
    root = ResourcePath(uri, forceDirectory=True)
    return {str(f.relative_to(root)): f.read() for f in ResourcePath.findFileResources([root])}


def test_files_arrive_whole_and_leave_nothing_here(place):
    with open_directory(f"{place}/run") as directory:
        with directory.open("0/1.png") as stream:
            stream.write(b"half")
            assert objects(place) == {}
            stream.write(b" and half")
        assert objects(place) == {"run/0/1.png": b"half and half"}
        assert not [path for path in directory.path.rglob("*") if path.is_file()]
        staging = directory.path
    assert not staging.exists()


def test_files_are_found_and_removed(place):
    names = [f"{folder}{number}.png" for folder in ("", "0-9/") for number in range(3)]
    with open_directory(f"{place}/run") as directory:
        for name in names:
            directory.write(name, b"abc")
        assert directory.present(dict.fromkeys([*names, "absent.png"], 3)) == set(names)
        directory.remove([*names[1:], "absent.png"])
        assert directory.present(dict.fromkeys(names, 3)) == set(names[:1])


def test_a_run_does_not_overwrite_the_journal_of_another(place):
    picture = Picture(1, PLACE, "1.png", 3)
    with open_directory(f"{place}/run") as mine:
        journal = Journal(mine)
        with open_directory(f"{place}/run") as directory, Journal(directory) as others:
            others.record([picture])
        with pytest.raises(CutoutsError, match="Another run is writing"), journal:
            journal.record([Picture(2, PLACE, "2.png", 3)])
    with open_directory(f"{place}/run") as directory, Journal(directory) as journal:
        assert list(journal.pictures()) == [picture]


def test_the_journal_is_sent_when_a_run_ends_with_an_error(place):
    picture = Picture(1, PLACE, "1.png", 3)

    def fail():
        with open_directory(f"{place}/run") as directory, Journal(directory) as journal:
            journal.begin_run({})
            journal.record([Picture(2, PLACE, "2.png", 3)])  # is sent at once
            journal.record([picture])  # waits to be sent
            raise CutoutsError("no more sources")

    with pytest.raises(CutoutsError, match="no more sources"):
        fail()
    with open_directory(f"{place}/run") as directory, Journal(directory) as journal:
        assert picture in journal.pictures()


def test_the_journal_is_there_for_the_next_run(place):
    picture = Picture(1, PLACE, "1.png", 3, {"ra": "1.5"})
    for _ in range(2):
        with open_directory(f"{place}/run") as directory, Journal(directory) as journal:
            before = list(journal.pictures())
            journal.record([picture])
    assert before == [picture]


def test_another_process_writes_to_the_same_directory(place):
    with open_directory(f"{place}/run") as directory:
        pickle.loads(pickle.dumps(directory)).write("1.png", b"abc")
        assert directory.path.is_dir()
        assert objects(place) == {"run/1.png": b"abc"}


def test_what_the_server_refuses_is_named(place):
    scheme, _, rest = place.partition("://")
    place = "s3://no-such-bucket" if scheme == "s3" else f"{scheme}://{rest.partition('/')[0]}/closed"
    with (
        open_directory(f"{place}/run") as directory,
        pytest.raises(CutoutsError, match=rf"Cannot write {place}/run/1\.png"),
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


def test_a_run_to_a_server_gives_the_same_files_as_into_a_folder(demo, place, tmp_path):
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsTask
    from lsst.analysis.ap.sources import Selection, SqlApdb

    (sources,) = SqlApdb.from_sqlite(demo.apdb).read(Selection(limit=40))
    task = ZooniverseCutoutsTask(butler=Butler.from_config(demo.repo, collections=demo.collection))
    task.run(sources, tmp_path)
    expected = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix in (".png", ".csv")}
    half = task.run(sources.slice(0, 20), f"{place}/run")
    result = task.run(sources, f"{place}/run", jobs=2)
    assert result.skipped == half.written
    found = objects(f"{place}/run")
    assert {name: found[name] for name in found if name.endswith((".png", ".csv"))} == expected


def test_what_a_run_left_on_a_server_is_read_and_not_made(place):
    with pytest.raises(CutoutsError, match="is no directory of pictures"), open_existing(place):
        pass
    with open_directory(place) as directory, Journal(directory) as journal:
        directory.write("7.png", b"picture")
        journal.record([Picture(7, PLACE, "7.png", 7)])
        ManifestForm("panoptes", ()).write(directory, journal.pictures(), journal.add_manifest)
    with open_existing(place) as (directory, journal):
        (name,) = journal.manifests()
        assert directory.has(name)
        assert not directory.has("manifest-001.csv")
        assert directory.read(name) == b"filename,diaSourceId\n7.png,7\n"
        assert directory.read("7.png") == b"picture"
        with pytest.raises(CutoutsError, match=r"Cannot read .*8\.png"):
            directory.read("8.png")
