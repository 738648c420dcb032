"""The painted picture is the drawn one, pixel for pixel."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer, draw_figure
from lsst.analysis.ap.render._canvas import drawn
from lsst.analysis.ap.render._flags import FLAG_WORDS, LABEL_FLAGS
from lsst.analysis.ap.render._paint import _blank_picture

FLAGS = sorted(
    {
        *(c for word in FLAG_WORDS for c in word.columns),
        *(c for columns in LABEL_FLAGS.values() for c in columns),
    }
)
NUMBERS = ("ra", "dec", "snr", "psfFlux", "psfFluxErr", "psfChi2", "psfNdata", "apFlux", "apFluxErr")
NUMBERS += ("scienceFlux", "scienceFluxErr", "reliability", "midpointMjdTai")

PLANES = {"SAT": 1, "BAD": 0, "FOO": 2, "DETECTED": 1}
UNITS = ("nJy", None, "electron / s")
KINDS = ("noise", "source", "constant", "empty", "holes", "strip", "steps", "wild")

values = st.one_of(
    st.none(),
    st.just(float("nan")),
    st.floats(-1e13, 1e13),
    st.floats(-1.0, 1.0),
    st.floats(),
    st.sampled_from([0, -0.0, 1e12, -1e12, 99999.95, 9.9999e99, -1e-300, np.float32(12.5), "x"]),
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "diaSourceId": st.one_of(st.none(), st.integers(-(2**63), 2**63), st.just(np.int64(12))),
        "diaObjectId": st.integers(0, 2**63),
        "ssObjectId": st.integers(0, 2**50),
        "visit": st.one_of(st.none(), st.integers(0, 10**18), st.just(2025051600123)),
        "detector": st.one_of(st.none(), st.integers(0, 10**5), st.just(float("nan"))),
        "instrument": st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["LSSTCam", "$x$ & y_2"])),
        "bboxSize": st.one_of(st.none(), st.integers(-1, 80), st.just(float("nan"))),
        "band": st.one_of(st.none(), st.sampled_from(["u", "y", "N921", "white light"])),
        **dict.fromkeys(NUMBERS, values),
        **dict.fromkeys(FLAGS, st.sampled_from([True, False, None, 1, 0, np.bool_(True), float("nan")])),
    },
)


@st.composite
def triplets(draw: Any, size: int) -> Triplet:
    """Draw stamps of every kind: noise, constants, holes, outliers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stamps = []
    box = Box.from_center(4000.3, 12.7, size)
    for _ in range(3):
        kind = draw(st.sampled_from(KINDS))
        array = rng.normal(scale=10 ** rng.uniform(-3, 5), size=(size, size))
        if kind == "source":
            y, x = np.indices((size, size)) - size / 2
            array += 10 ** rng.uniform(0, 6) * rng.choice((-1, 1)) * np.exp(-(x**2 + y**2) / 8)
        elif kind == "constant":
            array[:] = rng.choice([0.0, 7.0, -1e30])
        elif kind == "empty":
            array[:] = np.nan
        elif kind == "holes":
            array[rng.random((size, size)) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
        elif kind == "strip":
            array[:, : rng.integers(1, size + 1)] = np.nan
        elif kind == "steps":
            array = np.round(rng.normal(scale=2, size=(size, size)))
        elif kind == "wild":
            array *= 10.0 ** rng.integers(0, 30, (size, size))
        mask = rng.integers(0, 8, (size, size), dtype=np.int32) * (rng.random((size, size)) < 0.1)
        stamps.append(
            Stamp(array.astype(np.float32), box, mask.astype(np.int32), PLANES, draw(st.sampled_from(UNITS)))
        )
    angle = rng.uniform(0, 2 * np.pi)
    flip = rng.choice((-1, 1))
    turn = np.array([[flip * np.cos(angle), np.sin(angle)], [-flip * np.sin(angle), np.cos(angle)]])
    scale = draw(st.sampled_from([0.2, 0.168, 0.05, 3.0, 1e-6, 0.0, float("nan")]))
    position = draw(st.sampled_from([None, (4000.3, 12.7), (box.x_start - 3.0, box.y_stop + 40.0)]))
    if draw(st.integers(0, 7)) == 0:
        stamps[2] = None
    kind = draw(st.sampled_from(["", "", "tract 1 patch 2"]))
    return Triplet(*stamps, sky_jacobian=scale * turn, position=position, template_source=kind)


styles = st.builds(
    PictureStyle,
    sizes=st.one_of(
        st.sampled_from([(30,), (51,), (30, 60), (31, 7), (1,), (2, 1), (120,)]),
        st.lists(st.integers(1, 60), min_size=1, max_size=2).map(tuple),
    ),
    add_metadata=st.booleans(),
    image_stretch=st.sampled_from(["asinh", "linear", "log", "sqrt"]),
    image_interval=st.sampled_from(["minmax", "percentile", "zscale"]),
    difference_stretch=st.sampled_from(["asinh", "linear", "log", "sqrt"]),
    difference_interval=st.sampled_from(["minmax", "percentile", "zscale"]),
    asinh_a=st.sampled_from([0.1, 0.01, 3.0]),
    color_map=st.sampled_from(["bone", "viridis", "gray_r", "tab10"]),
    difference_color_map=st.sampled_from([None, "PuOr", "bone"]),
    panel_pixels=st.sampled_from([210, 60, 90, 90, 60, 330]),
    background=st.sampled_from(["light", "dark"]),
    percentile=st.sampled_from([99.5, 50.0, 100.0]),
    limits_region=st.sampled_from([None, 1, 10]),
    difference_limits_region=st.sampled_from([None, 15]),
    image_limits=st.sampled_from([None, None, (-10, 1000.0), (0.0, 1e-7)]),
    difference_limits=st.sampled_from([None, None, (-3.0, 3.0)]),
    color_bar=st.booleans(),
    shared_limits=st.booleans(),
    difference_symmetric=st.booleans(),
    orientation=st.sampled_from(["pixels", "nearest-north", "true-north"]),
    compass=st.booleans(),
    center_mark=st.sampled_from(["none", "crosshair", "ticks"]),
    mask_planes=st.sampled_from([(), (), ("SAT", "BAD", "FOO", "CR")]),
    footprint=st.booleans(),
)


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_every_pixel_is_the_one_that_matplotlib_draws(data):
    style = data.draw(styles)
    stamps = [data.draw(triplets(size)) for size in style.sizes]
    row = data.draw(st.one_of(st.none(), rows))
    with np.errstate(all="ignore"):
        expected = drawn(draw_figure(style, stamps, row))
    found = np.asarray(Image.open(io.BytesIO(Renderer(style).render(stamps, row))))
    np.testing.assert_array_equal(found, expected)


@settings(
    max_examples=30,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_nothing_is_left_of_the_pictures_before(data):
    style = data.draw(styles)
    sources = [
        ([data.draw(triplets(size)) for size in style.sizes], data.draw(st.one_of(st.none(), rows)))
        for _ in range(4)
    ]
    renderer = Renderer(style)
    with np.errstate(all="ignore"):
        # Each of them with the memory of the one before, then with memory of its own.
        found = [renderer.render(*source) for source in sources]
        for source, png in zip(sources, found, strict=True):
            _blank_picture.cache_clear()
            assert renderer.render(*source) == png


def test_separate_panels_are_those_that_matplotlib_draws(make_triplet, row):
    style = PictureStyle(sizes=(30, 51), difference_symmetric=True, compass=True)
    stamps = [make_triplet(size, missing=2) for size in style.sizes]
    pictures = Renderer(style).render_panels(stamps, row)
    assert list(pictures) == ["template", "science", "difference"]
    for number, png in enumerate(pictures.values()):
        found = np.asarray(Image.open(io.BytesIO(png)))
        np.testing.assert_array_equal(found, drawn(draw_figure(style, stamps, row, [number])))


@pytest.mark.parametrize("add_metadata", [False, True])
def test_common_pictures_are_those_that_matplotlib_draws(make_triplet, row, add_metadata):
    style = PictureStyle(sizes=(30, 51), add_metadata=add_metadata)
    renderer = Renderer(style)
    for seed in range(0, 12, 3):
        flux = 10.0 ** (seed - 4)
        stamps = [make_triplet(size, seed=seed, flux=flux, missing=seed % 2) for size in style.sizes]
        expected = drawn(draw_figure(style, stamps, row))
        found = np.asarray(Image.open(io.BytesIO(renderer.render(stamps, row))))
        np.testing.assert_array_equal(found, expected)
