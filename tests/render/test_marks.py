import io

import numpy as np
import pytest
from PIL import Image

from lsst.analysis.ap.domain import Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer
from lsst.analysis.ap.render._compass import compass
from lsst.analysis.ap.render._layout import Rect
from lsst.analysis.ap.render._overlay import MASK_PATTERNS

YELLOW, BLUE = (255, 236, 0), (0, 0, 255)


def panel(triplet: Triplet, row: dict | None = None, **choices: object) -> np.ndarray:
    """Return the science panel, rows from the top."""
    png = Renderer(PictureStyle(**choices)).render([triplet], row)
    return np.asarray(Image.open(io.BytesIO(png)))[32:242, 230:440]


@pytest.mark.parametrize("mark", ["crosshair", "ticks"])
def test_center_marks_lie_about_the_source_and_leave_it_free(make_triplet, mark):
    triplet = make_triplet()
    plain, marked = panel(triplet), panel(triplet, center_mark=mark)
    changed = np.argwhere((plain != marked).any(axis=-1))
    assert len(changed)
    np.testing.assert_allclose((changed.min(axis=0) + changed.max(axis=0) + 1) / 2, 105, atol=1)
    assert (np.abs(changed - 105).max(axis=1) > 15).all()


def test_center_marks_follow_the_position(make_triplet):
    triplet = make_triplet()
    box = triplet.science.box
    moved = Triplet(*triplet.stamps, triplet.sky_jacobian, position=(box.x_start + 9.5, box.y_start + 19.5))
    changed = np.argwhere((panel(moved) != panel(moved, center_mark="crosshair")).any(axis=-1))
    center = (changed.min(axis=0) + changed.max(axis=0) + 1) / 2
    np.testing.assert_allclose(center, (210 - 20 * 7, 10 * 7), atol=1)


def test_footprint_is_outlined_on_pixel_borders(make_triplet):
    triplet = make_triplet()
    changed = panel(triplet) != panel(triplet, {"bboxSize": 10}, footprint=True)
    rows, columns = np.nonzero(changed.any(axis=-1))
    # Ten pixels of seven, and a blue edge.
    assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == 72
    assert (rows.min() + 1) % 7 == (columns.min() + 1) % 7 == 0
    assert not changed[rows.min() + 3 : rows.max() - 2, columns.min() + 3 : columns.max() - 2].any()
    for row in (None, {}, {"bboxSize": None}):
        assert not (panel(triplet) != panel(triplet, row, footprint=True)).any()


def test_mask_planes_are_shown_where_they_are_set(make_triplet):
    triplet = make_triplet()
    mask = np.zeros((30, 30), dtype=np.int32)
    mask[25, 4] = 2
    mask[20, 20] = 8
    science = Stamp(triplet.science.array, triplet.science.box, mask, {"SAT": 1, "CR": 3})
    masked = Triplet(triplet.template, science, triplet.difference, triplet.sky_jacobian)
    changed = (panel(masked) != panel(masked, mask_planes=("SAT", "EDGE"))).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert set(rows // 7) == {29 - 25}
    assert set(columns // 7) == {4}
    shown = panel(masked, mask_planes=("SAT",))[changed]
    assert {tuple(color) for color in shown.tolist()} == {MASK_PATTERNS["SAT"][0]}


def test_planes_of_one_color_differ_in_direction():
    assert len(set(MASK_PATTERNS.values())) == len(MASK_PATTERNS)


@pytest.mark.parametrize("angle", range(0, 360, 30))
def test_compass_points_north(angle):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # North is at this angle from right, east another 90 degrees on.
    jacobian = 0.2 * np.array([[-s, c], [c, s]])
    patch = compass(jacobian, Rect(10, 20, 210, 210))
    assert patch is not None
    assert (patch.rect.x + patch.rect.width, patch.rect.y + patch.rect.height) == (217, 227)
    ink = np.argwhere(patch.image[..., 0] > 128) - (patch.image.shape[0] - 1) / 2
    up, right = -ink[:, 0], ink[:, 1]
    along_north, along_east = right * c + up * s, -right * s + up * c
    # Both letters lie at the ends of their arms, and nothing on the far side.
    assert along_north.max() > 9
    assert along_east.max() > 9
    assert along_north.min() > -9
    assert along_east.min() > -9


def test_unknown_directions_have_no_compass():
    assert compass(np.full((2, 2), np.nan), Rect(0, 0, 210, 210)) is None
    assert compass(np.zeros((2, 2)), Rect(0, 0, 210, 210)) is None
    assert compass(np.eye(2), Rect(0, 0, 40, 40)) is None
