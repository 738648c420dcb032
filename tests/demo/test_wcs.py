from itertools import pairwise

import astropy.wcs
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from lsst.analysis.ap.demo._camera import DetectorLayout, Visit, make_layout, make_visits
from lsst.analysis.ap.demo._wcs import focal_plane_to_sky, make_fits_wcs, make_sky_projection


def test_projection_is_the_fits_wcs_in_parent_pixels(visit: Visit, detector: DetectorLayout) -> None:
    x, y = np.random.default_rng(1).uniform(0, detector.size, (2, 50))
    ra, dec = make_fits_wcs(visit, detector).all_pix2world(x, y, 0)

    sky = make_sky_projection(visit, detector).pixel_to_sky(x=x + 1200, y=y + 800)

    assert (detector.x_start, detector.y_start) == (1200, 800)
    assert sky.separation(SkyCoord(ra, dec, unit="deg")).arcsec.max() < 1e-6


def test_projection_round_trips(visit: Visit) -> None:
    for detector in make_layout(3, 2000):
        x = detector.x_start + np.linspace(0, 1999, 30)
        y = detector.y_start + np.linspace(1999, 0, 30)
        projection = make_sky_projection(visit, detector)

        x_back, y_back = projection.sky_to_pixel(projection.pixel_to_sky(x=x, y=y))

        np.testing.assert_allclose(x_back, x, atol=1e-4)
        np.testing.assert_allclose(y_back, y, atol=1e-4)


def test_polynomial_bends_the_corners(visit: Visit) -> None:
    detector = make_layout(1, 2000)[0]
    sip = make_fits_wcs(visit, detector)
    tan = astropy.wcs.WCS(sip.to_header(relax=False))
    center, corner = np.array([999.5, 999.5]), np.array([[0.0, 0.0]])
    bend = sip.all_pix2world(corner, 0)[0] - tan.wcs_pix2world(corner, 0)[0]

    np.testing.assert_allclose(
        sip.all_pix2world([center], 0), tan.wcs_pix2world([center], 0), atol=1e-9, rtol=0
    )
    assert 0.02 < 3600 * np.hypot(bend[0] * np.cos(np.radians(visit.dec)), bend[1]) < 0.5


def test_undistorted_focal_plane_agrees_with_the_wcs_within_a_pixel(visit: Visit) -> None:
    for detector in make_layout(3, 2000):
        x, y = np.array([0.0, 1999.0, 300.0]), np.array([1999.0, 10.0, 700.0])
        ra, dec = focal_plane_to_sky(visit, *detector.to_focal_plane(x, y))

        sky = make_sky_projection(visit, detector).pixel_to_sky(
            x=x + detector.x_start, y=y + detector.y_start
        )

        assert sky.separation(SkyCoord(ra, dec, unit="deg")).arcsec.max() < 0.4


def test_detectors_do_not_overlap() -> None:
    layout = make_layout(3, 2000)
    edges = []
    for detector in layout:
        x, _ = detector.to_focal_plane(np.array([0.0, 0, 1999, 1999]), np.array([0.0, 1999, 0, 1999]))
        edges.append((x.min(), x.max()))

    assert all(left[1] < right[0] for left, right in pairwise(edges))


def test_visits_alternate_between_two_bands_on_different_nights() -> None:
    visits = make_visits(4, 2000, np.random.default_rng(0))

    assert [visit.passband.name for visit in visits] == ["r", "i", "r", "i"]
    assert len({visit.day_obs for visit in visits}) == 4
    assert all(visit.id // 100_000 == visit.day_obs for visit in visits)
    assert np.diff([visit.mjd_begin for visit in visits]) == pytest.approx(3, abs=0.02)
