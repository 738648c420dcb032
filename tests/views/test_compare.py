import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import shift

from lsst.analysis.ap import CutoutsError
from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle
from lsst.analysis.ap.views._compare import compare_triplets, measure, residual

STYLE = PictureStyle(sizes=(31,))
BOX = Box(100, 131, 200, 231)


@pytest.fixture
def before():
    rng = np.random.default_rng(7)
    rows, columns = np.indices((31, 31))
    source = 900.0 * np.exp(-((rows - 15) ** 2 + (columns - 15) ** 2) / (2 * 1.8**2))
    arrays = [rng.normal(0, 4, (31, 31)) + part for part in (0, source, source)]
    stamps = [Stamp(array.astype(np.float32), BOX) for array in arrays]
    return Triplet(*stamps, sky_jacobian=np.diag([-0.2, 0.2]), position=(115.0, 215.0))


def changed(triplet, change):
    stamps = [Stamp(change(stamp.array).astype(np.float32), stamp.box) for stamp in triplet.stamps]
    return Triplet(*stamps, sky_jacobian=triplet.sky_jacobian, position=triplet.position)


def test_a_difference_that_is_halved_is_told_and_seen(before):
    half = changed(before, lambda array: array / 2)
    found = compare_triplets(STYLE, before, half)
    assert found.flux_ratio == pytest.approx(0.5)
    assert found.noise_ratio == pytest.approx(0.5)
    assert "flux 0.5 times" in found.words
    back = compare_triplets(STYLE, half, before)
    assert back.flux_ratio == pytest.approx(2.0)
    assert back.noise_ratio == pytest.approx(2.0)
    # Each picture by itself would look the same; between one pair of limits they do not.
    same = compare_triplets(STYLE, before, before)
    assert found.picture != same.picture
    pixels = np.array(Image.open(io.BytesIO(same.picture)).convert("L"))
    assert pixels.std() > 10


def test_flux_and_noise_are_those_that_were_put_in(before):
    flux, noise = measure(before)
    assert flux == pytest.approx(900 * 2 * np.pi * 1.8**2, rel=0.05)
    assert noise == pytest.approx(4.0, rel=0.1)


def test_a_shift_leaves_a_dipole_and_exchanging_the_runs_turns_it(before):
    moved = changed(before, lambda array: shift(array, (0, 0.3), order=3, mode="nearest"))
    left = residual(before, moved).difference.array
    row = left[13:18].sum(axis=0)
    assert row[16:20].max() > 5 * np.abs(row[:8]).max()
    assert row[11:15].min() < -5 * np.abs(row[:8]).max()
    middle = left[13:18, 10:21]
    assert abs(middle.sum()) < 0.05 * np.abs(middle).sum()
    np.testing.assert_array_equal(residual(moved, before).difference.array, -left)


def test_what_only_one_run_has_is_no_data_in_the_residual(before):
    holed = changed(before, lambda array: np.where(np.indices(array.shape)[0] < 5, np.nan, array))
    assert np.isnan(residual(before, holed).science.array[:5]).all()
    assert np.isfinite(residual(before, holed).science.array[5:]).all()


def test_two_collections_are_compared_in_the_order_of_their_stamps(task, demo, sources):
    some = sources.iloc[:3]
    grid = task.compare(some, demo.collection, [demo.collection])
    assert [row["flux_ratio"] for row in grid.rows] == [1.0] * 3
    assert all(picture.startswith(b"\x89PNG") for picture in grid.outcomes)
    bad = some.assign(dec=-89.0)
    assert all(
        reason.startswith("before: ")
        for reason in task.compare(bad, demo.collection, demo.collection).outcomes
    )


def test_a_run_without_images_is_named(task, demo, sources):
    with pytest.raises(Exception, match="nowhere"):
        task.compare(sources.iloc[:1], demo.collection, "nowhere")
    with pytest.raises(CutoutsError, match="give catalog="):
        task.compare(5, demo.collection, demo.collection)
