import numpy as np
import pytest
from scipy.ndimage import correlate

from lsst.analysis.ap.demo import _draw
from lsst.analysis.ap.demo._detect import detect, significance_map
from lsst.analysis.ap.demo._images import MaskedPixels
from lsst.analysis.ap.demo._psf import MoffatPsf

PSF = MoffatPsf(4.0)
SHAPE = (150, 160)


@pytest.fixture
def noise(rng: np.random.Generator) -> MaskedPixels:
    mask = {"NO_DATA": np.zeros(SHAPE, dtype=bool), "BAD": np.zeros(SHAPE, dtype=bool)}
    return MaskedPixels(rng.normal(0, 10, SHAPE), np.full(SHAPE, 100.0), mask)


def add(pixels: MaskedPixels, *stars: tuple[float, float, float]) -> None:
    x, y, flux = np.array(stars).T
    _draw.add_stars(pixels.image, x, y, flux, PSF)


def test_significance_agrees_with_the_direct_sums(noise: MaskedPixels) -> None:
    profile = PSF.stamp(10)
    wanted = correlate(noise.image, profile, mode="constant")
    wanted /= np.sqrt(correlate(noise.variance, profile**2, mode="constant"))

    np.testing.assert_allclose(significance_map(noise, PSF), wanted, atol=1e-9)


def test_noise_has_unit_significance(noise: MaskedPixels) -> None:
    assert significance_map(noise, PSF).std() == pytest.approx(1, abs=0.1)


def test_sources_of_both_signs_are_found_where_they_are(noise: MaskedPixels) -> None:
    add(noise, (40.2, 30.1, 3000.0), (100.0, 110.3, -3000.0))

    detections, positive, negative = detect(noise, PSF)

    assert [(d.x, d.y, d.signal_to_noise > 0) for d in detections] == [(40, 30, True), (100, 110, False)]
    assert all(detection.opposite is None for detection in detections)
    assert positive[30, 40]
    assert negative[110, 100]
    assert not (positive & negative).any()


def test_footprint_is_the_part_of_the_mask_in_its_box(noise: MaskedPixels) -> None:
    add(noise, (40.2, 30.1, 3000.0))

    (detection,), positive, _ = detect(noise, PSF)

    np.testing.assert_array_equal(positive[detection.box], detection.footprint)
    assert positive.sum() == detection.footprint.sum()


def test_dipole_is_one_detection_with_two_lobes(noise: MaskedPixels) -> None:
    add(noise, (60.0, 60.0, 9000.0), (64.0, 60.0, -8000.0))

    (detection,), _, _ = detect(noise, PSF)

    assert detection.signal_to_noise > 0
    assert detection.x < 61
    assert detection.opposite is not None
    assert detection.opposite[0] > 63
    assert detection.opposite[2] < -5


def test_long_footprint_is_cut_at_its_peaks(noise: MaskedPixels) -> None:
    _draw.add_trail(noise.image, 75.0, 70.0, 60_000.0, (110.0, 40.0), PSF)

    detections, _, _ = detect(noise, PSF)

    assert 2 <= len(detections) <= 4
    assert max(max(detection.footprint.shape) for detection in detections) <= 31


def test_source_without_data_at_its_centre_is_dropped(noise: MaskedPixels) -> None:
    add(noise, (60.0, 60.0, 5000.0), (30.0, 100.0, 5000.0))
    noise.mask["BAD"][95:106, 25:36] = True

    detections, _, _ = detect(noise, PSF)

    assert [(detection.x, detection.y) for detection in detections] == [(60, 60)]


def test_blank_pixels_have_no_significance(noise: MaskedPixels) -> None:
    noise.image[50:60] = np.nan
    noise.variance[50:60] = np.nan
    significance = significance_map(noise, PSF)

    assert not significance[50:60].any()
    assert np.isfinite(significance).all()
    assert np.abs(significance).max() < 5
