"""The pixels of a tract are what a loop over the patches makes of each."""

from dataclasses import dataclass

import numpy as np
import pytest

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images.warp._patches import common_planes, cut_tract

NUMBERS = [{"SAT": 1, "NO_DATA": 3}, {"NO_DATA": 0, "CR": 1, "SAT": 5}, {"SAT": 1}, {"CR": 31, "NO_DATA": 8}]
BOXES = [Box(100, 125, 50, 76), Box(120, 122, 60, 90), Box(131, 139, 55, 62)]
"""One reaches beyond the patches, one is of two columns, one lies on a single patch."""


@dataclass(frozen=True)
class Patch:
    """An image in memory."""

    box: Box
    mask_planes: dict
    image: np.ndarray
    variance: np.ndarray
    mask: np.ndarray

    def read(self, boxes, kinds):
        return {kind: [getattr(self, kind)[box.slices_within(self.box)] for box in boxes] for kind in kinds}


@pytest.fixture
def patches():
    """Patches that overlap, each with its own numbers of mask planes, and with holes of every kind."""
    rng = np.random.default_rng(4)
    found = []
    for planes, (x, y) in zip(NUMBERS, [(102, 52), (117, 50), (101, 70), (116, 71)], strict=True):
        box = Box(x, x + 24, y, y + 25)
        image = rng.normal(100, 30, box.shape).astype(np.float32)
        image[rng.random(box.shape) < 0.1] = np.nan
        mask = sum((rng.random(box.shape) < 0.2).astype(np.uint32) << bit for bit in planes.values())
        found.append(Patch(box, planes, image, rng.uniform(1, 9, box.shape).astype(np.float32), mask))
    return found


def names_at(mask, planes):
    return {name for name, bit in planes.items() if mask >> bit & 1}


def merged(patches, x, y):
    """Return value, variance and mask planes of a pixel, and how many patches have it."""
    weights, values, variances, names = [], [], [], set()
    for patch in patches:
        if not (patch.box.x_start <= x < patch.box.x_stop and patch.box.y_start <= y < patch.box.y_stop):
            continue
        place = y - patch.box.y_start, x - patch.box.x_start
        here = names_at(int(patch.mask[place]), patch.mask_planes)
        value, variance = float(patch.image[place]), float(patch.variance[place])
        if not np.isfinite(value) or not 0 < variance < np.inf or "NO_DATA" in here:
            continue
        weights.append(variance**-0.5)
        values.append(value)
        variances.append(variance)
        names |= here
    if not weights:
        return 0.0, 0.0, set(), False
    return np.average(values, weights=weights), np.average(variances, weights=weights), names, True


@pytest.mark.parametrize("with_variance", [True, False])
def test_each_pixel_is_the_weighted_mean_of_the_patches_that_have_it(patches, with_variance):
    if with_variance:  # which nobody looks at where a patch is alone
        for patch in patches:
            patch.variance[::7, ::3], patch.variance[1::7, ::5], patch.variance[2::7, ::4] = 0, np.nan, np.inf
    planes = common_planes(patches)
    cut = cut_tract(patches, BOXES, planes, [with_variance] * len(BOXES))
    for box, start, used in zip(BOXES, cut.starts, cut.used, strict=True):
        part = slice(start, start + box.width * box.height)
        pixels = [(x, y) for y in range(box.y_start, box.y_stop) for x in range(box.x_start, box.x_stop)]
        expected = [merged(patches, x, y) for x, y in pixels]
        values, variances, names, valid = zip(*expected, strict=True)
        np.testing.assert_array_equal(cut.mosaic.valid[part], valid)
        np.testing.assert_allclose(cut.mosaic.values[part], values, rtol=1e-5)
        if with_variance:
            np.testing.assert_allclose(cut.mosaic.variances[part], variances, rtol=1e-5)
        assert [names_at(int(bits), planes) for bits in cut.mosaic.bits[part]] == list(names)
        assert used == [i for i, patch in enumerate(patches) if any(merged([patch], *p)[3] for p in pixels)]
        assert 0 < sum(valid) < len(valid)


def test_planes_of_all_patches_have_one_number_each(patches):
    planes = common_planes(patches)
    assert planes.keys() == {"SAT", "NO_DATA", "CR"}
    assert planes.items() >= NUMBERS[0].items()
    assert len(set(planes.values())) == 3
    assert all(0 <= bit < 32 for bit in planes.values())
    assert common_planes([patches[2]])["NO_DATA"] != 1
