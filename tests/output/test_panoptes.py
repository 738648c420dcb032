"""The manifest through the real reader: panoptescli, talking to a server that stands in for Zooniverse."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.zooniverse.stand_in import PASSWORD, SUBJECT_SET, USER, Zooniverse

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import ManifestForm, OutputDirectory, Picture, PictureNames, panel_path

PANOPTES = Path(sys.prefix, "panoptes", "bin", "panoptes")
PLACE = DetectorVisit("Cam", 7, 3)

pytestmark = pytest.mark.skipif(not PANOPTES.exists(), reason="panoptescli is not installed beside the tests")


@pytest.fixture
def zooniverse():
    server = Zooniverse().start()
    yield server
    server.stop()


def png(shade):
    """Return a small picture; panoptes looks into files for their kind."""
    stream = io.BytesIO()
    Image.new("L", (4, 4), shade).save(stream, "png")
    return stream.getvalue()


def upload(server, manifest, home, *options):
    """Upload a manifest, and return the subjects in the order of their identifiers."""
    (home / ".panoptes").mkdir()
    words = f"endpoint: {server.url}\nusername: {USER}\npassword: {PASSWORD}\n"
    (home / ".panoptes" / "config.yml").write_text(words)
    done = subprocess.run(
        [PANOPTES, "subject-set", "upload-subjects", *options, str(SUBJECT_SET), manifest],
        env={**os.environ, "HOME": str(home), "PANOPTES_ENDPOINT": server.url},
        input="n\n",
        text=True,
        check=False,
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(server.in_set(), key=lambda subject: subject.metadata["diaSourceId"])


@pytest.fixture(params=[None, 1])
def pictures(request):
    """The first one lacks a value, on which panoptescli would stumble."""
    paths = {number: PictureNames(request.param).path(number) for number in (11, 12)}
    return [
        Picture(11, PLACE, paths[11], 1, {"visit": "7"}),
        Picture(12, PLACE, paths[12], 1, {"visit": "7", "reliability": "0.5"}),
    ]


@pytest.fixture
def directory(tmp_path):
    return OutputDirectory(tmp_path / "pictures")


def test_local_pictures_become_subjects_with_their_metadata(zooniverse, pictures, directory, tmp_path):
    for picture in pictures:
        directory.write(picture.path, png(picture.diaSourceId))
    (name,) = ManifestForm("panoptes", ("#visit", "#reliability")).write(directory, pictures, [].append)
    first, second = upload(zooniverse, directory.path / name, tmp_path)
    paths = [picture.path for picture in pictures]
    own = {"#visit": "7", "#reliability": "null"}
    assert first.metadata == {"filename": paths[0], "diaSourceId": "11", **own}
    assert second.metadata == {"filename": paths[1], "diaSourceId": "12", **own, "#reliability": "0.5"}
    assert zooniverse.contents(first) == [png(11)]
    assert zooniverse.contents(second) == [png(12)]


def test_frames_become_one_subject(zooniverse, pictures, directory, tmp_path):
    for picture in pictures:
        for number, panel in enumerate(("template", "science")):
            directory.write(panel_path(picture.path, panel), png(picture.diaSourceId + number))
    form = ManifestForm("panoptes", ("#visit",), frames=("template", "science"))
    (name,) = form.write(directory, pictures, [].append)
    first, second = upload(zooniverse, directory.path / name, tmp_path)
    assert zooniverse.contents(first) == [png(11), png(12)]
    assert zooniverse.contents(second) == [png(12), png(13)]


def test_hosted_pictures_become_subjects_that_point_to_them(zooniverse, pictures, directory, tmp_path):
    form = ManifestForm("panoptes", ("#visit",), "https://host/run", frames=("template", "science"))
    (name,) = form.write(directory, pictures, [].append)
    for picture, subject in zip(
        pictures, upload(zooniverse, directory.path / name, tmp_path, "-r", "1", "-r", "2"), strict=True
    ):
        urls = [f"https://host/run/{panel_path(picture.path, panel)}" for panel in ("template", "science")]
        assert subject.locations == [("image/png", url) for url in urls]
        assert subject.metadata["#url"] == urls[0]
    assert not zooniverse.media
