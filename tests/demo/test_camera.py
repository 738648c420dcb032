from dataclasses import replace
from itertools import pairwise

import astropy.wcs
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from lsst.analysis.ap.demo._camera import Exposure, Passband, make_detectors, make_visits


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_projection_is_the_wcs_in_parent_pixels(exposure, which):
    exposure = Exposure(exposure.visit, make_detectors(3, 2000)[which])
    x, y = np.random.default_rng(1).uniform(0, 2000, (2, 50))
    by_wcs = SkyCoord(*exposure.wcs.all_pix2world(x, y, 0), unit="deg")
    x_parent, y_parent = x + exposure.detector.start[0], y + exposure.detector.start[1]
    by_ast = exposure.projection.pixel_to_sky(x=x_parent, y=y_parent)
    assert by_ast.separation(by_wcs).arcsec.max() < 1e-6
    back = exposure.projection.sky_to_pixel(by_ast)
    np.testing.assert_allclose([back.x, back.y], [x_parent, y_parent], atol=1e-4)
    sky = np.stack([by_wcs.ra.deg, by_wcs.dec.deg], axis=1)
    np.testing.assert_allclose(exposure.to_pixels(sky), [x, y], atol=1e-3)
    assert exposure.to_sky(x[0], y[0]) == pytest.approx((by_wcs.ra.deg[0], by_wcs.dec.deg[0]), abs=1e-10)


def test_the_polynomial_bends_the_corners(exposure):
    wcs = Exposure(exposure.visit, make_detectors(1, 2000)[0]).wcs
    plain = astropy.wcs.WCS(wcs.to_header(relax=False))
    center, corner = [[999.5, 999.5]], [[0.0, 0.0]]
    np.testing.assert_allclose(wcs.all_pix2world(center, 0), plain.wcs_pix2world(center, 0), atol=1e-9)
    bend = (wcs.all_pix2world(corner, 0) - plain.wcs_pix2world(corner, 0))[0] * 3600
    assert 0.02 < np.hypot(bend[0] * np.cos(np.radians(-28.1)), bend[1]) < 0.5


def test_what_is_beyond_the_horizon_is_nowhere_near(exposure):
    sky = np.array([[exposure.visit.boresight[0] + 5, -28.1], [233.0, 28.1]])
    pixels = exposure.to_pixels(sky)
    assert not (np.abs(pixels) < 1e4).any()


def test_an_error_of_the_astrometry_moves_the_sky(exposure):
    moved = replace(exposure, shift=(0.5, -0.25))
    x, y = moved.to_pixels(np.array([exposure.to_sky(100, 120)]))
    assert (x[0], y[0]) == pytest.approx((100.5, 119.75), abs=1e-3)


def test_detectors_do_not_overlap(exposure):
    centers = [
        Exposure(exposure.visit, detector).to_sky(999.5, 999.5) for detector in make_detectors(3, 2000)
    ]
    apart = [SkyCoord(*a, unit="deg").separation(SkyCoord(*b, unit="deg")) for a, b in pairwise(centers)]
    assert [angle.arcsec for angle in apart] == pytest.approx([412, 412], abs=1)
    assert len({detector.yaw // 45 for detector in make_detectors(3, 2000)}) == 3


def test_two_visits_a_night_in_three_bands():
    visits = make_visits(6, 2000, np.random.default_rng(0))
    assert "".join(visit.passband.name for visit in visits) == "rigrig"
    assert [visit.day_obs for visit in visits[::2]] == [visit.day_obs for visit in visits[1::2]]
    assert len({visit.day_obs for visit in visits}) == 3
    assert np.diff([visit.mjd for visit in visits[::2]]) == pytest.approx(5, abs=0.01)
    assert all(20 < 1440 * (b.mjd - a.mjd) < 45 for a, b in zip(visits[::2], visits[1::2], strict=True))
    assert len({visit.id for visit in visits}) == 6


def test_identifiers_unpack_to_what_was_packed(exposure):
    identifier = exposure.first_id
    assert len(str(identifier)) == 18
    assert identifier & (2**22 - 1) == 1
    assert identifier >> 22 & 255 == exposure.detector.id
    assert identifier >> 30 & (2**15 - 1) == exposure.visit.seq_num
    night = np.datetime64("2010-01-01") + np.timedelta64(identifier >> 45, "D")
    assert str(night).replace("-", "") == str(exposure.visit.day_obs)


def test_a_passband_is_calibrated():
    passband = Passband("r", 28.36, 21.2)
    # 30 seconds of one electron each are as bright as its zero point.
    assert 31.4 - 2.5 * np.log10(30 * passband.nanojansky_per_electron) == pytest.approx(28.36)
    sky = passband.sky_electrons * passband.nanojansky_per_electron / 0.2**2
    assert 31.4 - 2.5 * np.log10(sky) == pytest.approx(21.2)
