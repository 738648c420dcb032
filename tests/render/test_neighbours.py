"""Marks of what is near lie where the pixels of it lie."""

from dataclasses import replace

import numpy as np
import pytest
from tests.reading import pixels

from lsst.analysis.ap.domain import Neighbour
from lsst.analysis.ap.render import PictureStyle, Renderer, draw_figure
from lsst.analysis.ap.render._layout import layout
from lsst.analysis.ap.render._neighbours import neighbour_marks
from lsst.analysis.ap.render._orientation import view

KINDS = ("sources", "rejected", "object", "solar-system")


@pytest.mark.parametrize("orientation", ["pixels", "nearest-north", "true-north"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("panel_pixels", [210, 420])
def test_a_mark_is_about_the_pixel_that_it_marks(make_triplet, orientation, kind, panel_pixels):
    style = PictureStyle(orientation=orientation, panel_pixels=panel_pixels)
    size = 30 + 2 * style.margin(30)
    triplet = make_triplet(size, flux=0.0)
    box = triplet.science.box
    x, y = box.x_start + size // 2 + 5, box.y_start + size // 2 - 4
    # The oracle is a picture of one bright pixel there.
    array = np.zeros(box.shape, dtype=np.float32)
    array[y - box.y_start, x - box.x_start] = 1.0
    lit = replace(
        triplet, **{name: replace(triplet.science, array=array) for name in ("template", "science")}
    )
    lit = replace(lit, difference=replace(triplet.science, array=array))
    fixed = replace(style, image_limits=(0.0, 1.0), difference_limits=(0.0, 1.0), image_stretch="linear")
    bright = pixels(Renderer(fixed).render([lit])).min(axis=2) == 255
    plain = pixels(Renderer(style).render([triplet]))
    marked = pixels(Renderer(style).render([replace(triplet, neighbours=(Neighbour(kind, x, y),))]))
    changed = (marked != plain).any(axis=2)
    factor = style.enlargement(30)
    for rect in layout(style).panels[0]:
        expected = np.argwhere(bright[rect.slices]).mean(axis=0)
        found = np.argwhere(changed[rect.slices])
        # The middle of what the mark encloses; noise may be as yellow as a part of it.
        middle = (found.min(axis=0) + found.max(axis=0)) / 2
        assert np.abs(middle - expected).max() / factor < 0.1
    assert changed.sum() == sum(changed[rect.slices].sum() for rect in layout(style).panels[0])


def test_marks_of_parts_of_pixels_are_there(make_triplet):
    style = PictureStyle(panel_pixels=300)
    triplet = make_triplet()
    grid = view(style, triplet, 30).grid
    box = triplet.science.box
    for kind in KINDS:
        for dx, dy in np.random.default_rng(5).uniform(-6, 6, (20, 2)).tolist():
            x, y = box.x_start + 15 + dx, box.y_start + 15 + dy
            found = np.argwhere(neighbour_marks(grid, [Neighbour(kind, x, y)], 1.0)[:, :, 3])
            row, column = (found.min(axis=0) + found.max(axis=0)) / 2
            # A pixel of the array is centred at its number, its left border half a pixel before.
            at = (column + 0.5) / 10 - 0.5 + box.x_start, (300 - row - 0.5) / 10 - 0.5 + box.y_start
            assert np.abs(np.subtract(at, (x, y))).max() < 0.1


def test_kinds_are_told_apart_without_colour(make_triplet):
    grid = view(PictureStyle(), make_triplet(), 30).grid
    shapes = [
        neighbour_marks(grid, [Neighbour(kind, 115.0, 215.0)], 1.0)[:, :, 3].tobytes() for kind in KINDS
    ]
    line = neighbour_marks(grid, [Neighbour("trails", 110.0, 215.0, (120.0, 215.0))], 1.0)[:, :, 3]
    assert len({*shapes, line.tobytes()}) == 5
    columns = np.flatnonzero(line.any(axis=0))
    assert columns.min() == pytest.approx(10.5 * 7, abs=2.5)
    assert columns.max() == pytest.approx(20.5 * 7, abs=2.5)


@pytest.mark.parametrize("kind", KINDS)
def test_marks_are_larger_where_everything_is(make_triplet, kind):
    """How far the colour reaches along the axes and beside them, at the centre of a pixel."""
    grid = view(PictureStyle(), make_triplet(), 30).grid
    reaches = []
    for scale in (1.0, 2.0, 3.0):
        image = neighbour_marks(grid, [Neighbour(kind, 115.0, 215.0)], scale)
        ink = (image[:, :, 3] > 0) & (image[:, :, :3] != (0, 0, 255)).any(axis=2)
        rows, columns = np.argwhere(ink).T
        y, x = np.abs(rows + 0.5 - (30 - 15.5) * 7), np.abs(columns + 0.5 - 15.5 * 7)
        reaches.append((max(x), max(y), max(np.hypot(x, y)), min(np.hypot(x, y)), min(np.maximum(x, y))))
    for scale, reach in enumerate(reaches, start=1):
        assert reach == pytest.approx(np.multiply(reaches[0], scale), abs=0.8 * scale)


def test_each_kind_has_the_color_that_the_documentation_names(make_triplet):
    grid = view(PictureStyle(), make_triplet(), 30).grid
    colors = {"sources": (255, 236, 0), "rejected": (255, 160, 0), "object": (0, 255, 255)}  # as yellow, ...
    colors |= {"solar-system": (90, 255, 90), "trails": (255, 130, 255)}  # green, pink
    for kind, color in colors.items():
        image = neighbour_marks(grid, [Neighbour(kind, 115.0, 215.0, (118.0, 215.0))], 1.0)
        found = {tuple(each) for each in image.reshape(-1, 4).tolist()}
        assert found == {(0, 0, 0, 0), (0, 0, 255, 255), (*color, 255)}


def test_a_trail_is_all_that_lies_near_a_point_of_it(make_triplet):
    grid = view(PictureStyle(), make_triplet(), 30).grid
    ends = np.array([(106.0, 212.0), (122.0, 219.0)])
    drawn = neighbour_marks(grid, [Neighbour("trails", *ends[0].tolist(), tuple(ends[1].tolist()))], 1.0)
    points = (np.linspace(*ends, 500) - (100, 200) + 0.5) * 7  # to the right and up
    rows, columns = np.indices(drawn.shape[:2]) + 0.5
    away = np.hypot(columns[..., None] - points[:, 0], 210 - rows[..., None] - points[:, 1]).min(axis=-1)
    near = drawn[:, :, 3] > 0
    assert 1 < away[near].max() < away[~near].min() + 0.1 < 4


def test_marks_end_at_the_border_and_nothing_is_drawn_of_what_has_no_place(make_triplet):
    style, triplet = PictureStyle(), make_triplet()
    plain = pixels(Renderer(style).render([triplet]))
    far = (Neighbour("sources", 500.0, 215.0), Neighbour("object", np.nan, 215.0))
    assert (pixels(Renderer(style).render([replace(triplet, neighbours=far)])) == plain).all()
    edge = (Neighbour("sources", 99.4, 199.4), Neighbour("trails", -1e5, 215.0, (1e5, 215.0)))
    changed = (pixels(Renderer(style).render([replace(triplet, neighbours=edge)])) != plain).any(axis=2)
    assert changed.sum() == sum(changed[rect.slices].sum() for rect in layout(style).panels[0]) > 0


def test_the_figure_is_the_picture(make_triplet, row):
    style = PictureStyle(add_metadata=True, orientation="nearest-north")
    near = tuple(Neighbour(kind, 105.3 + 4 * n, 210.7) for n, kind in enumerate(KINDS))
    triplet = replace(make_triplet(), neighbours=(*near, Neighbour("trails", 104.0, 220.0, (125.0, 203.0))))
    figure = draw_figure(style, [triplet], row)
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[:, :, :3]
    assert (drawn == pixels(Renderer(style).render([triplet], row))).all()
