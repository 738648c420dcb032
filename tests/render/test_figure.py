import io
import pickle
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from astropy.visualization import AsinhStretch, ImageNormalize, LinearStretch, MinMaxInterval, ZScaleInterval
from matplotlib.figure import Figure
from PIL import Image

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer, draw_figure
from lsst.analysis.ap.render._annotation import annotation
from lsst.analysis.ap.render._colors import inks
from lsst.analysis.ap.render._fonts import text_width


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


def test_missing_pixels_are_striped_and_do_not_count(make_triplet):
    whole, cut = make_triplet(30), make_triplet(30, missing=8)
    image = panel(pixels(PictureStyle(), [cut], None), 1)
    stripes = {tuple(color) for color in image[20:, : 8 * 7].reshape(-1, 3)}
    sky = {tuple(color) for color in image[:, 8 * 7 :].reshape(-1, 3)}
    assert stripes == {(201, 188, 170), (152, 134, 112)}
    assert not stripes & sky
    limited = ImageNormalize(whole.science.array[:, 8:], interval=MinMaxInterval(), stretch=AsinhStretch(0.1))
    expected = matplotlib.colormaps["bone"](limited(whole.science.array[:, 8:].astype(float)), bytes=True)
    np.testing.assert_array_equal(image[21::7, 8 * 7 :: 7], expected[3:, :, :3])  # above the bar


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
        return {item.text: (item.line, item.x) for item in annotation(values, inks("light"))}

    full = {text.get_text() for text in draw_figure(style, [make_triplet()], row).texts}
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
        assert fewer.items() <= items(row).items()


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
    # Six text rows and the titles; 18 below each panel for what it says of itself.
    assert image.size == (3 * 240 + 40, 153 + 240 + 18 + 14 + 240 + 18 + 10)


def test_triplets_of_another_size_are_refused(make_triplet):
    with pytest.raises(ValueError, match="triplets"):
        draw_figure(PictureStyle(sizes=(51,)), [make_triplet(30)], None)


def test_titles_are_those_of_the_axes(make_triplet, row):
    figure = draw_figure(PictureStyle(sizes=(30, 51)), [make_triplet(30), make_triplet(51)], row)
    assert [axes.get_title() for axes in figure.axes] == ["Template", "Science", "Difference", "", "", ""]
    assert figure.texts == []


def test_axes_have_parent_pixels(make_triplet):
    triplet = make_triplet()
    figure = draw_figure(PictureStyle(), [triplet], None)
    box, axes = triplet.science.box, figure.axes[1]
    x, y = axes.transData.transform((box.x_start, box.y_start)) - axes.bbox.min
    assert (x, y) == pytest.approx((3.5, 3.5))  # the middle of the first pixel


EVERYTHING = PictureStyle(
    add_metadata=True, compass=True, footprint=True, center_mark="ticks", color_bar=True
)


@pytest.fixture
def everything(make_triplet, row):
    return draw_figure(EVERYTHING, [make_triplet()], {**row, "bboxSize": 10})


def saved(figure: Any, **choices: Any) -> np.ndarray:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", **choices)
    return np.asarray(Image.open(stream).convert("RGB")).astype(float)


