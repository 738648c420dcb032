"""Positions without sources: which images cover them."""

import numpy as np
import pytest

from lsst.analysis.ap.images import find_exposures

FIRST, SECOND = 2024110800245, 2024112000091


def visits(exposures):
    return [[exposed.data_id.visit for exposed in found] for found in exposures]


@pytest.fixture(scope="module")
def butler(release):
    return release.butler("release")


@pytest.fixture(scope="module")
def corners(release):
    """Positions of afw's grid over each visit: x, y, ra, dec."""
    return {visit["visit"]: np.array(visit["grid_x_y_ra_dec"]) for visit in release.truth["visits"]}


def inside(release, visit, ra, dec):
    """Return which positions are on a visit by the truth's own polygon."""
    from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

    grid = next(v for v in release.truth["visits"] if v["visit"] == visit)["grid_x_y_ra_dec"]
    polygon = ConvexPolygon([UnitVector3d(LonLat.fromDegrees(a, d)) for _, _, a, d in grid])
    return np.array(
        [polygon.contains(UnitVector3d(LonLat.fromDegrees(*at))) for at in zip(ra, dec, strict=True)]
    )


def test_each_position_has_the_images_that_cover_it(release, butler, corners):
    rng = np.random.default_rng(1)
    everywhere = np.concatenate([grid[:, 2:] for grid in corners.values()])
    low, high = everywhere.min(axis=0) - 0.01, everywhere.max(axis=0) + 0.01
    ra, dec = rng.uniform(low, high, (300, 2)).T
    found = visits(find_exposures(butler, "visit_image", ra, dec))
    for visit in (FIRST, SECOND):
        expected = inside(release, visit, ra, dec)
        covered = np.array([visit in here for here in found])
        # The regions of the repository may be a little larger than the images.
        assert covered[expected].all()
        assert 20 < expected.sum() <= covered.sum() <= expected.sum() + 10
        assert not covered.all()


def test_each_image_says_its_time_and_its_band(release, butler):
    source = release.truth["sources"][0]
    place = [source["ra"]], [source["dec"]]
    (both,) = find_exposures(butler, "visit_image", *place)
    assert [exposed.data_id.visit for exposed in both] == [FIRST, SECOND], "in the order of time"
    assert {exposed.band for exposed in both} == {"r"}
    assert both[0].mjd == pytest.approx(60623.26, abs=0.01)
    assert find_exposures(butler, "visit_image", *place, instrument="LSSTComCam") == [both]


def test_only_images_that_are_there_count(release, butler):
    source = release.truth["sources"][0]
    place = [source["ra"]], [source["dec"]]
    other = release.butler("truth")
    assert visits(find_exposures(other, "template_detector", *place)) == [[FIRST, SECOND]]
    assert visits(find_exposures(other, "visit_image", *place)) == [[]]


def test_positions_off_the_sky_and_far_away_are_covered_by_nothing(butler):
    ra = [np.nan, 53.1, 53.1, 233.1, 0.0, 359.999, 10.0]
    dec = [-28.1, np.inf, 120.0, 28.1, 90.0, -90.0, -28.1]
    assert visits(find_exposures(butler, "visit_image", ra, dec)) == [[]] * 7
    assert find_exposures(butler, "visit_image", [], []) == []


def test_many_positions_cost_one_query(release, butler):
    class Counted:
        calls = 0

        def query_datasets(self, *args, **kwargs):
            self.calls += 1
            return butler.query_datasets(*args, **kwargs)

    counted = Counted()
    sources = release.truth["sources"]
    ra, dec = ([source[name] for source in sources] for name in ("ra", "dec"))
    assert len(find_exposures(counted, "visit_image", ra, dec)) == len(sources)
    assert counted.calls <= 2  # they may lie on both sides of a border of cells
