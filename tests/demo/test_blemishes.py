import numpy as np
import pytest

from lsst.analysis.ap.demo import _blemishes


def test_bleeding_conserves_charge_within_the_column() -> None:
    image = np.full((101, 9), 10.0)
    image[50, 4] = 2010.0
    image[49:52, 3] = [150.0, 300.0, 150.0]
    before = image.sum(axis=0)

    saturated = _blemishes.bleed(image, 100.0)

    np.testing.assert_allclose(image.sum(axis=0), before)
    assert image.max() == pytest.approx(100)
    assert saturated[:, 4].sum() == 21  # the pixel, and (2010 - 100) / 2 / 90 whole ones on each side
    assert not saturated[:, [0, 1, 2, 5, 6, 7, 8]].any()


def test_charge_that_reaches_the_end_of_the_column_is_lost() -> None:
    image = np.zeros((5, 1))
    image[1, 0] = 1000.0

    assert _blemishes.bleed(image, 100.0).all()
    np.testing.assert_array_equal(image, np.full((5, 1), 100.0))


def test_defects_are_interpolated_along_their_row(rng: np.random.Generator) -> None:
    image = rng.normal(size=(30, 30))
    defects = np.zeros((30, 30), dtype=bool)
    defects[4:9, 12:14] = True
    repaired = image.copy()

    _blemishes.interpolate_rows(repaired, defects)

    for row in range(4, 9):
        left, right = image[row, 11], image[row, 14]
        assert repaired[row, 12:14] == pytest.approx([(2 * left + right) / 3, (left + 2 * right) / 3])
    np.testing.assert_array_equal(repaired[~defects], image[~defects])


def test_warped_noise_has_the_variance_it_claims_and_correlates_neighbours(
    rng: np.random.Generator,
) -> None:
    deviation = np.full((600, 600), 3.0)
    deviation[:300] = 6.0
    noise, variance = _blemishes.warped_noise(deviation, np.radians(20), rng)

    assert (noise**2 / variance).mean() == pytest.approx(1, abs=0.02)
    assert noise[:300].std() == pytest.approx(2 * noise[300:].std(), rel=0.03)
    # White noise keeps 2/3 per axis; what it lost it shares with its neighbours.
    assert noise[300:].var() == pytest.approx(9 * (2 / 3) ** 2, rel=0.03)
    assert np.corrcoef(noise[300:, 1:].ravel(), noise[300:, :-1].ravel())[0, 1] > 0.2
    assert abs(np.corrcoef(noise[300:, 5:].ravel(), noise[300:, :-5].ravel())[0, 1]) < 0.02


def test_cosmic_rays_are_few_and_sharp(rng: np.random.Generator) -> None:
    charge = _blemishes.cosmic_rays((1000, 1000), rng)

    assert 5 < (charge > 0).sum() < 2000
    row, column = np.unravel_index(charge.argmax(), charge.shape)
    around = charge[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    assert np.median(around) < 0.1 * charge.max()


def test_streak_lies_along_its_line(rng: np.random.Generator) -> None:
    distance = _blemishes.strip((200, 300), rng, np.radians(25))
    light = _blemishes.streak(distance, 30.0, 2.0, rng)

    assert 20 < light.max() <= 30
    assert light[np.abs(distance) > 10].max() < 0.01
    # The gradient of a distance is one.
    assert np.hypot(*np.gradient(distance)).mean() == pytest.approx(1)
