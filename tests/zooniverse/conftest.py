import os

import pytest
from tests.zooniverse.stand_in import PASSWORD, USER, Zooniverse

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Journal, ManifestForm, OutputDirectory, Picture
from lsst.analysis.ap.zooniverse import Account, Patience

PLACE = DetectorVisit("Cam", 7, 3)


@pytest.fixture(autouse=True)
def nobody_at_home(monkeypatch, tmp_path):
    """No account of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("PANOPTES_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def zooniverse():
    server = Zooniverse().start()
    yield server
    server.stop()


@pytest.fixture
def account(zooniverse):
    return Account(zooniverse.url, USER, PASSWORD)


@pytest.fixture
def patience():
    """As much as a local server deserves."""
    return Patience(answer=5.0, first=0.002, longest=0.02, settle=0.1)


@pytest.fixture
def fill(tmp_path):
    """A function that returns a directory of pictures, as a run leaves it; again, of more pictures."""

    def make(ids, form=None, content=lambda i: b"\x89PNG" + bytes(str(i), "ascii") * 50, folder="pictures"):
        form = form or ManifestForm("panoptes", ("#visit", "#reliability"))
        directory = OutputDirectory(tmp_path / folder)
        with Journal(directory) as journal:
            for identifier in ids:
                directory.write(f"{identifier}.png", content(identifier))
            metadata = {"visit": "7", "reliability": "0.5"}
            journal.record(
                Picture(i, PLACE, f"{i}.png", len(content(i)), metadata if i % 2 else {"visit": "7"})
                for i in ids
            )
            form.write(directory, journal.pictures(), journal.add_manifest)
        return directory.path

    return make
