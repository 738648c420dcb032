"""Resampling is what the formulas say, pixel by pixel."""

import math

import numpy as np
import pytest

from lsst.analysis.ap.images.warp._lanczos import Mosaic, resample


def kernel(distance):
    """Lanczos-3, by hand."""
    if distance == 0:
        return 1.0
    x = math.pi * distance
    return math.sin(x) / x * math.sin(x / 3) / (x / 3) if abs(distance) < 3 else 0.0


def by_hand(image, variance, valid, x, y):
    """Return the value and the variance at one position."""
    column, row = math.floor(x), math.floor(y)
    if not all(valid[row + j, column + i] for i in (0, 1) for j in (0, 1)):
        return math.nan, math.nan
    total = value = spread = 0.0
    for j in range(row - 2, row + 4):
        for i in range(column - 2, column + 4):
            if valid[j, i]:
                weight = kernel(x - i) * kernel(y - j)
                total += weight
                value += weight * float(image[j, i])
                spread += weight**2 * float(variance[j, i])
    return value / total, spread / total**2


def mosaic_of(images, variances, valid):
    def flat(arrays, dtype):
        return np.concatenate([array.ravel() for array in arrays]).astype(dtype)

    values = [np.where(ok, image, 0) for image, ok in zip(images, valid, strict=True)]
    spreads = [np.where(ok, variance, 0) for variance, ok in zip(variances, valid, strict=True)]
    count = sum(image.size for image in images)
    return Mosaic(
        flat(values, np.float32),
        flat(spreads, np.float32),
        flat(valid, bool),
        np.arange(count, dtype=np.uint32),
    )


@pytest.mark.parametrize("hole", [False, True])
def test_values_and_variances_are_those_by_hand(hole):
    rng = np.random.default_rng(3)
    shapes = [(12, 9), (10, 15)]
    images = [rng.normal(100, 30, shape) for shape in shapes]
    variances = [rng.uniform(1, 9, shape) for shape in shapes]
    valid = [np.ones(shape, bool) for shape in shapes]
    if hole:
        valid[1][4:6, 7] = False
    sizes = [image.size for image in images]
    which = np.repeat([0, 1], 60)
    # Not where afw may see a position on the other side of a pixel.
    fractions = rng.uniform(0.02, 0.98, (2, 120))
    x = np.concatenate([rng.integers(2, shape[1] - 4, 60) for shape in shapes]) + fractions[0]
    y = np.concatenate([rng.integers(2, shape[0] - 4, 60) for shape in shapes]) + fractions[1]
    starts, widths = np.array([0, sizes[0]])[which], np.array([shape[1] for shape in shapes])[which]
    found = resample(mosaic_of(images, variances, valid), starts, widths, x, y, with_variance=True)
    expected = [
        by_hand(images[w], variances[w], valid[w], xi, yi) for w, xi, yi in zip(which, x, y, strict=True)
    ]
    values, spreads = np.array(expected).T
    assert np.isnan(values).any() == hole
    np.testing.assert_allclose(found.values, values, rtol=1e-5)
    there = np.isfinite(values)
    np.testing.assert_allclose(found.variances[there], spreads[there], rtol=1e-5)
    nearest = np.rint(y) * widths + np.rint(x) + starts
    np.testing.assert_array_equal(found.bits, nearest)


def test_pixels_on_the_grid_stay_what_they_are():
    image = np.random.default_rng(1).normal(0, 1e4, (20, 20))
    valid = np.ones(image.shape, bool)
    y, x = np.mgrid[2:17, 2:17].reshape(2, -1).astype(float)
    zeros, widths = np.zeros(x.size, int), np.full(x.size, 20)
    found = resample(mosaic_of([image], [image**2], [valid]), zeros, widths, x, y, with_variance=False)
    np.testing.assert_allclose(found.values.reshape(15, 15), image[2:17, 2:17], rtol=1e-6)
    assert (found.variances == 1).all()


@pytest.mark.parametrize("offset", [-1e-3, 0.0, 1e-3])
def test_close_to_a_pixel_both_sides_count(offset):
    """Afw may see such a position on either side."""
    image = np.ones((12, 12))
    for column, is_hole in ((4, True), (5, True), (6, True), (3, False), (7, False)):
        valid = np.ones(image.shape, bool)
        valid[5, column] = False
        zeros, widths = np.zeros(1, int), np.full(1, 12)
        found = resample(
            mosaic_of([image], [image], [valid]),
            zeros,
            widths,
            np.array([5.0 + offset]),
            np.array([5.5]),
            with_variance=False,
        )
        assert np.isnan(found.values[0]) == is_hole
