from functools import partial

import galsim
import numpy as np
import pytest
from scipy.signal import convolve2d

from lsst.analysis.ap.demo import _draw
from lsst.analysis.ap.demo._camera import Exposure, make_detectors
from lsst.analysis.ap.demo._draw import TEMPLATE_PSF
from lsst.analysis.ap.demo._images import Version, _fill, expose
from lsst.analysis.ap.demo._sky import Source, make_sky

FLUX = 50_000.0
EVEN = dict.fromkeys("gri", FLUX)


@pytest.fixture
def two_stars(exposure):
    """A steady star, and another of the same flux that was not there before."""
    steady = Source("star", exposure.to_sky(90.0, 200.0), EVEN)
    new = Source("supernova", exposure.to_sky(190.0, 80.0), change=lambda band, mjd: FLUX)
    return [steady, new]


def disk_sum(pixels, center, radius):
    rows, columns = np.indices(pixels.shape)
    return pixels[np.hypot(columns - center[0], rows - center[1]) < radius].sum()


def test_stars_are_where_and_as_bright_as_they_should_be(observe, two_stars, pixel, quiet):
    images = observe(two_stars)
    steady, new = (pixel(images, star) for star in two_stars)
    radius = 15
    for image, psf, margin in ((images.science, images.raw.psf, 0), (images.template, TEMPLATE_PSF, 20)):
        stamp = psf.drawImage(nx=401, ny=401, scale=0.2, method="no_pixel").array
        enclosed = disk_sum(stamp, (200, 200), radius)
        assert disk_sum(image.image.array, steady + margin, radius) == pytest.approx(
            enclosed * FLUX, rel=0.02
        )
        box = np.rint(steady).astype(int) + margin
        cut = np.s_[box[1] - 12 : box[1] + 13, box[0] - 12 : box[0] + 13]
        shape = galsim.hsm.FindAdaptiveMom(galsim.Image(image.image.array[cut].copy()))
        center = np.array([shape.moments_centroid.x, shape.moments_centroid.y]) - 13 + box - margin
        np.testing.assert_allclose(center, steady, atol=0.06)
    assert disk_sum(images.difference.image.array, new, radius) == pytest.approx(FLUX, rel=0.05)
    assert abs(disk_sum(images.difference.image.array, steady, radius)) < 0.03 * FLUX
    assert abs(disk_sum(images.template.image.array, new + 20, radius)) < 0.01 * FLUX


def test_what_fades_is_negative_in_the_difference(observe, two_stars, pixel, quiet):
    fading = Source("variable star", two_stars[0].place, EVEN, lambda band, mjd: -0.5 * FLUX)
    images = observe([fading])
    assert disk_sum(images.difference.image.array, pixel(images, fading), 12) == pytest.approx(
        -0.5 * FLUX, rel=0.06
    )


def test_difference_is_science_minus_matched_template(observe, two_stars):
    images = observe(two_stars)
    matched = convolve2d(images.template.image.array, images.kernel, mode="valid")
    np.testing.assert_allclose(
        images.difference.image.array + matched, images.science.image.array, atol=0.01, rtol=1e-5
    )
    grown = images.difference.bbox.dilated_by(20)
    assert images.template.bbox == grown


def test_the_kernel_turns_one_psf_into_the_other(observe, two_stars):
    images = observe(two_stars)
    kernel = images.kernel
    draw = partial(galsim.GSObject.drawImage, nx=101, ny=101, wcs=images.exposure.jacobian, method="no_pixel")
    wanted = draw(images.raw.psf).array[25:-25, 25:-25]
    matched = convolve2d(draw(TEMPLATE_PSF).array, kernel, mode="same")[25:-25, 25:-25]
    assert np.abs(matched - wanted).max() < 0.006 * wanted.max()
    assert kernel.sum() == pytest.approx(1, abs=0.003)


def test_noise_is_that_of_the_variance(observe, quiet):
    images = observe([Source("star", (53.0, -28.0), EVEN)])
    for image in (images.science, images.template, images.difference):
        pull = image.image.array / np.sqrt(image.variance.array)
        if image is not images.template:
            pull = pull[~image.mask.get("BAD")]
        assert pull.std() == pytest.approx(1, abs=0.03)
        assert pull.mean() == pytest.approx(0, abs=0.02)
    assert np.median(images.template.variance.array) < 0.05 * np.median(images.science.variance.array)


