from dataclasses import replace

import numpy as np
import pytest

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle
from lsst.analysis.ap.render._orientation import View, view

ANGLES = [0, 30, 44, 46, 90, 133, 180, 222, 270, 300, 359]


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
    stamps = Stamp(east, box), Stamp(north, box, mask, {"N": 0}), Stamp(east, box)
    return Triplet(*stamps, jacobian, (52.0, 71.0), footprint=north > 0)


def turned(triplet: Triplet, orientation: str, size: int | None = None) -> View:
    size = size or triplet.science.box.width
    return view(PictureStyle(sizes=(size,), orientation=orientation), triplet, size)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("parity", [-1, 1])
@pytest.mark.parametrize("size", [6, 7])
def test_nearest_north_is_up_and_east_left_and_values_stay(angle, parity, size):
    before = triplet_of_coordinates(sky(angle, parity), size)
    shown = turned(before, "nearest-north")
    after = shown.triplet
    east, north = after.template.array, after.science.array
    assert sorted(east.ravel()) == sorted(before.template.array.ravel())
    assert (east[:, 0] > east[:, -1]).all()
    assert (north[-1] > north[0]).all()
    # The jacobian describes the turned pixels.
    expected = triplet_of_coordinates(shown.sky_jacobian, size)
    np.testing.assert_allclose(east, expected.template.array, atol=1e-6)
    np.testing.assert_allclose(north, expected.science.array, atol=1e-6)
    np.testing.assert_array_equal(after.difference.array, east)
    np.testing.assert_array_equal(after.science.mask, north > 0)
    np.testing.assert_array_equal(after.footprint, north > 0)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("parity", [-1, 1])
def test_true_north_shows_the_pixel_that_lies_at_each_place(angle, parity):
    jacobian, size = sky(angle, parity), 7
    triplet = triplet_of_coordinates(jacobian, size)
    style = PictureStyle(sizes=(size,), panel_pixels=40, orientation="true-north")
    shown = view(style, triplet, size)
    grid = shown.grid
    found = grid.screen(triplet.science.array, np.float32(np.nan))
    np.testing.assert_allclose(shown.sky_jacobian, [[-0.2, 0], [0, 0.2]], atol=1e-12)
    for row, column in np.ndindex(found.shape):
        # By the sky: where is what lies so far left (east) and up (north) of the centre?
        east = -((column + 0.5) / grid.factor - size / 2) * 0.2
        north = (size / 2 - (row + 0.5) / grid.factor) * 0.2
        x, y = np.linalg.solve(jacobian, (east, north)) + (size - 1) / 2
        if any(abs((v + 0.5) % 1 - 0.5) > 0.5 - 1e-6 for v in (x, y)):
            continue  # on the border of two pixels
        nearest = round(y), round(x)
        inside = all(0 <= v < size for v in nearest)
        np.testing.assert_equal(found[row, column], triplet.science.array[nearest] if inside else np.nan)


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
@pytest.mark.parametrize("parity", [-1, 1])
@pytest.mark.parametrize("size", [6, 7])
def test_by_whole_quarters_true_north_is_nearest_north(angle, parity, size):
    triplet = triplet_of_coordinates(sky(angle, parity), size)
    nearest, true = (turned(triplet, kind) for kind in ("nearest-north", "true-north"))
    expected = nearest.grid.screen(nearest.triplet.science.array, np.float32(np.nan))
    np.testing.assert_array_equal(true.grid.screen(triplet.science.array, np.float32(np.nan)), expected)
    assert true.center == pytest.approx(nearest.center)


@pytest.mark.parametrize("angle", [45, 10])
def test_larger_stamps_leave_no_corner_without_data(angle):
    style = PictureStyle(sizes=(20,), orientation="true-north")
    large = 20 + 2 * style.margin(20)
    small, whole = (triplet_of_coordinates(sky(angle, 1), size) for size in (20, large))
    found = turned(whole, "true-north", 20)
    assert found.grid.side == turned(small, "true-north").grid.side
    assert np.isfinite(found.grid.screen(whole.science.array, np.float32(np.nan))).all()
    assert not np.isfinite(
        turned(small, "true-north").grid.screen(small.science.array, np.float32(np.nan))
    ).all()


@pytest.mark.parametrize("angle", [10, 100, 200, 300])
@pytest.mark.parametrize("parity", [-1, 1])
@pytest.mark.parametrize("orientation", ["pixels", "nearest-north", "true-north"])
def test_the_source_is_where_its_pixel_is_shown(angle, parity, orientation):
    before = triplet_of_coordinates(sky(angle, parity), 7)
    shown = turned(before, orientation)
    right, up = shown.center
    screen = shown.grid.screen(shown.triplet.template.array, np.float32(np.nan))
    # The position is the centre of the pixel in column 2 and row 1.
    assert screen[int(shown.grid.side - up), int(right)] == before.template.array[1, 2]


def test_pixels_stay_when_asked_or_when_the_sky_is_unknown():
    triplet = triplet_of_coordinates(sky(100, 1), 5)
    assert turned(triplet, "pixels").triplet is triplet
    unknown = replace(triplet, sky_jacobian=np.full((2, 2), np.nan))
    for orientation in ("nearest-north", "true-north"):
        shown = turned(unknown, orientation)
        assert shown.triplet is unknown
        assert shown.grid.matrix is None


@pytest.mark.parametrize("orientation", ["pixels", "true-north"])
def test_layers_are_shown_as_each_of_them_is_alone(orientation):
    grid = turned(
        triplet_of_coordinates(sky(30, -1), 6), orientation, size=4 if "true" in orientation else 6
    ).grid
    layers = np.random.default_rng(2).random((3, *grid.box.shape))
    shown = grid.screen(layers, np.float64(0))
    np.testing.assert_array_equal(shown, [grid.screen(layer, np.float64(0)) for layer in layers])
