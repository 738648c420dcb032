from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.analysis.ap.domain import Box, Stamp, Triplet

type MakeTriplet = Callable[..., Triplet]


@pytest.fixture(scope="session")
def make_triplet() -> MakeTriplet:
    """Make a source on noise, at the sample's pixel scale."""

    def make(size: int = 30, *, seed: int = 1, flux: float = 500.0, missing: int = 0) -> Triplet:
        rng = np.random.default_rng(seed)
        y, x = np.indices((size, size)) - size / 2
        source = flux * np.exp(-(x**2 + y**2) / 8)
        box = Box(100, 100 + size, 200, 200 + size)
        stamps = []
        for scale, noise in ((0.0, 3.0), (1.0, 10.0), (1.0, 12.0)):
            array = (scale * source + rng.normal(0, noise, (size, size))).astype(np.float32)
            if missing:
                array[:, :missing] = np.nan
            stamps.append(Stamp(array, box, unit="nJy"))
        angle = np.radians(23.0)
        turn = np.array([[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return Triplet(*stamps, sky_jacobian=0.2 * turn)

    return make


@pytest.fixture
def row() -> dict[str, Any]:
    return {
        "diaSourceId": 506428274000265570,
        "instrument": "LSSTCam",
        "detector": 94,
        "visit": 2025051600123,
        "band": "r",
        "ra": 244.91128319,
        "dec": -45.04370948,
        "snr": 30.3,
        "psfFlux": -3025.9,
        "psfFluxErr": 100.0,
        "psfChi2": 40.0,
        "psfNdata": 100,
        "apFlux": 3086.4,
        "apFluxErr": 120.0,
        "scienceFlux": 4025.9,
        "scienceFluxErr": 110.0,
        "reliability": 0.682,
        "isDipole": True,
        "psfFlux_flag": True,
    }
