from dataclasses import replace

import numpy as np
import pytest

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle
from lsst.analysis.ap.render._orientation import oriented

NORTH_UP = PictureStyle(orientation="north-up")


def sky(angle: float, parity: int) -> np.ndarray:
    """Return a sky that is turned by degrees, mirrored where parity is 1."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return 0.2 * np.array([[parity * c, -parity * s], [s, c]])


def triplet_of_coordinates(jacobian: np.ndarray, size: int) -> Triplet:
    """Return stamps whose values are east and north of their pixels."""
    y, x = np.indices((size, size)) - (size - 1) / 2
    east, north = np.einsum("ij,jyx->iyx", jacobian, np.array([x, y])).astype(np.float32)
    box = Box(50, 50 + size, 70, 70 + size)
    mask = (north > 0).astype(np.int32)
    return Triplet(
        Stamp(east, box), Stamp(north, box, mask, {"N": 0}), Stamp(east, box), jacobian, (52.0, 71.0)
    )


@pytest.mark.parametrize("angle", [0, 30, 44, 46, 90, 133, 180, 222, 270, 300, 359])
@pytest.mark.parametrize("parity", [-1, 1])
@pytest.mark.parametrize("size", [6, 7])
def test_north_is_up_and_east_left_and_values_stay(angle, parity, size):
    before = triplet_of_coordinates(sky(angle, parity), size)
    after = oriented(NORTH_UP, before)
    east, north = after.template.array, after.science.array
    assert sorted(east.ravel()) == sorted(before.template.array.ravel())
    assert (east[:, 0] > east[:, -1]).all()
    assert (north[-1] > north[0]).all()
    # The jacobian describes the turned pixels.
    expected = triplet_of_coordinates(after.sky_jacobian, size)
    np.testing.assert_allclose(east, expected.template.array, atol=1e-6)
    np.testing.assert_allclose(north, expected.science.array, atol=1e-6)
    np.testing.assert_array_equal(after.science.mask, north > 0)


@pytest.mark.parametrize("angle", [10, 100, 200, 300])
@pytest.mark.parametrize("parity", [-1, 1])
def test_the_position_turns_with_the_pixels(angle, parity):
    before = triplet_of_coordinates(sky(angle, parity), 7)
    after = oriented(NORTH_UP, before)

    def value(triplet: Triplet) -> float:
        x, y = triplet.position
        return triplet.template.array[round(y) - 70, round(x) - 50]

    assert value(after) == value(before)


def test_pixels_stay_when_asked_or_when_the_sky_is_unknown():
    triplet = triplet_of_coordinates(sky(100, 1), 5)
    assert oriented(PictureStyle(), triplet) is triplet
    unknown = replace(triplet, sky_jacobian=np.full((2, 2), np.nan))
    assert oriented(NORTH_UP, unknown) is unknown
