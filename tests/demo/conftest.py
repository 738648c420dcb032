import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from lsst.analysis.ap.demo import _draw
from lsst.analysis.ap.demo._camera import Exposure, make_detectors, make_visits
from lsst.analysis.ap.demo._images import Version, expose, process

SIZE = 300
USUAL = Version("demo")


@pytest.fixture(scope="session")
def two_runs(once):
    """A demo of two runs."""
    return once("two", seed=7, size=SIZE, visits=2, detectors=1, sources_per_detector=9, other_run=True)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def exposure():
    """The first visit of a detector whose first pixel is not (0, 0), and whose template has no gap."""
    (visit,) = make_visits(1, SIZE, np.random.default_rng(3))
    return Exposure(visit, make_detectors(2, SIZE)[1])


@pytest.fixture
def observe(exposure):
    """A function that observes a sky."""

    def run(sky, exposure=exposure, version=USUAL, seed=1):
        return process(expose(exposure, sky, seed, has_satellite=False), sky, seed, version)

    return run


@pytest.fixture
def pixel():
    """A function that returns where a source lies by AST, counted from the first pixel."""

    def run(images, source):
        projection = images.science.sky_projection
        at = projection.sky_to_pixel(SkyCoord(*source.at(images.exposure.visit.mjd), unit="deg"))
        return np.array([at.x, at.y]) - images.exposure.detector.start

    return run


@pytest.fixture
def quiet(monkeypatch):
    """No injected sources and no cosmic rays."""
    monkeypatch.setattr("lsst.analysis.ap.demo._images.injected_sources", lambda *arguments: [])
    monkeypatch.setattr(_draw, "add_cosmic_rays", lambda electrons, rng: np.zeros(electrons.shape, bool))
