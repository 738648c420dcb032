"""The configuration in the documentation gives the colours of the published tool."""

import io
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from lsst.analysis.ap import ZooniverseCutoutsConfig
from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import Renderer
from lsst.analysis.ap.render._layout import layout

TESTS = Path(__file__).parents[1]
LOOK = TESTS.parent / "doc" / "lsst.analysis.ap" / "published_look.py"
BONE = matplotlib.colormaps["bone"](np.arange(256), bytes=True)[:, :3].astype(int)


def numbers(picture: Image.Image, left: int, top: int, side: int) -> np.ndarray:
    """Return the number of the colour of each of 30 x 30 stamp pixels, -1 where it is none of the map."""
    centers = ((np.arange(30) + 0.5) * side / 30).astype(int)
    colors = np.asarray(picture.convert("RGB")).astype(int)[top + centers][:, left + centers]
    distance = np.abs(colors[:, :, np.newaxis] - BONE).sum(axis=-1)
    return np.where(distance.min(axis=-1) <= 3, distance.argmin(axis=-1), -1)


@pytest.mark.parametrize(
    ("source", "kind", "lefts", "top"),
    [(506428274000265570, "plain", (10, 223, 437), 31), (506428274000273642, "meta", (14, 228, 441), 134)],
)
def test_each_pixel_has_the_color_of_the_published_picture(source, kind, lefts, top):
    published = Image.open(TESTS / "data" / "published" / f"{source}_{kind}_30.png")
    cutouts = np.load(TESTS / "data" / "afw" / "cutouts_rice.npz")
    box = Box(0, 30, 0, 30)
    arrays = (cutouts[f"{role}_{source}_30_image"] for role in ("template", "science", "difference"))
    config = ZooniverseCutoutsConfig()
    config.load(str(LOOK))
    style = config.makeStyle()
    triplet = Triplet(*(Stamp(array, box) for array in arrays), sky_jacobian=0.2 * np.eye(2))
    ours = Image.open(io.BytesIO(Renderer(style).render([triplet])))
    for rect, left in zip(layout(style).panels[0], lefts, strict=True):
        expected = numbers(published, left, top, 205)
        found = numbers(ours, rect.x, rect.y, rect.width)
        # Not below the bars, and where the image has data.
        both = (expected >= 0) & (found >= 0)
        assert both[:27].mean() > 0.8
        assert np.abs(expected - found)[both].max() <= 1


def test_the_difference_is_another_by_default():
    config = ZooniverseCutoutsConfig()
    before = config.makeStyle()
    config.load(str(LOOK))
    assert config.makeStyle() != before
