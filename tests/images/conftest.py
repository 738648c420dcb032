import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from lsst.daf.butler import Butler

from lsst.analysis.ap.domain import DetectorVisit

AFW = Path(__file__).parents[1] / "data" / "afw"
MORE_AFW = Path(__file__).parents[2].parent / "shared" / "data" / "afw"

AFW_DETECTOR = DetectorVisit("LSSTCam", 123456, 94)


@dataclass
class AfwSources:
    """The sources whose stamps afw itself recorded."""

    ids: list
    kinds: list
    ra: np.ndarray
    dec: np.ndarray
    x: np.ndarray
    y: np.ndarray
    cutouts: dict
    mask_planes: dict

    def index(self, kind):
        return self.kinds.index(kind)


@pytest.fixture(scope="session")
def afw_samples():
    return json.loads((AFW / "samples.json").read_text())


@pytest.fixture(scope="session")
def afw_sources(afw_samples):
    sources = afw_samples["sources"]
    return AfwSources(
        ids=[s["diaSourceId"] for s in sources],
        kinds=[s["kind"] for s in sources],
        ra=np.array([s["ra"] for s in sources]),
        dec=np.array([s["dec"] for s in sources]),
        x=np.array([s["x"] for s in sources]),
        y=np.array([s["y"] for s in sources]),
        cutouts=afw_samples["cutouts"],
        mask_planes=afw_samples["mask_planes"],
    )


@pytest.fixture
def afw_repo(tmp_path):
    """A copy of the repository that afw wrote, for tests that damage it."""
    return Path(shutil.copytree(AFW / "repo", tmp_path / "repo", copy_function=shutil.copyfile))


@pytest.fixture(scope="session")
def afw_butler(tmp_path_factory):
    repo = shutil.copytree(
        AFW / "repo", tmp_path_factory.mktemp("afw") / "repo", copy_function=shutil.copyfile
    )
    with Butler.from_config(str(repo), collections="LSSTCam/runs/rice") as butler:
        yield butler


@pytest.fixture(scope="session")
def afw_files():
    """The files of the repository that afw wrote, by dataset type."""
    return {path.name.split("_LSSTCam")[0]: path for path in (AFW / "repo").rglob("*.fits")}


@pytest.fixture
def more_afw():
    """Files written by afw that are too large to live here."""
    if not MORE_AFW.is_dir():
        pytest.skip(f"{MORE_AFW} is not there")
    return MORE_AFW
