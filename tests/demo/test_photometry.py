import numpy as np
import pytest

from lsst.analysis.ap.demo import _draw
from lsst.analysis.ap.demo._images import MaskedPixels
from lsst.analysis.ap.demo._photometry import aperture_flux, fit_point, fit_position, second_moments
from lsst.analysis.ap.demo._psf import MoffatPsf

PSF = MoffatPsf(4.2)


def star(x: float, y: float, flux: float, noise: np.ndarray | float = 0.0) -> MaskedPixels:
    image = np.zeros((60, 70))
    _draw.add_stars(image, np.array([x]), np.array([y]), np.array([flux]), PSF)
    return MaskedPixels(image + noise, np.full(image.shape, 100.0), {})


def test_noiseless_star_is_measured_exactly() -> None:
    pixels = star(30.3, 25.8, -8000.0)

    fit = fit_point(pixels, PSF, 30.3, 25.8)

    assert fit.flux == pytest.approx(-8000)
    assert fit.chi2 == pytest.approx(0, abs=1e-9)
    assert (fit.pixels, fit.is_truncated, fit.failed) == (625, False, False)


def test_position_is_found_from_a_neighbouring_pixel() -> None:
    position = fit_position(star(30.3, 25.8, 8000.0), PSF, 31, 26)

    assert position is not None
    assert position[:2] == pytest.approx((30.3, 25.8), abs=1e-3)


def test_position_beyond_the_edge_is_found_from_the_wing() -> None:
    position = fit_position(star(-1.2, 25.8, 8000.0), PSF, 0, 26)

    assert position is not None
    assert position[:2] == pytest.approx((-1.2, 25.8), abs=0.01)


def test_errors_are_those_of_repeated_measurements(rng: np.random.Generator) -> None:
    fluxes, positions, apertures = [], [], []
    for _ in range(300):
        pixels = star(30.3, 25.8, 3000.0, rng.normal(0, 10, (60, 70)))
        fluxes.append(fit_point(pixels, PSF, 30.3, 25.8))
        position = fit_position(pixels, PSF, 30, 26)
        assert position is not None
        positions.append(position)
        apertures.append(aperture_flux(pixels, 30.3, 25.8))

    # The standard deviation of 300 values is known to 4 percent.
    assert np.std([fit.flux for fit in fluxes]) == pytest.approx(fluxes[0].error, rel=0.13)
    assert np.mean([fit.flux for fit in fluxes]) == pytest.approx(3000, abs=4 * fluxes[0].error / 300**0.5)
    assert np.mean([fit.chi2 / fit.pixels for fit in fluxes]) == pytest.approx(1, abs=0.02)
    assert np.std([p[0] for p in positions]) == pytest.approx(np.mean([p[2] for p in positions]), rel=0.15)
    assert np.std([a[0] for a in apertures]) == pytest.approx(apertures[0][1], rel=0.13)


def test_aperture_is_the_sum_of_the_pixels_within_twelve() -> None:
    pixels = star(30.3, 25.8, 8000.0)
    total, count = 0.0, 0
    for row in range(60):
        for column in range(70):
            if (column - 30.3) ** 2 + (row - 25.8) ** 2 <= 144:
                total += pixels.image[row, column]
                count += 1

    flux, error, truncated = aperture_flux(pixels, 30.3, 25.8)

    assert flux == pytest.approx(total)
    assert error == pytest.approx(10 * count**0.5)
    assert not truncated


def test_edges_truncate_the_fit_and_the_aperture() -> None:
    pixels = star(5.0, 25.0, 8000.0)

    fit = fit_point(pixels, PSF, 5.0, 25.0)

    assert fit.is_truncated
    assert fit.pixels == 18 * 25
    assert fit.flux == pytest.approx(8000)
    assert aperture_flux(pixels, 5.0, 25.0)[2]


def test_pixels_without_data_are_left_out() -> None:
    pixels = star(30.0, 25.0, 8000.0)
    pixels.image[:, 36:] = np.nan

    assert fit_point(pixels, PSF, 30.0, 25.0).flux == pytest.approx(8000)
    assert fit_point(pixels, PSF, 30.0, 25.0).pixels == 18 * 25
    assert aperture_flux(pixels, 30.0, 25.0)[2]
    pixels.image[:] = np.nan
    assert fit_point(pixels, PSF, 30.0, 25.0).failed
    assert fit_position(pixels, PSF, 30, 25) is None


def test_moments_of_a_gaussian_of_the_weight_are_its_own() -> None:
    x, y = np.arange(70)[None, :] - 30, np.arange(60)[:, None] - 25
    image = np.exp(-0.5 * (x**2 + y**2) / PSF.sigma**2)
    moments = second_moments(MaskedPixels(image, np.ones(image.shape), {}), PSF, 30.0, 25.0)

    assert moments == pytest.approx((PSF.sigma**2, PSF.sigma**2, 0), rel=0.01, abs=1e-9)
