"""What lies over the panels, measured on finished pictures."""

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from PIL import Image, ImageDraw, ImageFont

from lsst.analysis.ap.domain import Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer
from lsst.analysis.ap.render._annotation import annotation
from lsst.analysis.ap.render._colors import inks
from lsst.analysis.ap.render._compass import _arrow
from lsst.analysis.ap.render._footprint import find_footprint
from lsst.analysis.ap.render._layout import layout
from lsst.analysis.ap.render._overlay import MASK_PATTERNS

YELLOW, BLUE = (255, 236, 0), (0, 0, 255)


def picture(triplet: Triplet, row: dict | None = None, **choices: object) -> np.ndarray:
    style = PictureStyle(**{"sizes": (triplet.science.box.width,), **choices})
    return np.asarray(Image.open(io.BytesIO(Renderer(style).render([triplet], row))))


def panel(triplet: Triplet, row: dict | None = None, number: int = 1, **choices: object) -> np.ndarray:
    """Return a panel, rows from the top."""
    style = PictureStyle(**{"sizes": (triplet.science.box.width,), **choices})
    return picture(triplet, row, **choices)[layout(style).panels[0][number].slices]


def where(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (image == color).all(axis=-1)


def extent(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Return first row and column, last row and column of what is set."""
    rows, columns = np.nonzero(pixels)
    return rows.min(), columns.min(), rows.max(), columns.max()


@pytest.fixture
def white(make_triplet):
    stamp = Stamp(np.ones((30, 30), np.float32), make_triplet().science.box)
    return Triplet(stamp, stamp, stamp, sky_jacobian=0.2 * np.diag([-1.0, 1.0]))


@pytest.mark.parametrize(("panel_pixels", "scale"), [(210, 1), (420, 2)])
@pytest.mark.parametrize("arcseconds", [0.2, 0.168, 0.5])
def test_the_bar_is_one_arcsecond_and_says_so(make_triplet, panel_pixels, scale, arcseconds):
    triplet = replace(make_triplet(), sky_jacobian=arcseconds * np.diag([-1.0, 1.0]))
    image = panel(triplet, panel_pixels=panel_pixels)
    corner = image[-12 * scale :, : 110 * scale]
    frame = extent(where(corner, BLUE) | where(corner, YELLOW))
    top, left, bottom, right = frame
    assert (left, bottom) == (3 * scale, 9 * scale - 1)
    assert bottom - top + 1 == 9 * scale
    middle = where(corner, YELLOW)[(top + bottom) // 2]
    length = np.flatnonzero(~middle[left + 3 * scale :])[0]
    assert length == round(7 * scale / arcseconds)
    # Behind it the words 1", which have a stem that is higher than the bar.
    words = corner[:, left + 3 * scale + length + 3 * scale : right + 1]
    ink = words[..., 0] > 128
    first, _, last, _ = extent(ink)
    assert last - first + 1 >= 6 * scale
    strokes = np.flatnonzero(np.diff(np.r_[False, ink[first + scale], False].astype(int)) == 1)
    assert len(strokes) == 3  # the stem of the one and the two strokes of the sign
    assert not ink[last, int(strokes[1]) :].any()


def test_a_bar_without_room_for_words_has_none(make_triplet):
    image = panel(make_triplet(), panel_pixels=30)
    yellow = where(image, YELLOW)
    top, left, bottom, right = extent(yellow)
    assert yellow.sum() == (bottom - top + 1) * (right - left + 1) == 3 * 5


@pytest.mark.parametrize(
    "jacobian", [np.zeros((2, 2)), np.full((2, 2), np.nan), 30 * np.eye(2), 1e-3 * np.eye(2)]
)
def test_there_is_no_bar_that_would_have_no_length_or_no_room(make_triplet, jacobian):
    assert not where(panel(replace(make_triplet(), sky_jacobian=jacobian)), BLUE).any()


@pytest.mark.parametrize("mark", ["crosshair", "ticks"])
def test_center_marks_lie_about_the_source_and_leave_it_free(make_triplet, mark):
    triplet = make_triplet()
    plain, marked = panel(triplet), panel(triplet, center_mark=mark)
    changed = np.argwhere((plain != marked).any(axis=-1))
    assert len(changed)
    np.testing.assert_allclose((changed.min(axis=0) + changed.max(axis=0) + 1) / 2, 105, atol=1)
    assert (np.abs(changed - 105).max(axis=1) > 15).all()
    # Alike to the left and right, above and below, and along the diagonal.
    for color in (YELLOW, BLUE):
        shown = where(marked, color) & (plain != marked).any(axis=-1)
        for same in (shown[::-1], shown[:, ::-1], shown.T):
            np.testing.assert_array_equal(same, shown)


@pytest.mark.parametrize(
    # How far they reach, and how much of that is free: of the corners what lies between their arms.
    ("mark", "reach", "free"),
    [("crosshair", 1 / 10 + 1 / 12, 1 / 10), ("ticks", 1 / 6, 1 / 6 - 1 / 20)],
)
def test_center_marks_keep_their_distance(make_triplet, mark, reach, free):
    shown = where(panel(make_triplet(24), center_mark=mark, panel_pixels=240), YELLOW)[:200]
    rows, columns = np.abs(np.argwhere(shown).T + 0.5 - 120)
    assert max(rows.max(), columns.max()) == pytest.approx(240 * reach, abs=1)
    along = columns[rows < 2] if mark == "crosshair" else columns
    assert along.min() == pytest.approx(240 * free, abs=1)


@pytest.mark.parametrize("mark", ["crosshair", "ticks"])
def test_center_marks_grow_with_the_panel(make_triplet, mark):
    triplet = make_triplet(24)
    small, large = (
        where(panel(triplet, center_mark=mark, panel_pixels=side), YELLOW)[: int(0.9 * side)]
        for side in (240, 480)
    )
    np.testing.assert_array_equal(np.kron(small, np.ones((2, 2), dtype=bool)), large)


@pytest.mark.parametrize("mark", ["crosshair", "ticks"])
def test_center_marks_are_cut_at_the_border_and_nowhere_else(white, mark):
    box = white.science.box

    def shown(x, y):
        there = replace(white, position=(box.x_start + x, box.y_start + y), sky_jacobian=np.zeros((2, 2)))
        choices = {"center_mark": mark, "image_limits": (0.0, 1.0)}
        image = picture(there, **choices)
        inside = sum(where(panel(there, number=number, **choices), BLUE).sum() for number in range(3))
        assert where(image, BLUE).sum() == inside
        return panel(there, **choices)

    whole = np.pad(shown(14.5, 14.5), ((210, 210), (210, 210), (0, 0)), constant_values=255)
    for x, y in ((0.5, 14.5), (4.5, 2.5), (28.5, 27.5), (14.5, 25.5), (25.5, 14.5), (3.5, 3.5)):
        right, up = round(7 * (x - 14.5)), round(7 * (y - 14.5))
        expected = whole[210 + up : 420 + up, 210 - right : 420 - right]
        np.testing.assert_array_equal(shown(x, y), expected)


@pytest.mark.parametrize("mark", ["crosshair", "ticks"])
def test_center_marks_follow_the_position(make_triplet, mark):
    triplet = make_triplet()
    box = triplet.science.box
    moved = replace(triplet, position=(box.x_start + 11.5, box.y_start + 17.5))
    changed = np.argwhere((panel(moved) != panel(moved, center_mark=mark)).any(axis=-1))
    center = (changed.min(axis=0) + changed.max(axis=0) + 1) / 2
    np.testing.assert_allclose(center, (210 - 18 * 7, 12 * 7), atol=1)


def compass_ink(jacobian: np.ndarray, make_triplet, **choices: object) -> np.ndarray:
    """Return which pixels of the first panel the compass makes yellow, as parts of one."""
    triplet = replace(make_triplet(), sky_jacobian=jacobian)
    before, after = (panel(triplet, number=0, compass=on, **choices).astype(float) for on in (False, True))
    before, after = (np.pad(image, ((0, 9), (0, 9), (0, 0))) for image in (before, after))
    ink = np.where((before != after).any(axis=-1), (after[..., 1] - 0.0) / 236 * (after[..., 2] < 200), 0.0)
    return np.clip(ink, 0.0, 1.0)


def letter(text: str) -> np.ndarray:
    """Return a letter as another program draws it."""
    path = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf"
    image = Image.new("L", (15, 15))
    ImageDraw.Draw(image).text((7, 7), text, fill=255, font=ImageFont.truetype(path, 11), anchor="mm")
    return np.asarray(image, dtype=float)


def likeness(ink: np.ndarray, row: float, column: float, text: str) -> float:
    """Return how much what is near a place looks like a letter."""
    wanted = letter(text) - letter(text).mean()
    best = 0.0
    for dy, dx in np.ndindex(5, 5):
        y, x = round(row) - 7 + dy - 2, round(column) - 7 + dx - 2
        part = ink[y : y + 15, x : x + 15]
        part = part - part.mean()
        best = max(best, float((part * wanted).sum() / np.linalg.norm(part) / np.linalg.norm(wanted)))
    return best


@pytest.mark.parametrize("angle", [0, 35, 110, 200, 290])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("orientation", ["pixels", "nearest-north", "true-north"])
def test_the_compass_tells_north_from_east(make_triplet, angle, mirrored, orientation):
    """What is north and east comes from steps on the sky through a WCS of astropy."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 30.0], [1.0, 1.0]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[(1 if mirrored else -1) * c, s], [(1 if mirrored else -1) * s, -c]]) * 0.2 / 3600
    center = SkyCoord(150.0, 30.0, unit="deg")
    steps = {}
    for name, towards in (("N", 0 * u.deg), ("E", 90 * u.deg)):
        x, y = wcs.world_to_pixel(center.directional_offset_by(towards, 0.2 * u.arcsec))
        steps[name] = np.array([float(x), float(y)])
    jacobian = np.linalg.inv(np.column_stack([steps["E"], steps["N"]])) * 0.2
    ink = compass_ink(jacobian, make_triplet, orientation=orientation)
    if orientation == "true-north":
        steps = {"N": np.array([0.0, 1.0]), "E": np.array([-1.0, 0.0])}
    elif orientation == "nearest-north":
        quarter = [
            np.array(m) for m in ([[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]])
        ]
        candidates = [q @ f for q in quarter for f in (np.eye(2), np.diag([-1, 1]))]
        best = max(candidates, key=lambda m: (m @ steps["N"])[1] - (m @ steps["E"])[0])
        steps = {name: best @ step for name, step in steps.items()}
    # Where the arrows begin: their common end is 36 pixels from the corner.
    for name, other in (("N", "E"), ("E", "N")):
        right, up = steps[name] / np.linalg.norm(steps[name])
        row, column = 210 - 36 - 27 * up, 210 - 36 + 27 * right
        assert likeness(ink, row, column, name) > 0.6
        assert likeness(ink, row, column, name) > likeness(ink, row, column, other) + 0.1
        # The arrow itself, and its head near the letter.
        along = [ink[round(209.5 - 36 - r * up), round(209.5 - 36 + r * right)] for r in range(3, 17)]
        assert min(along) > 0.3
        widths = [
            sum(
                ink[round(209.5 - 36 - r * up + t * right), round(209.5 - 36 + r * right + t * up)] > 0.5
                for t in np.arange(-4, 4.5, 0.5)
            )
            for r in (6, 14)
        ]
        assert widths[1] > widths[0]


def test_pixels_without_data_are_striped_from_corner_to_corner(make_triplet):
    area = panel(make_triplet(missing=12))[20:150, 2:80]
    np.testing.assert_array_equal(area[1:, :-1], area[:-1, 1:])
    is_dark = area[0].sum(axis=-1) < area[0].sum(axis=-1).mean()
    assert len(np.unique(area.reshape(-1, 3), axis=0)) == 2
    edges = np.flatnonzero(np.diff(is_dark))
    assert len(edges) > 4
    (width,) = set(np.diff(edges).tolist())
    assert width > 3  # thinner ones look gray


def test_an_arrow_of_the_compass_is_a_thin_shaft_with_a_head():
    x, y = np.array(_arrow(1.0, 0.0, 2.0).vertices).T
    outline = set(zip(x.tolist(), y.tolist(), strict=True))
    assert outline == {(along, -across) for along, across in outline}
    tip, (shaft,), neck = x.max(), set(abs(y[x == 0])) - {0}, sorted(set(x))[1]
    assert set(abs(y[x == tip])) == {0}
    assert sorted(set(abs(y[x == neck]))) == [shaft, max(y)]
    assert shaft < max(y) / 3
    assert tip == max(y) + neck + max(y)  # a head as long as wide


def test_the_compass_is_in_the_first_panel_alone_and_hides_little(make_triplet):
    triplet = make_triplet()
    for number, expected in ((0, True), (1, False), (2, False)):
        changed = (panel(triplet, number=number) != panel(triplet, number=number, compass=True)).any(axis=-1)
        assert changed.any() == expected
        if expected:
            assert changed.sum() < 600  # of 37 times 37 and more that a box would hide
            assert changed[:138].sum() == changed[:, :138].sum() == 0
    parts = Renderer(PictureStyle(compass=True)).render_panels([triplet])
    plain = Renderer(PictureStyle()).render_panels([triplet])
    assert all(parts[name] != plain[name] for name in parts)


@pytest.mark.parametrize("jacobian", [np.full((2, 2), np.nan), np.zeros((2, 2)), np.ones((2, 2))])
def test_unknown_directions_have_no_compass(make_triplet, jacobian):
    assert not compass_ink(jacobian, make_triplet).any()


@pytest.mark.parametrize(("size", "is_there"), [(36, True), (35, False)])
def test_only_panels_of_three_times_its_reach_have_a_compass(make_triplet, size, is_there):
    triplet = replace(make_triplet(size), sky_jacobian=0.2 * np.eye(2))
    choices = {"panel_pixels": 3 * size, "number": 0}
    assert (panel(triplet, **choices) != panel(triplet, compass=True, **choices)).any() == is_there


def difference_mask(triplet: Triplet, plane: str, pixels: np.ndarray) -> Triplet:
    bit = {"DETECTED": 5, "DETECTED_NEGATIVE": 6}[plane]
    mask = pixels.astype(np.int32) << bit
    stamp = replace(triplet.difference, mask=mask, mask_planes={plane: bit})
    return replace(triplet, difference=stamp)


def enlarged(pixels: np.ndarray) -> np.ndarray:
    return pixels[::-1].repeat(7, axis=0).repeat(7, axis=1)


def neighbours(pixels: np.ndarray, *, any_of: bool) -> np.ndarray:
    """Return whether any or all of nine pixels are set, by a loop."""
    height, width = pixels.shape
    found = np.zeros_like(pixels)
    for y, x in np.ndindex(pixels.shape):
        part = pixels[max(0, y - 1) : min(height, y + 2), max(0, x - 1) : min(width, x + 2)]
        found[y, x] = part.any() if any_of else part.all()
    return found


@pytest.mark.parametrize("plane", ["DETECTED", "DETECTED_NEGATIVE"])
def test_the_footprint_is_outlined_by_its_pixels(make_triplet, plane):
    footprint, other = np.zeros((30, 30), dtype=bool), np.zeros((30, 30), dtype=bool)
    footprint[12:17, 13:15] = footprint[17, 15] = True  # the last touches by a corner alone
    other[3:6, 20:25] = True  # another source
    triplet = difference_mask(make_triplet(), plane, footprint | other)
    image = panel(triplet, {"bboxSize": 9}, footprint=True)[:190]
    inside = enlarged(footprint)
    line = inside & ~neighbours(inside, any_of=False)
    np.testing.assert_array_equal(where(image, YELLOW), line[:190])
    np.testing.assert_array_equal(where(image, BLUE), (neighbours(line, any_of=True) & ~line)[:190])


def test_a_footprint_is_all_that_touches_what_is_detected_near_the_source(make_triplet):
    """Found by a flood from the detected pixels up to two from the source along either axis."""
    rng, triplet, counts = np.random.default_rng(4), make_triplet(12), set()
    box = triplet.science.box
    for _ in range(300):
        plane, x, y = rng.random((12, 12)) < 0.2, *rng.integers(-5, 17, 2)
        todo = {(r, c) for r, c in np.argwhere(plane).tolist() if max(abs(r - y), abs(c - x)) <= 2}
        expected = np.zeros_like(plane)
        while todo:
            row, column = todo.pop()
            expected[row, column] = True
            near = np.argwhere(plane & ~expected) - (row, column)
            todo |= {(row + r, column + c) for r, c in near.tolist() if max(abs(r), abs(c)) == 1}
        there = replace(triplet, position=(box.x_start + x, box.y_start + y))
        found = find_footprint(difference_mask(there, "DETECTED", plane), None)
        assert (found is not None) == expected.any()
        if found is not None:
            np.testing.assert_array_equal(found.pixels, expected)
        counts.add(int(expected.sum()))
    assert len(counts) > 15


def test_pixels_that_the_triplet_knows_come_first(make_triplet):
    known = np.zeros((30, 30), dtype=bool)
    known[5:9, 5:9] = True
    triplet = replace(difference_mask(make_triplet(), "DETECTED", ~known), footprint=known)
    image = panel(triplet, footprint=True)
    assert extent(where(image[:190], YELLOW)) == (210 - 9 * 7, 5 * 7, 210 - 5 * 7 - 1, 9 * 7 - 1)


def test_a_box_is_outlined_on_pixel_borders_and_called_one(make_triplet):
    triplet = make_triplet()
    changed = (panel(triplet) != panel(triplet, {"bboxSize": 10}, footprint=True)).any(axis=-1)
    # By the rule of `Box.from_center` the box of a source at (14.5, 14.5) holds pixels 10 to 19.
    outline = extent(where(panel(triplet, {"bboxSize": 10}, footprint=True)[:190], YELLOW)[71:])
    assert outline[2] + 71 == 210 - 70 - 1
    assert outline[1] == 10 * 7
    assert outline[3] == 20 * 7 - 1
    assert not changed[75:135, 75:135].any()
    # The word stands above, at the left.
    top, left, bottom, right = extent(changed[:69])
    assert 69 - 16 < top < bottom <= 68
    assert 65 <= left < right < 105
    for row in (None, {}, {"bboxSize": None}, {"bboxSize": 0}):
        assert not (panel(triplet) != panel(triplet, row, footprint=True)).any()


@pytest.mark.parametrize(("panel_pixels", "scale"), [(210, 1), (420, 2)])
@pytest.mark.parametrize(
    ("center", "size"), [((1.0, 14.5), 10), ((14.5, 14.5), 10), ((28.5, 14.5), 4), ((14.5, 27.0), 10)]
)
def test_the_word_at_a_box_is_inside_the_panel(white, panel_pixels, scale, center, size):
    """As large as Pillow has it at ten pixels per em, with an edge of 1.1."""
    box, side = white.science.box, panel_pixels
    triplet = replace(white, position=(box.x_start + center[0], box.y_start + center[1]))
    choices = {"image_limits": (0.0, 1.0), "panel_pixels": panel_pixels}
    image = panel(triplet, {"bboxSize": size}, footprint=True, **choices)
    lines = replace(triplet, footprint=find_footprint(triplet, {"bboxSize": size}).pixels)
    alone = panel(lines, footprint=True, **choices)
    top, left, bottom, right = extent((image != alone).any(axis=-1))
    line_top, line_left, _, _ = extent((alone != 255).any(axis=-1)[: 190 * scale])
    path = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf"
    _, letters_top, letters_right, letters_bottom = (
        n / 100 for n in ImageFont.truetype(path, 1000).getbbox("box", anchor="ls")
    )
    assert right - left + 1 == pytest.approx((letters_right + 2.2) * scale, abs=1.5)
    assert bottom - top + 1 == pytest.approx((letters_bottom - letters_top + 2.2) * scale, abs=1.2)
    assert left == max(0, line_left - scale) or right == side - 3 * scale
    assert right <= side - 3 * scale
    assert bottom == line_top - 2 * scale or top == pytest.approx(3 * scale, abs=1)


@pytest.mark.parametrize(("panel_pixels", "scale"), [(210, 1), (420, 2)])
def test_the_edges_of_a_word_and_of_the_compass_are_as_wide(white, panel_pixels, scale):
    """Measured on white: red is what is missing where there is blue."""
    choices = {"image_limits": (0.0, 1.0), "panel_pixels": panel_pixels}
    word = panel(white, {"bboxSize": 10}, footprint=True, **choices)[: 69 * scale].astype(float)
    top, left, bottom, _ = extent((word != 255).any(axis=-1))
    stem = word[(top + bottom) // 2, left : left + 6 * scale]  # the left side of the b
    edge = (255 - stem[: stem[:, 2].argmin() + 1, 0]).sum() / 255
    assert edge == pytest.approx(1.1 * scale, abs=0.1)
    shaft = panel(white, number=0, compass=True, **choices)[-44 * scale].astype(float)
    assert (255 - shaft[:, 0]).sum() / 255 == pytest.approx(2.2 * scale, abs=0.1)  # to both sides


def test_a_box_larger_than_the_stamp_shows_nothing(make_triplet):
    triplet = make_triplet()
    assert not (panel(triplet) != panel(triplet, {"bboxSize": 70}, footprint=True)).any()


@pytest.mark.parametrize("bit", [0, 1, 30, 31])
def test_mask_planes_are_shown_where_they_are_set(make_triplet, bit):
    triplet = make_triplet()
    mask = np.zeros((30, 30), dtype=np.uint32)
    mask[25, 4] = 1 << bit
    mask[20, 20] = 1 << 3
    science = replace(triplet.science, mask=mask.view(np.int32), mask_planes={"SAT": bit, "CR": 3})
    masked = replace(triplet, science=science)
    changed = (panel(masked) != panel(masked, mask_planes=("SAT", "EDGE"))).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert set(rows // 7) == {29 - 25}
    assert set(columns // 7) == {4}
    shown = panel(masked, mask_planes=("SAT",))[changed]
    assert {tuple(color) for color in shown.tolist()} == {MASK_PATTERNS["SAT"][0]}
    # Lines from the upper left to the lower right.
    assert {(row - column) % 4 for row, column in zip(rows, columns, strict=True)} == {0}


def test_planes_of_one_color_differ_in_direction():
    assert len(set(MASK_PATTERNS.values())) == len(MASK_PATTERNS)


def test_planes_have_the_colors_of_afw_displays():
    """But for the green of INTRP and SAT and the blue of DETECTED, which would hardly be seen."""
    expected = {
        "BAD": "red",
        "CR": "magenta",
        "EDGE": "yellow",
        "SUSPECT": "yellow",
        "DETECTED_NEGATIVE": "cyan",
    }
    expected["NO_DATA"] = "orange"
    for plane, name in expected.items():
        color = tuple(round(255 * v) for v in matplotlib.colors.to_rgb(name))
        assert MASK_PATTERNS[plane][0] == color
    assert MASK_PATTERNS["SAT"][0] == MASK_PATTERNS["INTRP"][0] == (0, 160, 0)


@pytest.mark.parametrize("score", [-0.5, 0.0, 0.25, 0.49, 0.5, 0.75, 1.0, 1.5])
@pytest.mark.parametrize(("panel_pixels", "scale"), [(210, 1), (420, 2)])
def test_the_gauge_is_filled_by_the_reliability(make_triplet, score, panel_pixels, scale):
    choices = {"add_metadata": True, "panel_pixels": panel_pixels}
    image = picture(make_triplet(), {"reliability": score}, **choices)
    ink = inks("light")
    # The fifth text row, from below its digits; 68 wide, 448 from the left of the text.
    rows = slice((20 + 4 * 19 + 1) * scale, (20 + 4 * 19 + 8) * scale)
    left, width = (10 + 448) * scale, 68 * scale
    part = image[rows, left : left + width]
    rail = where(part, ink.rail)
    likely, unlikely = where(part, ink.likely), where(part, ink.unlikely)
    filled = likely if score >= 0.5 else unlikely
    lines = np.flatnonzero((rail | filled).all(axis=1))
    assert len(lines) == 3 * scale
    share = filled[lines].mean(axis=1)
    assert share == pytest.approx(np.full(3 * scale, min(1, max(0, score))), abs=0.5 / width)
    # From the left.
    assert (filled[lines][:, : round(share[0] * width)]).all()
    outside = image[rows, left + width : left + width + 20]
    assert not (where(outside, ink.rail) | where(outside, ink.likely)).any()


def test_without_a_reliability_there_is_no_gauge(make_triplet):
    image = picture(make_triplet(), {"psfFlux": 1.0}, add_metadata=True)
    rail = where(image[97:106, 458:526], inks("light").rail)
    assert not rail.all(axis=1).any()
    assert not any("RB" in item.text for item in annotation({"psfFlux": 1.0}, inks("light")))


def test_stamps_are_not_changed(make_triplet):
    triplet = make_triplet(missing=3)
    before = [stamp.array.copy() for stamp in triplet.stamps]
    picture(triplet, {"bboxSize": 9}, footprint=True, compass=True, center_mark="ticks", mask_planes=("SAT",))
    for stamp, array in zip(triplet.stamps, before, strict=True):
        assert isinstance(stamp, Stamp)
        np.testing.assert_array_equal(stamp.array, array)
