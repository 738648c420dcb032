"""What pictures say below and above their panels."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg

from lsst.analysis.ap.domain import Triplet
from lsst.analysis.ap.render import PictureStyle, draw_figure
from lsst.analysis.ap.render._captions import significant, title
from lsst.analysis.ap.render._fonts import DPI, drawing_settings, fitting_size, font, text_size
from lsst.analysis.ap.render._layout import layout
from lsst.analysis.ap.render._limits import panel_limits


def said(style: PictureStyle, triplet: Triplet) -> list[list[str]]:
    """Return the words below each panel."""
    figure = draw_figure(style, [triplet], {})
    return [[text.get_text() for text in axes.texts] for axes in panels_of(figure)]


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_title() or axes.texts]


def width(text: str, size: float) -> float:
    """Return how wide matplotlib draws a text."""
    with drawing_settings():
        return RendererAgg(1, 1, DPI).get_text_width_height_descent(text, font(False, size), False)[0]


def test_each_panel_says_its_limits_and_their_unit(make_triplet):
    style, triplet = PictureStyle(add_metadata=True), make_triplet()
    for words, (low, high) in zip(said(style, triplet), panel_limits(style, triplet, 30), strict=True):
        first, to, last, unit = words
        assert (to, unit) == ("to", "nJy")
        assert float(first) == pytest.approx(low, abs=5e-4 * max(-low, high))
        assert float(last) == pytest.approx(high, abs=5e-4 * max(-low, high))


@pytest.mark.parametrize(
    ("value", "high"), [(7.5, 8.5), (-3.0, -2.0), (2.0**60, np.nextafter(2.0**60, 2.0**61))]
)
def test_what_has_no_contrast_is_shown_between_limits_that_differ(make_triplet, value, high):
    triplet = make_triplet()
    science = replace(triplet.science, array=np.full((30, 30), value, np.float32))
    assert panel_limits(PictureStyle(), replace(triplet, science=science), 30)[1] == (value, high)


def test_units_are_those_of_each_image(make_triplet):
    triplet = make_triplet()
    mixed = replace(
        triplet, template=replace(triplet.template, unit="adu"), science=replace(triplet.science, unit=None)
    )
    template, science, difference = said(PictureStyle(add_metadata=True), mixed)
    assert (template[-1], science[-1], difference[-1]) == ("adu", "(no unit)", "nJy")


@pytest.mark.parametrize("room", [30, 60, 90, 120])
@pytest.mark.parametrize("text", ["Wiiiiiiii mmmmmmmm, and so on and on", "m", "a" * 60])
def test_a_text_that_no_size_makes_fit_is_cut_where_it_must_be(text, room):
    found, size = fitting_size(text, False, room, 12.0)
    kept, _, rest = found.partition("\N{HORIZONTAL ELLIPSIS}")
    assert text.startswith(kept)
    assert rest == ""
    assert width(found, size) <= room
    if kept != text:
        longer = text[: len(kept) + 1] + "\N{HORIZONTAL ELLIPSIS}"
        assert width(longer, size) > room


def test_plain_pictures_say_nothing_below(make_triplet):
    assert said(PictureStyle(), make_triplet()) == [[], [], []]


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1.0, 1e4, 1e12])
@pytest.mark.parametrize("color_bar", [False, True])
@pytest.mark.parametrize("panel_pixels", [90, 210, 420])
def test_limits_of_any_size_have_room(make_triplet, factor, color_bar, panel_pixels):
    style = PictureStyle(add_metadata=not color_bar, color_bar=color_bar, panel_pixels=panel_pixels)
    triplet = make_triplet(flux=5000.0)
    science = replace(triplet.science, array=(triplet.science.array * factor).astype("f4"))
    triplet = replace(triplet, science=science)
    figure = draw_figure(style, [triplet], None)
    figure.canvas.draw()
    axes = panels_of(figure)[1]
    side, renderer = axes.bbox, RendererAgg(1, 1, figure.dpi)
    words = sorted(axes.texts, key=lambda text: text.get_window_extent().x0)
    limits = panel_limits(style, triplet, 30)[1]
    assert float(words[0].get_text()) == pytest.approx(limits.low, rel=0.01)
    values = [float(w.get_text()) for w in words if w.get_text()[-1].isdigit()]
    assert values[-1] == pytest.approx(limits.high, rel=0.01)
    extents = [word.get_window_extent(renderer) for word in words]
    assert extents[0].x0 >= side.x0 - 1
    assert extents[-1].x1 <= side.x1 + 1
    assert all(a.x1 < b.x0 + 1 for a, b in itertools.pairwise(extents))
    assert all(extent.y1 < side.y0 for extent in extents)


def test_a_color_bar_says_which_color_is_which_value(make_triplet):
    style = PictureStyle(color_bar=True, image_limits=(-10.0, 290.0), image_stretch="asinh", asinh_a=0.1)
    figure = draw_figure(style, [make_triplet()], None)
    low, middle, high, unit = (text.get_text() for text in panels_of(figure)[0].texts)
    assert (float(low), float(high), unit) == (-10.0, 290.0, "nJy")
    # The colour in the middle is that of arcsinh(v / a) / arcsinh(1 / a) = 1/2.
    level = (float(middle) + 10.0) / 300.0
    assert np.arcsinh(level / 0.1) / np.arcsinh(1 / 0.1) == pytest.approx(0.5, abs=1e-3)
    bars = [axes for axes in figure.axes if axes not in panels_of(figure)]
    assert len(bars) == 3
    for axes, bar in zip(panels_of(figure), bars, strict=True):
        assert (bar.bbox.x0, bar.bbox.width) == (axes.bbox.x0, axes.bbox.width)
        line = bar.get_images()[0].get_array()[0]
        expected = axes.get_images()[0].get_cmap()((np.arange(210) + 0.5) / 210, bytes=True)[:, :3]
        np.testing.assert_array_equal(line, expected)


def test_a_stamp_without_data_says_so(make_triplet):
    assert said(PictureStyle(add_metadata=True), make_triplet(missing=30)) == [["no data"]] * 3


def test_a_template_that_is_a_coadd_is_called_one(make_triplet):
    triplet = replace(make_triplet(), template_source="tract 9813 patch 42")
    titles = [axes.get_title() for axes in panels_of(draw_figure(PictureStyle(), [triplet], None))]
    assert titles == ["Template: warped coadd", "Science", "Difference"]


@pytest.mark.parametrize("panel_pixels", [90, 210])
def test_titles_stay_apart(make_triplet, panel_pixels):
    triplet = replace(make_triplet(), template_source="tract 9813 patch 42")
    figure = draw_figure(PictureStyle(panel_pixels=panel_pixels), [triplet], None)
    figure.canvas.draw()
    extents = [axes.title.get_window_extent() for axes in panels_of(figure)]
    assert extents[0].x0 >= 0
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(extents))


def test_titles_are_as_large_as_keeps_them_apart():
    """Panels are ten pixels apart, of which each title takes up to three at either side."""
    for side in range(90, 120):
        where = layout(PictureStyle(panel_pixels=side))
        found = title(0, side, where, is_warped=True)
        assert width(found.text, found.size) <= side + 6 * where.scale
        assert found.size == 16 or width(found.text, found.size + 0.5) > side + 6 * where.scale


@pytest.mark.parametrize("panel_pixels", [30, 40, 50, 210])
def test_what_stands_in_a_panel_is_in_its_middle_and_fits(make_triplet, panel_pixels):
    style = PictureStyle(sizes=(10,), add_metadata=True, panel_pixels=panel_pixels)
    triplet = replace(make_triplet(10, missing=10), difference=None)
    figure = draw_figure(style, [triplet], None)
    figure.canvas.draw()
    for axes in panels_of(figure):
        for text in axes.texts:
            extent, size = text.get_window_extent(), text.get_fontsize() * DPI / 72
            assert (extent.x0 + extent.x1) / 2 == pytest.approx((axes.bbox.x0 + axes.bbox.x1) / 2, abs=1)
            assert width(text.get_text(), size) <= axes.bbox.width
            if size < text_size(1.0) and len(axes.texts) == 1:
                assert width(text.get_text(), size + 0.5) > axes.bbox.width


def test_a_missing_difference_is_told_in_words(make_triplet):
    triplet = replace(make_triplet(), difference=None)
    figure = draw_figure(PictureStyle(add_metadata=True, color_bar=True), [triplet], None)
    words = [text.get_text() for text in panels_of(figure)[2].texts]
    assert " ".join(words) == "no difference image stored"
    assert panels_of(figure)[2].get_images() == []
    assert panels_of(figure)[2].get_title() == "Difference"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((-12.345, 245.61), ["-12.3", "245.6"]),
        ((0.0, 12345.6), ["0", "12346"]),
        ((-0.04, 9999999.0), ["0", "9999999"]),
        ((1.0, 1e7), ["1.000e0", "1.000e7"]),
        ((0.0, 0.0012345), ["0.000000", "0.001234"]),
        ((-0.00012345, 0.0), ["-1.234e-4", "0"]),
        ((0.0, 0.0), ["0.000", "0.000"]),
    ],
)
def test_limits_have_four_digits(values, texts):
    assert significant(values) == texts


def test_titles_grow_with_the_panels(make_triplet):
    sizes = [
        panels_of(draw_figure(PictureStyle(panel_pixels=side), [make_triplet()], None))[
            0
        ].title.get_fontsize()
        for side in (210, 420)
    ]
    assert sizes == pytest.approx([18, 36])