def test_the_gap_of_the_template_is_without_data(exposure, observe, two_stars):
    first = Exposure(exposure.visit, make_detectors(2, 300)[0])
    images = observe(two_stars, first)
    gap = images.template.mask.get("NO_DATA")
    assert 0.005 < gap.mean() < 0.1
    np.testing.assert_array_equal(np.isnan(images.template.image.array), gap)
    blank = images.difference.mask.get("NO_DATA")
    np.testing.assert_array_equal(np.isnan(images.difference.image.array), blank)
    assert not (gap[20:-20, 20:-20] & ~blank).any()
    assert np.isfinite(images.science.image.array).all()


def test_a_bright_star_saturates_and_bleeds_along_the_columns(exposure, observe):
    images = observe([Source("star", exposure.to_sky(150.0, 150.0), dict.fromkeys("gri", 4e7))])
    full = images.science.mask.get("SATURATED")
    rows, columns = np.nonzero(full)
    assert np.ptp(rows) > 1.5 * np.ptp(columns) > 5
    assert images.science.mask.get("SUSPECT").any()
    assert images.difference.mask.get("SAT_TEMPLATE").any()


def test_bleeding_conserves_charge_within_the_column():
    image = np.full((101, 9), 10.0)
    image[50, 4] = 2010.0
    image[49:52, 3] = [150.0, 300.0, 150.0]
    before = image.sum(axis=0)
    saturated = _draw.bleed(image, 100.0)
    np.testing.assert_allclose(image.sum(axis=0), before)
    assert image.max() == pytest.approx(100)
    assert saturated[:, 4].sum() == 21  # the pixel, and (2010 - 100) / 2 / 90 whole ones on each side
    assert not saturated[:, [0, 1, 2, 5, 6, 7, 8]].any()
    image[:], image[1, 0] = 0.0, 1000.0
    _draw.bleed(image[:5], 100.0)
    np.testing.assert_array_equal(image[:5, 0], np.full(5, 100.0))  # the rest left at the end of the column


def test_cosmic_rays_are_sharper_than_stars(rng):
    electrons = np.zeros((1000, 1000))
    hit = _draw.add_cosmic_rays(electrons, rng)
    np.testing.assert_array_equal(hit, electrons > 0)
    assert 20 < hit.sum() < 2000
    row, column = np.unravel_index(electrons.argmax(), electrons.shape)
    around = electrons[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    assert np.median(around) < 0.1 * electrons.max()


def test_defects_are_filled_with_what_is_around(rng):
    image = 5 + 0.1 * np.arange(40)[None, :] + np.zeros((40, 1))
    defects = np.zeros(image.shape, dtype=bool)
    defects[:, 12], defects[20:22, 25:29] = True, True
    damaged = np.where(defects, 1e6, image)
    filled = _fill(damaged, defects)
    np.testing.assert_array_equal(filled[~defects], image[~defects])
    np.testing.assert_allclose(filled[defects], image[defects], atol=0.15)


def test_a_streak_is_straight(rng):
    light, mask = _draw.satellite(300, 30.0, 2.0, rng)
    rows, columns = np.nonzero(mask)
    slope, start = np.polyfit(columns, rows, 1)
    across = (rows - slope * columns - start) / np.hypot(1, slope)
    assert 12 < np.ptp(across) < 20  # four standard deviations on both sides
    assert light[~mask].max() < 0.02
    assert 20 < light.max() <= 30


def test_a_version_changes_fluxes_positions_and_repairs(observe, two_stars, pixel):
    usual = observe(two_stars)
    other = observe(
        two_stars, version=Version("other", calibration=1.1, shift=(0.3, 0.0), cosmic_ray_threshold=2.0)
    )
    new = pixel(usual, two_stars[1])
    sums = [disk_sum(images.science.image.array, new, 12) for images in (usual, other)]
    assert sums[1] == pytest.approx(1.1 * sums[0], rel=1e-3)
    assert pixel(other, two_stars[1]) - new == pytest.approx([0.3, 0.0], abs=1e-3)
    repaired = [images.science.mask.get("COSMIC_RAY").sum() for images in (usual, other)]
    assert repaired[1] > repaired[0]


def test_the_seed_decides_the_pixels(exposure, rng):
    sky = make_sky([exposure.visit], make_detectors(2, 300), 6, rng)
    one, same, other = (expose(exposure, sky, seed, has_satellite=True) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.electrons, same.electrons)
    assert (one.electrons != other.electrons).mean() > 0.99
    assert one.mask["STREAK"].any()
    assert one.mask["INJECTED"].any()
