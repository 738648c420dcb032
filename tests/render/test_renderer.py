import io
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lsst.analysis.ap.domain import Box, CutoutsError, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer
from lsst.analysis.ap.render import _renderer as module
from lsst.analysis.ap.render._layout import layout


def test_pictures_say_what_they_show(make_triplet, row):
    triplet = make_triplet()
    image = Image.open(io.BytesIO(Renderer(PictureStyle()).render([triplet], row)))
    assert image.mode == "RGB"
    assert image.text["diaSourceId"] == "506428274000265570"
    assert image.text["visit"] == "2025051600123"
    assert image.text["detector"] == "94"
    assert image.text["Software"].startswith("lsst-analysis-ap")
    template, science, difference = image.text["Stretch 30x30"].split(", ")
    name, stretch, _, low, _, high, unit = science.split()
    assert unit == "nJy"
    assert (name, stretch) == ("Science", "asinh")
    assert float(low) == pytest.approx(triplet.science.array.min(), rel=1e-6)
    assert float(high) == pytest.approx(triplet.science.array.max(), rel=1e-6)
    assert template.startswith("Template asinh from ")
    assert difference.startswith("Difference linear from ")


def test_pictures_say_which_image_is_not_stored(make_triplet):
    triplet = replace(make_triplet(), difference=None)
    image = Image.open(io.BytesIO(Renderer(PictureStyle()).render([triplet])))
    template, science, difference = image.text["Stretch 30x30"].split(", ")
    assert template.startswith("Template asinh from ")
    assert science.startswith("Science asinh from ")
    assert difference == "Difference not stored"


def test_a_row_without_ids_gives_a_picture_without_them(make_triplet):
    for row in (None, {}, {"diaSourceId": None, "visit": float("nan")}):
        image = Image.open(
            io.BytesIO(Renderer(PictureStyle(add_metadata=True)).render([make_triplet()], row))
        )
        assert "diaSourceId" not in image.text
        assert "visit" not in image.text


def test_files_that_zooniverse_would_refuse_are_refused(make_triplet, monkeypatch):
    renderer = Renderer(PictureStyle())
    size = len(renderer.render([make_triplet()]))
    monkeypatch.setattr(module, "MAXIMUM_BYTES", size)
    with pytest.raises(CutoutsError, match=f"{size} bytes"):
        renderer.render([make_triplet()])


@pytest.mark.parametrize("sizes", [(30,), (51,), (30, 60)])
@pytest.mark.parametrize("add_metadata", [False, True])
def test_files_are_far_smaller_than_allowed(make_triplet, row, sizes, add_metadata):
    style = PictureStyle(sizes=sizes, add_metadata=add_metadata)
    assert len(Renderer(style).render([make_triplet(size) for size in sizes], row)) < 100_000


def test_the_checksum_is_right_in_the_largest_pictures():
    pixels = np.random.default_rng(1).uniform(0.9, 1.0, (150, 150)).astype(np.float32)
    pixels[0, 0] = 0.0
    stamp = Stamp(pixels, Box.from_center(2000, 2000, 150))
    style = PictureStyle(sizes=(150,), panel_pixels=900, difference_interval="minmax")
    png = Renderer(style).render([Triplet(stamp, stamp, stamp, sky_jacobian=0.2 * np.eye(2))])
    start = png.index(b"IDAT") + 4
    stream = png[start : start + int.from_bytes(png[start - 8 : start - 4], "big")]
    # This fails where the checksum is another.
    where = layout(style)
    assert where.panels[0][0].width == 900
    assert len(zlib.decompress(stream)) == where.height * (1 + 3 * where.width)


def test_separate_panels_have_one_size_and_the_pixels_of_the_whole(make_triplet, row):
    renderer = Renderer(PictureStyle())
    whole = np.asarray(Image.open(io.BytesIO(renderer.render([make_triplet()], row))))
    parts = renderer.render_panels([make_triplet()], row)
    for number, name in enumerate(("template", "science", "difference")):
        part = np.asarray(Image.open(io.BytesIO(parts[name])))
        assert part.shape == (252, 230, 3)
        left = 10 + 220 * number
        np.testing.assert_array_equal(part[32:242, 10:220], whole[32:242, left : left + 210])


def test_results_do_not_depend_on_what_was_rendered_before(make_triplet, row):
    renderer = Renderer(PictureStyle(add_metadata=True))
    first = renderer.render([make_triplet(seed=1)], row)
    renderer.render([make_triplet(seed=2, missing=5)], {**row, "pixelFlags_bad": True, "psfFlux": 1e12})
    assert renderer.render([make_triplet(seed=1)], row) == first


@pytest.mark.parametrize(
    ("sizes", "given"), [((30,), (20,)), ((30,), (30, 30)), ((30, 20), (30,)), ((30, 20), (20, 30))]
)
def test_stamps_of_other_sizes_than_the_styles_are_refused(make_triplet, sizes, given):
    with pytest.raises(ValueError, match=r"stamps of shapes .*, where the style's sizes are"):
        Renderer(PictureStyle(sizes=sizes)).render([make_triplet(size) for size in given], None)


def test_a_true_rotation_may_have_half_of_the_diagonal_on_each_side(make_triplet):
    renderer = Renderer(PictureStyle(sizes=(20,), orientation="true-north"))
    for size in (20, 30):  # 28.3 is the diagonal
        assert renderer.render([make_triplet(size)], None)
    for size in (28, 32, 35):
        with pytest.raises(ValueError, match="stamps of shapes"):
            renderer.render([make_triplet(size)], None)
