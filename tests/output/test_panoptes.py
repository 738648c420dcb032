"""The manifest through the real reader: panoptescli, talking to a server that stands in for Zooniverse."""

import http.server
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import ManifestForm, OutputDirectory, Picture, picture_path

PANOPTES = Path(sys.prefix, "panoptes", "bin", "panoptes")
PLACE = DetectorVisit("Cam", 7, 3)

pytestmark = pytest.mark.skipif(not PANOPTES.exists(), reason="panoptescli is not installed beside the tests")


class Zooniverse(http.server.BaseHTTPRequestHandler):
    """As much of the Panoptes API as creating subjects needs."""

    def log_message(self, *_):
        pass

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, server = self.path.partition("?")[0], self.server
        status, answer = 200, {}
        if self.command == "PUT":
            server.uploads.append(body)
        elif path == "/oauth/token":
            answer = {"access_token": "a", "refresh_token": "r", "expires_in": 7200, "token_type": "Bearer"}
        elif path == "/users/sign_in":
            answer = {"users": [{"id": "7", "login": "me"}]}
        elif path.startswith("/api/subject_sets"):
            answer = {"subject_sets": [{"id": "55", "metadata": {}, "links": {"project": "1"}}]}
        elif path.startswith("/api/projects"):
            answer = {"projects": [{"id": "1", "configuration": {}, "links": {}}]}
        elif path == "/api/subjects":
            subject = json.loads(body)["subjects"]
            server.subjects.append(subject)
            url = f"http://127.0.0.1:{server.server_port}/upload"
            places = [{kind: url} if isinstance(kind, str) else kind for kind in subject["locations"]]
            links = {"project": "1"}
            status, answer = 201, {"subjects": [{"id": "9", "locations": places, "links": links}]}
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/vnd.api+json; version=1",
            "ETag": 'W/"x"',
            "X-CSRF-Token": "token",
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer


@pytest.fixture
def zooniverse():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Zooniverse)
    server.uploads, server.subjects = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def png(shade):
    """Return a small picture; panoptes looks into files for their kind."""
    stream = io.BytesIO()
    Image.new("L", (4, 4), shade).save(stream, "png")
    return stream.getvalue()


def upload(server, manifest, home, *options):
    (home / ".panoptes").mkdir()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    (home / ".panoptes" / "config.yml").write_text(f"endpoint: {endpoint}\nusername: me\npassword: secret\n")
    done = subprocess.run(
        [PANOPTES, "subject-set", "upload-subjects", *options, "55", manifest],
        env={**os.environ, "HOME": str(home), "PANOPTES_ENDPOINT": endpoint},
        input="n\n",
        text=True,
        check=False,
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=[None, 1])
def pictures(request):
    """The first one lacks a value, on which panoptescli would stumble."""
    paths = {number: picture_path(number, request.param) for number in (11, 12)}
    return [
        Picture(11, PLACE, paths[11], 1, {"visit": "7"}),
        Picture(12, PLACE, paths[12], 1, {"visit": "7", "reliability": "0.5"}),
    ]


def test_local_pictures_become_subjects_with_their_metadata(zooniverse, pictures, tmp_path):
    directory = OutputDirectory(tmp_path / "pictures")
    for picture in pictures:
        directory.write(picture.path, png(picture.diaSourceId))
    (name,) = ManifestForm("panoptes", ("#visit", "#reliability")).write(directory, pictures, [].append)
    upload(zooniverse, directory.path / name, tmp_path)
    found = sorted((s["metadata"]["diaSourceId"], s["locations"], s["metadata"]) for s in zooniverse.subjects)
    assert found == [
        (
            "11",
            ["image/png"],
            {"filename": pictures[0].path, "diaSourceId": "11", "#visit": "7", "#reliability": "null"},
        ),
        (
            "12",
            ["image/png"],
            {"filename": pictures[1].path, "diaSourceId": "12", "#visit": "7", "#reliability": "0.5"},
        ),
    ]
    assert sorted(zooniverse.uploads) == sorted([png(11), png(12)])


def test_hosted_pictures_become_subjects_that_point_to_them(zooniverse, pictures, tmp_path):
    directory = OutputDirectory(tmp_path / "pictures")
    (name,) = ManifestForm("hosted", ("#visit",), "https://host/run").write(directory, pictures, [].append)
    upload(zooniverse, directory.path / name, tmp_path, "-r", "2")
    assert sorted(s["locations"][0]["image/png"] for s in zooniverse.subjects) == [
        f"https://host/run/{picture.path}" for picture in pictures
    ]
    assert zooniverse.uploads == []
