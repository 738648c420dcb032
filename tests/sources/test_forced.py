"""Forced photometry out of the tables of releases."""

import pyarrow as pa

from lsst.analysis.ap.sources import forced_sources


def test_of_a_release_the_flux_of_the_difference_image_is_meant_and_not_that_of_the_science_image():
    release = pa.table(
        {
            "diaObjectId": [1, 2],
            "visit": [42, 43],
            "psfFlux": [100.0, 200.0],
            "psfFluxErr": [1.0, 2.0],
            "psfDiffFlux": [5.0, 6.0],
            "psfDiffFluxErr": [0.5, 0.6],
            "expMidptMJD": [60000.0, 60001.0],
        }
    )
    assert forced_sources(release, 2).to_pylist() == [
        {"visit": 43, "midpointMjdTai": 60001.0, "psfFlux": 6.0, "psfFluxErr": 0.6}
    ]
