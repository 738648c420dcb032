import numpy as np
import pytest
from scipy.signal import convolve2d

from lsst.analysis.ap.demo import _draw
from lsst.analysis.ap.demo._psf import MoffatPsf

PSF = MoffatPsf(4.0, beta=4.0)


def centroid(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(image.shape)
    return float((image * columns).sum() / image.sum()), float((image * rows).sum() / image.sum())


def test_star_has_its_flux_and_position() -> None:
    image = np.zeros((120, 140))
    _draw.add_stars(image, np.array([70.3]), np.array([55.8]), np.array([5000.0]), PSF)

    assert image.sum() == pytest.approx(5000, rel=0.01)
    assert centroid(image) == pytest.approx((70.3, 55.8), abs=0.02)


def test_star_beyond_the_edge_leaves_its_wing_only() -> None:
    image, whole = np.zeros((60, 60)), np.zeros((60, 90))
    star = np.array([62.5]), np.array([30.0]), np.array([-4000.0])
    _draw.add_stars(image, *star, PSF)
    _draw.add_stars(whole, *star, PSF)

    np.testing.assert_array_equal(image, whole[:, :60])
    assert -2000 < image.sum() < -100


def test_star_far_outside_leaves_nothing() -> None:
    image = np.zeros((60, 60))
    _draw.add_stars(image, np.array([-500.0, 700.0]), np.array([30.0, 700.0]), np.array([1e4, 1e4]), PSF)

    assert not image.any()


def test_trail_is_as_long_as_the_way() -> None:
    image = np.zeros((100, 100))
    _draw.add_trail(image, 50.0, 40.0, 9000.0, (24.0, 10.0), PSF)
    columns = np.arange(100)[None, :]
    point = np.zeros((100, 100))
    _draw.add_stars(point, np.array([50.0]), np.array([40.0]), np.array([9000.0]), PSF)

    assert image.sum() == pytest.approx(9000, rel=0.01)
    assert centroid(image) == pytest.approx((50, 40), abs=0.02)
    # A uniform way of length L adds L²/12 to the variance of a point.
    widening = ((columns - 50) ** 2 * (image - point)).sum() / 9000
    assert widening == pytest.approx(24**2 / 12, rel=0.03)


def test_galaxy_has_its_flux_and_orientation() -> None:
    image = _draw.draw_galaxies(
        (200, 200),
        np.array([99.6]),
        np.array([101.3]),
        np.array([700.0]),
        np.array([5.0]),
        np.array([0.4]),
        np.array([np.radians(35.0)]),
        np.array([0.0]),
    )
    rows, columns = np.indices(image.shape)
    xx = (image * (columns - 99.6) ** 2).sum()
    yy = (image * (rows - 101.3) ** 2).sum()
    xy = (image * (columns - 99.6) * (rows - 101.3)).sum()

    assert image.sum() == pytest.approx(700, rel=0.02)
    assert np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) == pytest.approx(35, abs=0.5)


def test_half_of_the_light_of_a_round_disk_is_within_its_half_light_radius() -> None:
    one = np.ones(1)
    image = _draw.draw_galaxies((161, 161), 80 * one, 80 * one, one, 9.5 * one, one, 0 * one, 0 * one)
    rows, columns = np.indices(image.shape)

    assert image[np.hypot(rows - 80, columns - 80) < 9.5].sum() == pytest.approx(0.5, abs=0.01)


def test_convolution_agrees_with_the_direct_sum(rng: np.random.Generator) -> None:
    image, kernel = rng.normal(size=(40, 50)), rng.normal(size=(7, 9))

    np.testing.assert_allclose(
        _draw.convolve(image, kernel), convolve2d(image, kernel, mode="same"), atol=1e-10
    )


def test_convolution_can_move_the_image() -> None:
    image = np.zeros((80, 80))
    image[40, 30] = 1

    moved = _draw.convolve(image, PSF.stamp(20), (0.25, -0.4))

    np.testing.assert_allclose(moved[20:61, 10:51], PSF.stamp(20, 0.25, -0.4), atol=2e-4 * moved.max())