def alike(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two pictures of different size show the same panels at the same places."""
    height, width = (min(a, b) // 12 for a, b in zip(first.shape[:2], second.shape[:2], strict=True))
    # So coarse that the hinting of letters, which is another at each size, does not count.
    coarse = [
        np.asarray(Image.fromarray(each.astype(np.uint8)).resize((width, height), Image.Resampling.BOX))
        for each in (first, second)
    ]
    difference = np.abs(coarse[0].astype(float) - coarse[1])
    return bool(difference.max() < 60 and difference.mean() < 6)


def places(figure: Any, stretched: Any = (1.0, 1.0)) -> list[tuple[str, float, float, float]]:
    """Return each text, its left end, its lower edge and its height, as parts of the figure."""
    figure.canvas.draw()
    found = []
    for text in figure.findobj(matplotlib.text.Text):
        if word := text.get_text():
            extent, whole = text.get_window_extent(), figure.bbox
            x, y = (extent.min / whole.size - 0.5) * stretched + 0.5
            found.append((word, x, y, extent.height / whole.height * stretched[1]))
    return found


def same_places(first: list[Any], second: list[Any]) -> bool:
    return [word for word, *_ in first] == [word for word, *_ in second] and np.allclose(
        [where for _, *where in first], [where for _, *where in second], atol=0.008
    )


@pytest.mark.parametrize("dpi", [100, 300])
def test_a_figure_is_saved_right_at_any_resolution(everything, dpi):
    native, before = saved(everything, dpi=64), places(everything)
    found = saved(everything, dpi=dpi)
    assert found.shape[:2] == pytest.approx([n * dpi / 64 for n in native.shape[:2]], abs=1)
    assert alike(found, native)
    everything.set_dpi(dpi)
    assert same_places(places(everything), before)
    np.testing.assert_array_equal(saved(everything, dpi=64), native)


@pytest.mark.parametrize("factor", [0.5, 2.1])
def test_a_figure_can_be_made_larger_and_smaller(everything, factor):
    native, before = saved(everything), places(everything)
    width, height = everything.get_size_inches()
    everything.set_size_inches(factor * width, factor * height)
    assert alike(saved(everything), native)
    assert same_places(places(everything), before)
    everything.set_size_inches(width, height)
    np.testing.assert_array_equal(saved(everything), native)


@pytest.mark.parametrize("axis", [0, 1])
def test_in_a_figure_of_another_shape_stamps_stay_square(everything, axis):
    native, before = saved(everything), places(everything)
    size = everything.get_size_inches()
    size[axis] *= 2
    everything.set_size_inches(size)
    large = np.moveaxis(saved(everything), 1 - axis, 0)
    side = large.shape[0] // 4
    assert (large[: side - 2] == 255).all()
    assert alike(np.moveaxis(large[side:-side], 0, 1 - axis), native)
    assert same_places(places(everything, np.eye(2)[axis] + 1), before)


def test_what_the_user_changed_stays(everything):
    everything.axes[0].set_title("Ours")
    everything.axes[0].title.set_fontsize(30)
    width, height = everything.get_size_inches()
    everything.set_size_inches(2 * width, 2 * height)
    everything.canvas.draw()
    assert everything.axes[0].get_title() == "Ours"
    assert everything.axes[0].title.get_fontsize() == pytest.approx(60)


def test_a_tight_box_moves_nothing(everything):
    native, tight = saved(everything), saved(everything, bbox_inches="tight", pad_inches=0)
    (top, left), (found_top, found_left) = (
        np.argwhere((each != 255).any(axis=-1)).min(axis=0) for each in (native, tight)
    )
    rows, columns = tight.shape[0] - found_top - 1, tight.shape[1] - found_left - 1
    part = tight[found_top : found_top + rows, found_left : found_left + columns]
    assert alike(part, native[top : top + rows, left : left + columns])


def test_svg_has_each_text_where_it_belongs(everything):
    """Against what matplotlib's own window extents say in the picture."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        everything.savefig(stream, format="svg")
    everything.canvas.draw()
    expected: dict[str, list[tuple[float, float]]] = {}
    for text in everything.findobj(matplotlib.text.Text):
        if text.get_text():
            extent = text.get_window_extent()
            expected.setdefault(text.get_text(), []).append((extent.x0, extent.y0))
    height = everything.bbox.height
    found = 0
    for element in ElementTree.fromstring(stream.getvalue()).iter("{http://www.w3.org/2000/svg}text"):
        left, baseline = (float(element.get(name)) * 64 / 72 for name in "xy")
        word = "".join(element.itertext())
        if "middle" in element.get("style"):
            left -= text_width(word, False, 16.0) / 2
        # The baseline is up to the depth of a descender above the extent.
        assert any(abs(x - left) < 3 and -1 < height - y - baseline < 6 for x, y in expected[word]), word
        assert ("font-weight: 700" in element.get("style")) == (
            word in ("LSSTCam", "DIPOLE", "PSF (nJy):", "RB:0.682")
        )
        found += 1
    assert found == sum(map(len, expected.values()))


def test_pdf_shows_the_picture(everything):
    pdfium = pytest.importorskip("pypdfium2")
    stream = io.BytesIO()
    everything.savefig(stream, format="pdf")
    page = pdfium.PdfDocument(stream.getvalue())[0]
    drawn = np.asarray(page.render(scale=2 * 64 / 72).to_pil().convert("RGB")).astype(float)
    assert alike(drawn, saved(everything, dpi=2 * 64))


@pytest.mark.filterwarnings("error")
def test_a_picture_fits_into_a_part_of_a_part_of_somebodys_figure(make_triplet, row):
    whole = Figure(figsize=(20, 8), dpi=64)
    left, right = whole.subfigures(1, 2)
    right = right.subfigures()
    left.subplots().plot([1, 2, 3])
    style = PictureStyle(add_metadata=True, compass=True)
    assert draw_figure(style, [make_triplet()], row, figure=right) is whole
    image = saved(whole)
    alone = saved(draw_figure(style, [make_triplet()], row))
    height, width = alone.shape[:2]
    step = min(640 / width, 512 / height)
    x, y = 640 + (640 - step * width) / 2, (512 - step * height) / 2
    part = image[round(y) : round(y + step * height), round(x) : round(x + step * width)]
    resized = Image.fromarray(alone.astype(np.uint8)).resize(part.shape[1::-1], Image.Resampling.BOX)
    assert alike(part, np.asarray(resized).astype(float))
    assert left.axes[0].get_position().width > 0.7


def test_panels_go_into_somebodys_axes(make_triplet, row):
    triplet = make_triplet()
    whole = Figure(figsize=(9, 3), dpi=70)
    axes = whole.subplots(1, 3, subplot_kw={"box_aspect": 1})
    assert draw_figure(PictureStyle(color_bar=True), [triplet], row, axes=axes) is whole
    assert [each.get_title() for each in axes] == ["Template", "Science", "Difference"]
    for each, stamp in zip(axes, triplet.stamps, strict=True):
        np.testing.assert_array_equal(each.get_images()[0].get_array(), stamp.array)
        assert not each.axison
    whole.canvas.draw()
    assert all(each.title.get_window_extent().y0 > each.bbox.y1 for each in axes)
    with pytest.raises(ValueError, match="axes: 2 for 3 panels"):
        draw_figure(PictureStyle(), [triplet], row, axes=axes[:2])


def test_somebodys_dark_picture_has_its_paper(make_triplet, row):
    whole = Figure(figsize=(6, 3), dpi=64)
    draw_figure(PictureStyle(background="dark"), [make_triplet()], row, figure=whole)
    image = saved(whole)
    assert (image[0, 0] == 255).all()
    assert (image[28, 4] == 18).all()


def test_figures_travel_between_processes(everything):
    copy = pickle.loads(pickle.dumps(everything))
    np.testing.assert_array_equal(saved(copy), saved(everything))


def test_a_figure_is_displayed_in_a_fresh_kernel(make_triplet, row):
    """As IPython does it where nobody asked for matplotlib."""
    program = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell(SETUP)
data, _ = shell.display_formatter.format(shell.user_ns["figure"])
assert "matplotlib.pyplot" not in sys.modules
sys.stdout.buffer.write(data["image/png"])
"""
    setup = """
import numpy as np
from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, draw_figure
stamp = Stamp(np.arange(900, dtype="f4").reshape(30, 30), Box(0, 30, 0, 30))
figure = draw_figure(PictureStyle(), [Triplet(stamp, stamp, stamp, 0.2 * np.eye(2))], None)
"""
    run = subprocess.run(
        [sys.executable, "-c", program.replace("SETUP", repr(setup))], capture_output=True, check=True
    )
    stamp = Stamp(np.arange(900, dtype="f4").reshape(30, 30), Box(0, 30, 0, 30))
    expected = Renderer(PictureStyle()).render([Triplet(stamp, stamp, stamp, 0.2 * np.eye(2))])
    found = np.asarray(Image.open(io.BytesIO(run.stdout)).convert("RGB"))
    np.testing.assert_array_equal(found, np.asarray(Image.open(io.BytesIO(expected))))
