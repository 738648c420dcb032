import io
from typing import Any

import matplotlib
import numpy as np
import pytest
from astropy.visualization import AsinhStretch, ImageNormalize, LinearStretch, MinMaxInterval, ZScaleInterval
from PIL import Image

from lsst.analysis.ap.render import PictureStyle, Renderer, draw_figure


def pixels(style: PictureStyle, *args: Any) -> np.ndarray:
    """Return what matplotlib draws, RGB from the top."""
    figure = draw_figure(style, *args)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def panel(image: np.ndarray, column: int, side: int = 210, bottom: int = 10) -> np.ndarray:
    """Return a panel of a single row of panels, bottom row first."""
    left = 10 + column * (side + 10)
    return image[image.shape[0] - bottom - side : image.shape[0] - bottom, left : left + side][::-1]


def test_panels_show_what_astropy_and_the_color_map_say(make_triplet):
    triplet = make_triplet(30)
    image = pixels(PictureStyle(), [triplet], None)
    assert image.shape == (252, 670, 3)
    bone = matplotlib.colormaps["bone"]
    for column, stamp in enumerate(triplet.stamps):
        interval, stretch = (
            (ZScaleInterval(), LinearStretch()) if column == 2 else (MinMaxInterval(), AsinhStretch(0.1))
        )
        norm = ImageNormalize(stamp.array, interval=interval, stretch=stretch, clip=True)
        expected = bone(norm(stamp.array.astype(float)), bytes=True)[..., :3].astype(int)
        expected = expected.repeat(7, axis=0).repeat(7, axis=1)
        found = panel(image, column)
        # The bar lies in the lower left corner.
        np.testing.assert_array_equal(found[20:], expected[20:])
        np.testing.assert_array_equal(found[:, 60:], expected[:, 60:])


def test_bar_is_one_arcsecond_of_yellow_on_blue_in_the_lower_left_corner(make_triplet):
    image = panel(pixels(PictureStyle(), [make_triplet(30)], None), 1)
    yellow = np.argwhere((image == (255, 236, 0)).all(axis=-1))
    (y0, x0), (y1, x1) = yellow.min(axis=0), yellow.max(axis=0)
    assert x1 - x0 + 1 == round(7 / 0.2)
    assert len(yellow) == (x1 - x0 + 1) * (y1 - y0 + 1)
    assert (image[y0 - 3 : y0, x0 - 3 : x1 + 4] == (0, 0, 255)).all()
    assert x1 < 60
    assert y1 < 20


def test_missing_pixels_are_striped_and_do_not_count(make_triplet):
    whole, cut = make_triplet(30), make_triplet(30, missing=8)
    image = panel(pixels(PictureStyle(), [cut], None), 1)
    stripes = {tuple(color) for color in image[20:, : 8 * 7].reshape(-1, 3)}
    sky = {tuple(color) for color in image[:, 8 * 7 :].reshape(-1, 3)}
    assert len(stripes) == 2
    assert not stripes & sky
    limited = ImageNormalize(whole.science.array[:, 8:], interval=MinMaxInterval(), stretch=AsinhStretch(0.1))
    expected = matplotlib.colormaps["bone"](limited(whole.science.array[:, 8:].astype(float)), bytes=True)
    np.testing.assert_array_equal(image[::7, 8 * 7 :: 7], expected[..., :3])


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.5, -3e30, np.inf])
def test_stamps_without_contrast_are_drawn(make_triplet, value):
    triplet = make_triplet(30)
    for stamp in triplet.stamps:
        stamp.array[:] = value
    image = panel(pixels(PictureStyle(), [triplet], None), 2)
    colors = {tuple(color) for color in image[20:].reshape(-1, 3)}
    assert len(colors) == (1 if np.isfinite(value) else 2)


def test_texts_and_their_places_do_not_depend_on_the_values(make_triplet, row):
    style = PictureStyle(add_metadata=True)

    def items(values: dict[str, Any]) -> dict[str, tuple[float, float]]:
        return {
            text.get_text(): text.get_position()
            for text in draw_figure(style, [make_triplet()], values).texts
        }

    full = items(row)
    for text in ("506428274000265570", "LSSTCam", "94", "2025051600123", "r", "244.91128319", "-45.04370948"):
        assert text in full
    for text in (
        "-3025.9",
        "30.26",
        "3086.4",
        "25.72",
        "4025.9",
        "36.60",
        "22.388",
        "RB:0.682",
        "DIPOLE",
        "0.40",
    ):
        assert text in full
    assert "EDGE" not in full
    for name in row:
        fewer = items({key: value for key, value in row.items() if key != name})
        assert fewer == items({**row, name: None}) == items({**row, name: float("nan")})
        assert fewer.items() <= full.items()


def test_a_picture_does_not_depend_on_matplotlibrc(make_triplet, row):
    renderer = Renderer(PictureStyle(add_metadata=True))
    plain = renderer.render([make_triplet()], row)
    with matplotlib.rc_context(
        {
            "text.hinting": "no_hinting",
            "savefig.dpi": 300,
            "savefig.bbox": "tight",
            "figure.facecolor": "green",
            "font.family": "serif",
            "image.interpolation": "bicubic",
            "axes.grid": True,
            "figure.constrained_layout.use": True,
            "text.color": "red",
        }
    ):
        assert renderer.render([make_triplet()], row) == plain
    assert plain == renderer.render([make_triplet()], row)


def test_several_sizes_stand_below_each_other(make_triplet, row):
    style = PictureStyle(sizes=(30, 60), add_metadata=True)
    png = Renderer(style).render([make_triplet(30), make_triplet(60)], row)
    image = Image.open(io.BytesIO(png))
    assert style.enlargement(30) == 8
    assert style.enlargement(60) == 4
    assert image.size == (3 * 240 + 40, 134 + 240 + 14 + 240 + 10)


def test_triplets_of_another_size_are_refused(make_triplet):
    with pytest.raises(ValueError, match="triplets"):
        draw_figure(PictureStyle(sizes=(51,)), [make_triplet(30)], None)
