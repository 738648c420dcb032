import shutil
from pathlib import Path

import pytest

from lsst.analysis.ap.demo import make_demo


@pytest.fixture(scope="session")
def afw_root():
    """A butler repository that the real afw wrote; not to be written to."""
    return Path(__file__).parent / "data" / "afw" / "repo"


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A small synthetic sky: its butler repository and its APDB."""
    return make_demo(tmp_path_factory.mktemp("demo"), size=400, visits=2, detectors=2, sources_per_detector=8)


@pytest.fixture
def damaged_demo(demo, tmp_path):
    """A copy of the small sky, for tests that remove or damage its files."""
    return Path(shutil.copytree(demo.repo, tmp_path / "repo"))
