from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from scipy.signal import convolve2d

from lsst.analysis.ap.demo._camera import PIXEL_SCALE, DetectorLayout, Visit, make_layout
from lsst.analysis.ap.demo._images import DetectorImages, make_images
from lsst.analysis.ap.demo._population import Sky
from lsst.analysis.ap.demo._sky import make_sky
from lsst.analysis.ap.demo._wcs import focal_plane_to_sky

STAR_FLUX = 50_000.0


def at(visit: Visit, detector: DetectorLayout, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    return focal_plane_to_sky(visit, *detector.to_focal_plane(np.array([x]), np.array([y])))


def magnitude(flux: float) -> float:
    return float(31.4 - 2.5 * np.log10(flux))


def nothing_but(sky: Sky, **contents: object) -> Sky:
    """Return a sky with its parts cut to nothing, save those given."""

    def first(part: object, count: int) -> object:
        return replace(part, **{name: getattr(part, name)[:count] for name in part.__slots__})  # type: ignore[attr-defined, type-var]

    empty = {name: first(getattr(sky, name), 0) for name in ("stars", "galaxies", "variables", "movers")}
    return Sky(**(empty | contents))  # type: ignore[arg-type]


@pytest.fixture
def full_sky(visit: Visit, detector: DetectorLayout, rng: np.random.Generator) -> Sky:
    return make_sky([visit], make_layout(2, detector.size), 10, rng)


@pytest.fixture
def two_stars(visit: Visit, detector: DetectorLayout, full_sky: Sky) -> Sky:
    """One steady star and one transient at its maximum, of the same flux."""
    ra, dec = at(visit, detector, 100.0, 200.0)
    ra_new, dec_new = at(visit, detector, 180.0, 90.0)
    stars = replace(
        full_sky.stars,
        ra=ra,
        dec=dec,
        magnitude=np.array([magnitude(STAR_FLUX)]),
        color=np.zeros(1),
        shift=np.zeros((1, 2)),
    )
    one = np.ones(1)
    variables = replace(
        full_sky.variables,
        ra=ra_new,
        dec=dec_new,
        magnitude=stars.magnitude,
        color=np.zeros(1),
        is_transient=np.array([True]),
        epoch=np.array([visit.mjd_middle]),
        rise=one,
        decline=one,
        amplitude=one,
        period=one,
    )
    return nothing_but(full_sky, stars=stars, variables=variables)


def disk_sum(image: np.ndarray, x: float, y: float, radius: float) -> float:
    rows, columns = np.indices(image.shape)
    return float(image[np.hypot(columns - x, rows - y) < radius].sum())


def pixel(images: DetectorImages, ra: np.ndarray, dec: np.ndarray) -> tuple[float, float]:
    x, y = images.projection.sky_to_pixel(SkyCoord(ra, dec, unit="deg"))
    return float(x[0]) - images.detector.x_start, float(y[0]) - images.detector.y_start


def test_star_of_known_flux_is_recovered(visit: Visit, detector: DetectorLayout, two_stars: Sky) -> None:
    images = make_images(two_stars, visit, detector, streak=False, seed=1)
    x, y = pixel(images, two_stars.stars.ra, two_stars.stars.dec)
    radius = 20.0

    for pixels, psf in ((images.science, images.science_psf), (images.template, images.template_psf)):
        # Moffat's encircled energy.
        enclosed = 1 - (1 + (radius / psf.alpha) ** 2) ** (1 - psf.beta)
        error = np.sqrt(disk_sum(np.nan_to_num(pixels.variance), x, y, radius))
        tolerance = 4 * error + 0.01 * STAR_FLUX
        assert disk_sum(pixels.image, x, y, radius) == pytest.approx(enclosed * STAR_FLUX, abs=tolerance)


def test_difference_keeps_the_transient_and_loses_the_star(
    visit: Visit, detector: DetectorLayout, two_stars: Sky
) -> None:
    images = make_images(two_stars, visit, detector, streak=False, seed=1)
    star = pixel(images, two_stars.stars.ra, two_stars.stars.dec)
    transient = pixel(images, two_stars.variables.ra, two_stars.variables.dec)

    assert disk_sum(images.difference.image, *transient, 12) == pytest.approx(STAR_FLUX, rel=0.08)
    assert abs(disk_sum(images.difference.image, *star, 12)) < 0.05 * STAR_FLUX
    assert abs(disk_sum(images.template.image, *transient, 12)) < 0.02 * STAR_FLUX


def test_fading_variable_is_negative_in_the_difference(
    visit: Visit, detector: DetectorLayout, two_stars: Sky
) -> None:
    at_minimum = replace(
        two_stars.variables,
        is_transient=np.array([False]),
        amplitude=np.array([0.5]),
        period=np.array([4.0]),
        epoch=np.array([visit.mjd_middle + 1.0]),
        ra=two_stars.stars.ra,
        dec=two_stars.stars.dec,
    )
    sky = replace(two_stars, variables=at_minimum)
    images = make_images(sky, visit, detector, streak=False, seed=1)
    x, y = pixel(images, sky.stars.ra, sky.stars.dec)

    assert disk_sum(images.difference.image, x, y, 12) == pytest.approx(-0.5 * STAR_FLUX, rel=0.08)


def test_difference_is_science_minus_matched_template(
    visit: Visit, detector: DetectorLayout, full_sky: Sky
) -> None:
    images = make_images(full_sky, visit, detector, streak=True, seed=2)
    assert not np.isnan(images.template.image).any()  # only every other detector has a gap

    matched = convolve2d(images.template.image, images.kernel, mode="same")

    np.testing.assert_allclose(images.difference.image + matched, images.science.image, atol=1e-6)


def test_noise_of_the_difference_is_that_of_its_variance(
    visit: Visit, detector: DetectorLayout, full_sky: Sky
) -> None:
    images = make_images(nothing_but(full_sky), visit, detector, streak=False, seed=2)
    clean = ~np.any(list(images.difference.mask.values()), axis=0)
    pull = images.difference.image[clean] / np.sqrt(images.difference.variance[clean])

    # The median absolute deviation, which stray cosmic rays do not move.
    assert 1.4826 * np.median(np.abs(pull)) == pytest.approx(1, abs=0.02)
    assert np.median(pull) == pytest.approx(0, abs=0.02)


def test_template_is_deeper_and_sharper(visit: Visit, detector: DetectorLayout, full_sky: Sky) -> None:
    images = make_images(full_sky, visit, detector, streak=False, seed=2)

    assert np.median(images.template.variance) < 0.05 * np.median(images.science.variance)
    assert images.template_psf.fwhm < images.science_psf.fwhm
    assert images.science_psf.fwhm * PIXEL_SCALE == pytest.approx(visit.seeing)


def test_gap_has_no_data_in_template_and_difference_only(visit: Visit, full_sky: Sky) -> None:
    images = make_images(full_sky, visit, make_layout(2, 300)[0], streak=False, seed=2)
    gap = images.template.mask["NO_DATA"]

    assert 0.01 < gap.mean() < 0.1
    np.testing.assert_array_equal(np.isnan(images.template.image), gap)
    np.testing.assert_array_equal(np.isnan(images.difference.image), images.difference.mask["NO_DATA"])
    assert not (gap & ~images.difference.mask["NO_DATA"]).any()
    assert np.isfinite(images.science.image).all()


def test_bright_star_saturates_and_bleeds(visit: Visit, full_sky: Sky) -> None:
    images = make_images(full_sky, visit, make_layout(2, 300)[0], streak=False, seed=2)
    saturated = images.science.mask["SATURATED"]
    rows, columns = np.nonzero(saturated)

    assert saturated.sum() > 20
    assert np.ptp(rows) > np.ptp(columns)
    level = visit.passband.full_well - visit.passband.sky_level
    assert images.science.image[saturated].min() > 0.9 * level
    assert images.science.image[~saturated].max() < 1.05 * level


def test_bad_columns_belong_to_the_detector(visit: Visit, detector: DetectorLayout, full_sky: Sky) -> None:
    first = make_images(full_sky, visit, detector, streak=False, seed=2)
    second = make_images(full_sky, visit, detector, streak=False, seed=3)

    np.testing.assert_array_equal(first.science.mask["BAD"], second.science.mask["BAD"])
    bad = first.science.mask["BAD"]
    assert bad.any()
    assert not (bad & ~first.science.mask["INTERPOLATED"]).any()
    # Interpolated pixels are smoother than the noise around them.
    whole = np.flatnonzero(bad.all(axis=0))[0]
    image = first.science.image
    np.testing.assert_allclose(image[:, whole], 0.5 * (image[:, whole - 1] + image[:, whole + 1]))


def test_seed_decides_the_pixels(visit: Visit, detector: DetectorLayout, full_sky: Sky) -> None:
    one, same, other = (
        make_images(full_sky, visit, detector, streak=True, seed=seed).difference.image for seed in (5, 5, 6)
    )

    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.99
