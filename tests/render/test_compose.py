"""Pictures of several triplets."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image
from scipy.ndimage import label

from lsst.analysis.ap.render import (
    Epoch,
    Measurement,
    PictureStyle,
    Renderer,
    encode_png,
    epoch_images,
    grid_image,
    history_image,
    panels_image,
)
from lsst.analysis.ap.render._history import light_curve
from lsst.analysis.ap.render._limits import common_limits

STYLE = PictureStyle()


@pytest.mark.parametrize("choices", [{}, {"color_bar": True}, {"add_metadata": True}, {"panel_pixels": 420}])
def test_panels_are_those_of_the_picture(make_triplet, choices):
    style, triplet = PictureStyle(**choices), make_triplet()
    whole = np.asarray(Image.open(io.BytesIO(Renderer(style).render([triplet]))))
    panels = panels_image(style, triplet)
    height, width = panels.shape[:2]
    margin = (whole.shape[1] - width) // 2
    bottom = whole.shape[0] - 10 * max(1, style.panel_pixels // 210)
    np.testing.assert_array_equal(panels, whole[bottom - height : bottom, margin : margin + width])


def test_a_single_panel_can_be_had_alone(make_triplet):
    triplet = make_triplet()
    alone = panels_image(STYLE, triplet, panels=(2,), titles=False)
    np.testing.assert_array_equal(alone, panels_image(STYLE, triplet)[32:, 440:])


def test_stamps_of_different_sizes_are_refused(make_triplet):
    triplet = replace(make_triplet(30), template=make_triplet(20).template)
    with pytest.raises(ValueError, match="stamps of shapes"):
        panels_image(STYLE, triplet)


def test_common_limits_are_those_of_all_pixels_together(make_triplet):
    style = PictureStyle(image_interval="percentile", difference_interval="minmax", percentile=90.0)
    triplets = [make_triplet(seed=seed, flux=100.0 * seed) for seed in range(1, 4)]
    template, _, difference = common_limits(style, triplets, 30)
    pixels = np.concatenate([t.template.array.ravel() for t in triplets])
    assert template == pytest.approx(np.percentile(pixels, (5, 95)))
    assert difference == (
        min(t.difference.array.min() for t in triplets),
        max(t.difference.array.max() for t in triplets),
    )


def test_a_grid_has_each_picture_below_its_caption():
    pictures = [np.full((20 + n, 60 + 10 * n, 3), 10 * (n + 1), dtype=np.uint8) for n in range(5)]
    image = grid_image(STYLE, pictures, ["a", "b", "c", "d", "e"], columns=2)
    # Columns are as wide as their widest picture, rows as high as their highest.
    assert image.shape == (20 + 3 * 19 + 21 + 23 + 24 + 2 * 14, 20 + 100 + 90 + 14, 3)
    tops = [10 + 19, 10 + 19 + 21 + 14 + 19, 10 + 2 * (19 + 14) + 21 + 23 + 19]
    for n, picture in enumerate(pictures):
        top, left = tops[n // 2], (10, 10 + 100 + 14)[n % 2]
        height, width = picture.shape[:2]
        np.testing.assert_array_equal(image[top : top + height, left : left + width], picture)
        caption = image[top - 19 : top, left : left + width]
        assert (caption != 255).any()
        assert (image[top + height : top + height + 4, left : left + width] == 255).all()
    assert grid_image(STYLE, pictures[:1], [""]).shape == (40, 80, 3)


def test_a_grid_of_nothing_is_an_error():
    for images, captions in (([], []), ([np.zeros((2, 2, 3), np.uint8)], [])):
        with pytest.raises(ValueError, match="captions"):
            grid_image(STYLE, images, captions)


def test_a_long_caption_stays_above_its_picture():
    picture = np.zeros((20, 50, 3), dtype=np.uint8)
    image = grid_image(STYLE, [picture, picture], ["a very long caption " * 5, ""], columns=2)
    assert (image[10:29, 10 + 50 + 2 :] == 255).all()


def test_files_have_the_pixels_and_the_texts():
    image = np.random.default_rng(1).integers(0, 255, (5, 7, 3), dtype=np.uint8).repeat(3, axis=0)
    opened = Image.open(io.BytesIO(encode_png(image, [("Title", "x")])))
    np.testing.assert_array_equal(np.asarray(opened), image)
    assert opened.text == {"Title": "x"}


def epochs_of(make_triplet) -> list[Epoch]:
    return [
        Epoch(61000.0 + 3 * n, "gri"[n % 3], make_triplet(seed=n, flux=300.0 * n), n > 0) for n in (2, 0, 1)
    ]


def test_a_history_shows_stamps_in_the_order_of_time_between_the_same_limits(make_triplet):
    epochs = epochs_of(make_triplet)
    style = PictureStyle(difference_interval="minmax")
    image = history_image(style, epochs, [], total=83, name="diaObjectId 1")
    limits = common_limits(style, [epoch.triplet for epoch in epochs], 30)
    assert image.shape == (260 + 10 + 19 + 210 + 10, 3 * (210 + 14) + 6, 3)
    assert history_image(style, epochs[:1], []).shape[1] == 640
    for place, epoch in enumerate(sorted(epochs, key=lambda each: each.mjd)):
        expected = panels_image(style, epoch.triplet, limits=limits, panels=(2,), titles=False)
        left = 10 + place * (210 + 14)
        np.testing.assert_array_equal(image[-220:-10, left : left + 210], expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_history_shows_how_a_bright_object_changes(make_triplet, sign):
    fluxes = (20_000.0, 40_000.0, 60_000.0)  # in noise of some tens, which zscale would show alone
    epochs = [Epoch(61000.0 + n, "r", make_triplet(seed=n, flux=sign * f)) for n, f in enumerate(fluxes)]
    style = PictureStyle(difference_color_map="gray")
    middles = [image[-220:-10][105, 10 + 105] for image in epoch_images(style, epochs, (2,))]
    grey = np.array([int(middle[0]) for middle in middles])
    steps = sign * np.diff(grey)
    assert (steps > 50).all()
    assert abs(steps[0] - steps[1]) < 10  # as much each time, on a linear scale


def test_a_light_curve_has_each_measurement_with_its_error():
    from lsst.utils.plotting import get_multiband_plot_colors

    points = [
        Measurement(61000.0, "g", 10.0, 2.0),
        Measurement(61003.0, "g", -5.0, 1.0, forced=True),
        Measurement(61002.0, "r", 30.0, 4.0),
        Measurement(61002.5, "r", float("nan"), 4.0),
        Measurement(61004.0, "N921", 1.0, 1.0),
    ]
    figure = light_curve(STYLE, points, [61000.0, 61002.0], 640, "two of four")
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "two of four"
    assert axes.get_xlabel() == "MJD (TAI)"
    assert "nJy" in axes.get_ylabel()
    assert [0.0, 0.0] in [list(line.get_ydata()) for line in axes.get_lines()]
    found = {}
    for container in axes.containers:
        line, _, (bars,) = container
        (mjd,), (flux,) = line.get_data()
        (_, low), (_, high) = bars.get_segments()[0]
        found[container.get_label()] = (mjd, flux, (high - low) / 2)
        color = get_multiband_plot_colors().get(container.get_label()[0])
        if color and "921" not in container.get_label():
            assert line.get_color() == color
        # What was not detected is open.
        assert (line.get_markerfacecolor() == "#ffffff") == ("forced" in container.get_label())
    assert found == {
        "g": (61000.0, 10.0, 2.0),
        "g forced": (61003.0, -5.0, 1.0),
        "r": (61002.0, 30.0, 4.0),
        "N921": (61004.0, 1.0, 1.0),
    }
    assert [text.get_text() for text in axes.get_legend().get_texts()][:3] == ["g forced", "g", "r"]


@pytest.mark.parametrize("background", ["light", "dark"])
def test_every_word_and_line_of_a_light_curve_stands_out_from_its_paper(background):
    style = PictureStyle(background=background)
    figure = light_curve(style, [Measurement(61000.0, "g", 10.0, 2.0)], [61000.0], 640, "one of one")
    (axes,) = figure.axes
    ticks = [tick for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()]
    colors = {text.get_text(): text.get_color() for text in figure.findobj(Text) if text.get_text()}
    assert len(colors) > 10
    colors |= {f"spine {name}": spine.get_edgecolor() for name, spine in axes.spines.items()}
    colors |= {f"tick {number}": tick.tick1line.get_color() for number, tick in enumerate(ticks)}
    paper = np.mean(to_rgb(figure.get_facecolor()))
    assert np.mean(to_rgb(axes.get_facecolor())) == paper
    assert {name for name, color in colors.items() if abs(np.mean(to_rgb(color)) - paper) < 0.5} == set()


@pytest.mark.parametrize(
    ("total", "said"), [(None, "3 epochs"), (3, "3 epochs"), (83, "3 of 83 epochs")], ids=["-", "all", "some"]
)
def test_a_history_says_how_many_epochs_there_are(make_triplet, monkeypatch, total, said):
    from lsst.analysis.ap.render import _history

    titles = []
    real = _history.light_curve
    monkeypatch.setattr(
        _history, "light_curve", lambda *arguments: titles.append(arguments[-1]) or real(*arguments)
    )
    history_image(STYLE, epochs_of(make_triplet), [], total=total, name="diaObjectId 7")
    assert titles[0].startswith(f"diaObjectId 7: {said}; difference from -")
    assert titles[0].endswith(" nJy")


def test_a_history_without_stamps_is_the_light_curve():
    empty = history_image(STYLE, [], [])
    found = history_image(STYLE, [], [Measurement(60811.0 + n, "r", 100.0 * n, 30.0) for n in range(9)])
    color = np.array(to_rgb("#B52626")) * 255  # what Rubin plots r in
    points = (abs(found - color.round()) <= 1).all(axis=-1)
    assert empty.shape == found.shape == (260, 640, 3)
    assert label(points)[1] >= 9
