from collections import Counter

import galsim
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from lsst.analysis.ap.demo._camera import Exposure, make_detectors, make_visits
from lsst.analysis.ap.demo._sky import Source, injected_sources, make_sky

VISITS = make_visits(6, 600, np.random.default_rng(1))


@pytest.fixture(scope="module")
def sky():
    return make_sky(VISITS, make_detectors(2, 600), 12, np.random.default_rng(2))


def of(sky, kind):
    return [source for source in sky if source.kind == kind]


def test_it_has_every_kind(sky):
    counts = Counter(source.kind for source in sky)
    assert counts["supernova"] + counts["variable star"] + counts["active nucleus"] == 2 * 12
    assert min(counts["variable star"], counts["active nucleus"]) >= 4
    assert counts["asteroid"] == 2 * 3 * 2
    # Two detectors with what lies between and a margin: 14 to 18 square arcminutes.
    assert 120 < counts["star"] < 260
    assert 400 < counts["galaxy"] < 800


def test_counts_of_stars_grow_with_the_magnitude(sky):
    magnitudes = 31.4 - 2.5 * np.log10([star.steady["r"] for star in of(sky, "star")])
    bright, faint = ((magnitudes > 20) & (magnitudes < 22)).sum(), (magnitudes > 23).sum()
    # 10^(0.2 m) between the limits.
    assert faint / bright == pytest.approx((10**5.04 - 10**4.6) / (10**4.4 - 10**4.0), rel=0.5)


def test_supernovae_rise_and_fall_and_are_not_in_the_template(sky):
    days = np.arange(VISITS[0].mjd - 100, VISITS[0].mjd + 200, 0.5)
    for source in of(sky, "supernova"):
        curves = {band: np.array([source.change(band, day) for day in days]) for band in "gri"}
        peaks = [days[curve.argmax()] for curve in curves.values()]
        assert set(source.steady.values()) == {0.0}
        assert peaks == sorted(peaks)
        for curve in curves.values():
            assert curve.min() >= 0
            assert (np.diff(np.sign(np.diff(curve[curve > 1e-3 * curve.max()]))) != 0).sum() == 1
        assert curves["g"][-1] / curves["g"].max() < curves["i"][-1] / curves["i"].max() < 0.05


def test_variables_swing_around_what_the_template_holds(sky):
    days = np.arange(VISITS[0].mjd, VISITS[0].mjd + 3000, 0.05)
    for source in of(sky, "variable star") + of(sky, "active nucleus"):
        curve = np.array([source.change("r", day) for day in days]) / source.steady["r"]
        assert curve.mean() == pytest.approx(0, abs=0.02)
        assert 0.05 < curve.max() < 1
        assert source.change("g", days[0]) / source.steady["g"] == pytest.approx(1.2 * curve[0])


def test_a_nucleus_is_the_middle_of_a_galaxy(sky):
    places = {galaxy.place for galaxy in of(sky, "galaxy")}
    assert all(source.place in places for source in of(sky, "active nucleus"))


def test_an_asteroid_goes_the_way_of_its_trail(sky):
    for source in of(sky, "asteroid"):
        ends = (source.at(source.epoch + sign * 15 / 86400) for sign in (-1, 1))
        start, end = (SkyCoord(*place, unit="deg") for place in ends)
        east, north = (angle.arcsec for angle in start.spherical_offsets_to(end))
        # GalSim's first axis points to the west.
        way = np.array([-east, north])
        photons = source.profile.shoot(4000, galsim.BaseDeviate(1))
        places = np.stack([photons.x, photons.y])
        along = places.T @ way / np.hypot(*way)
        across = places.T @ [way[1], -way[0]] / np.hypot(*way)
        assert np.ptp(along) == pytest.approx(np.hypot(*way), rel=0.02)
        assert np.ptp(across) < 0.03
        assert 2 * source.reach == pytest.approx(np.hypot(*way), rel=1e-3)


def test_proper_motion_is_counted_from_the_template():
    star = Source("star", (53.0, -28.0), epoch=61000.0, rate=(0.0, -0.01))
    moved = SkyCoord(*star.at(61400.0), unit="deg")
    east, north = SkyCoord(53.0, -28.0, unit="deg").spherical_offsets_to(moved)
    assert (east.arcsec, north.arcsec) == pytest.approx((0, -4), abs=1e-6)


def test_the_first_is_in_a_galaxy_and_the_next_are_at_the_rim(sky):
    for detector in make_detectors(2, 600):
        here = Exposure(VISITS[0], detector)
        places = here.to_pixels(np.array([source.place for source in of(sky, "supernova")])).T
        inset = np.minimum(places, 599 - places).min(axis=1)
        assert sum(abs(inset) < 5) >= 3
        assert sum((inset > -2) & (inset < -0.5)) >= 1
    first = SkyCoord(*of(sky, "supernova")[0].place, unit="deg")
    hosts = [galaxy for galaxy in of(sky, "galaxy") if galaxy.steady["r"] > 5e4]
    assert min(first.separation(SkyCoord(*host.place, unit="deg")).arcsec for host in hosts) < 1.5


def test_injected_sources_are_on_the_detector():
    here = Exposure(VISITS[0], make_detectors(2, 600)[0])
    sources = [source for seed in range(9) for source in injected_sources(here, np.random.default_rng(seed))]
    places = here.to_pixels(np.array([source.place for source in sources]))
    assert len(sources) == 18
    assert (places > -30).all()
    assert (places < 630).all()
    assert all(500 < source.change("r", 0.0) < 30_000 for source in sources)


def test_a_sky_without_changing_sources_can_be_made():
    sky = make_sky(VISITS, make_detectors(1, 300), 0, np.random.default_rng(2))
    assert {source.kind for source in sky} == {"star", "galaxy", "asteroid"}
