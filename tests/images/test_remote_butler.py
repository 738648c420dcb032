"""A release behind daf_butler's own server, as the Rubin Science Platform has one."""

import contextlib
import pickle
import socket
import threading
import time
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from lsst.daf.butler import Butler, Config, LabeledButlerFactory
from lsst.resources import ResourcePath

from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask
from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.images import (
    ButlerAddress,
    RepositoryDatasets,
    StampError,
    TripletReader,
    find_image_types,
)

pytest.importorskip("uvicorn", reason="a butler server needs lsst-daf-butler[server] and uvicorn")
VISITS = 2024110800245, 2024112000091
PER_VISIT = 2
"""Requests that find the coadds of a visit, beside that which finds its images:
the patches under each detector, and their datasets of each sky map."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serve(app):
    """Run an ASGI application in a thread."""
    import uvicorn

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def bucket():
    """An S3 server with a bucket, which the environment names."""
    from lsst.resources.s3utils import getS3Client
    from moto.server import ThreadedMotoServer

    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "a")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("BUTLER_RUBIN_ACCESS_TOKEN", "secret-token")
        getS3Client.cache_clear() if hasattr(getS3Client, "cache_clear") else None
        getS3Client().create_bucket(Bucket="bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="module")
def served(release, bucket, tmp_path_factory):
    """The address of the release on the server, and the requests that it gets."""
    from lsst.daf.butler.remote_butler.server import create_app
    from lsst.daf.butler.remote_butler.server._config import RepositoryConfig, mock_config
    from lsst.daf.butler.remote_butler.server._dependencies import (
        auth_delegated_token_dependency,
        butler_factory_dependency,
        reset_dependency_caches,
        user_name_dependency,
    )

    root = str(tmp_path_factory.mktemp("served"))
    Butler.makeRepo(root)
    configuration = f"{root}/butler.yaml"
    config = Config(configuration)
    config["datastore", "root"] = f"{bucket}/repo"
    config.dumpToUri(ResourcePath(configuration), overwrite=True)
    source = release.butler("release")
    names = ["visit_image", "difference_image", "template_coadd", "dia_source"]
    with Butler.from_config(root, writeable=True) as target:
        refs = source.query_all_datasets(name=names)
        target.transfer_from(
            source, refs, transfer="copy", register_dataset_types=True, transfer_dimensions=True
        )
    requests = Counter()
    with mock_config() as server_config:
        server_config.repositories = {
            "r": RepositoryConfig(config_uri=configuration, authorized_groups=["*"])
        }
        reset_dependency_caches()
        app, factory = create_app(), LabeledButlerFactory({"r": configuration})
        app.dependency_overrides[butler_factory_dependency] = lambda: factory
        app.dependency_overrides[user_name_dependency] = lambda: "me"
        app.dependency_overrides[auth_delegated_token_dependency] = lambda: "token"

        async def counted(scope, receive, send):
            if scope["type"] == "http":
                requests[scope["path"].partition("/v1/")[2].partition("/")[0]] += 1
            await app(scope, receive, send)

        with serve(counted) as address:
            yield f"{address}/api/butler/repo/r/butler.yaml", requests
    reset_dependency_caches()


def read(release, datasets, visit):
    sources = release.sources(visit)
    ra, dec = ([source[name] for source in sources] for name in ("ra", "dec"))
    return TripletReader(datasets).read(DetectorVisit("LSSTComCam", visit, 4), ra, dec, [30])


def test_stamps_are_those_of_the_repository_for_few_requests(release, served, capsys):
    uri, requests = served
    collection = "LSSTComCam/runs/DRP"
    address = ButlerAddress(uri, (collection,))
    remote, direct = address.open(), release.butler(collection)
    types = find_image_types(remote)
    assert types == find_image_types(direct)
    datasets = RepositoryDatasets(remote, types, address=address)
    requests.clear()
    datasets.prefetch(DetectorVisit("LSSTComCam", visit, 4) for visit in VISITS)
    assert requests.total() == 1, "the datasets of all visits at once"
    for visit in VISITS:
        expected = read(release, RepositoryDatasets(direct, types), visit)
        requests.clear()
        found = read(release, datasets, visit)
        for one, other in zip(found, expected, strict=True):
            if isinstance(one, StampError):
                assert isinstance(other, StampError)
                continue
            for stamp, same in zip(one[0].stamps, other[0].stamps, strict=True):
                np.testing.assert_array_equal(stamp.array, same.array)
            assert one[0].template_source == other[0].template_source
        files = requests.pop("get_file")
        with capsys.disabled():
            print(f"\nvisit {visit}: {files} files, {requests.total()} other requests {dict(requests)}")
        patches = next(v for v in release.truth["visits"] if v["visit"] == visit)["patches_used"]
        assert files == 2 + len(patches), "each file is asked for once"
        assert requests.total() <= PER_VISIT


def test_workers_open_the_server_again(release, served):
    uri, _ = served
    address = ButlerAddress(uri, ("LSSTComCam/runs/DRP",))
    remote = address.open()
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(remote)
    datasets = RepositoryDatasets(remote, find_image_types(remote), address=address)
    again = pickle.loads(pickle.dumps(datasets))
    data_id = DetectorVisit("LSSTComCam", VISITS[0], 4)
    assert again.find("science", data_id).ref == datasets.find("science", data_id).ref


def test_a_run_in_two_processes_gives_the_pictures_of_the_repository(release, served, tmp_path):
    uri, _ = served
    collection = "LSSTComCam/runs/DRP"
    rows = [
        {"diaSourceId": s["diaSourceId"], "visit": v, "detector": 4, "ra": s["ra"], "dec": s["dec"]}
        for v in VISITS
        for s in release.sources(v)[:6]
    ]
    table = pa.Table.from_pylist(rows)
    task = ZooniverseCutoutsTask.from_repository(uri, collection, sizes=[60], showNeighbours=["sources"])
    result = task.run(table, tmp_path / "remote", jobs=2)
    config = ZooniverseCutoutsConfig()
    config.update(sizes=[60], showNeighbours=["sources"])
    direct = ZooniverseCutoutsTask(config, butler=release.butler(collection)).run(table, tmp_path / "direct")
    assert result.written == direct.written
    assert len(result.written) >= 10
    for identifier in result.written:
        name = f"{identifier}.png"
        assert (tmp_path / "remote" / name).read_bytes() == (tmp_path / "direct" / name).read_bytes()


def test_nothing_secret_is_in_a_reason(release, served):
    uri, _ = served
    remote = ButlerAddress(uri, ("LSSTComCam/runs/DRP",)).open()
    datasets = RepositoryDatasets(remote, find_image_types(remote))
    ref = datasets.find("science", DetectorVisit("LSSTComCam", VISITS[0], 4)).ref
    path = remote.getURI(ref)
    from lsst.resources.s3utils import getS3Client

    getS3Client().delete_object(Bucket="bucket", Key=path.path.removeprefix("/bucket/"))
    reason = str(read(release, datasets, VISITS[0])[0])
    assert ref.datasetType.name in reason
    assert "Signature" not in reason
    assert "secret-token" not in reason
