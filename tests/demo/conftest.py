from pathlib import Path

import numpy as np
import pytest

from lsst.analysis.ap.demo import DemoPaths, make_demo
from lsst.analysis.ap.demo._camera import DetectorLayout, Visit, make_layout, make_visits

SEED = 7


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> DemoPaths:
    return make_demo(
        tmp_path_factory.mktemp("demo"),
        seed=SEED,
        size=400,
        visits=2,
        detectors=2,
        sources_per_detector=14,
    )


@pytest.fixture
def visit() -> Visit:
    return make_visits(1, 300, np.random.default_rng(3))[0]


@pytest.fixture
def detector() -> DetectorLayout:
    return make_layout(2, 300)[1]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
