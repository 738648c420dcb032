import io
import os
import subprocess
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from lsst.analysis.ap.render._png import Sheet, png_file


def sheet_of(image: np.ndarray) -> Sheet:
    sheet = Sheet.empty(*image.shape[:2])
    sheet.image[:] = image
    return sheet


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    st.lists(st.integers(1, 4), min_size=9, max_size=9),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_pixels_come_back(image, times, start, count):
    """Whether lines are known to repeat or not, and whether some of them no longer are."""
    image = image.repeat(times[: len(image)], axis=0)
    known, changed = Sheet.of(image), Sheet.of(image)
    changed.unfold(start, start + count)
    np.testing.assert_array_equal(Sheet.of(image).pixels(), image)
    for each in (sheet_of(image), known, known.copy(), changed):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_file(each, [])))), image)


@pytest.mark.parametrize("before", [1, 2, 7, 14])
def test_lines_in_groups_are_painted_once(before):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (20, 5, 3), dtype=np.uint8)
    image[1:5], image[15:19] = image[1], image[15]  # equal lines on both sides of either end
    sheet = Sheet.of(image)
    sheet.fold(3, 14, before)
    sheet.fold(3, 14, 7)
    sheet.image[3:17:7] = groups = rng.integers(0, 256, (2, 5, 3), dtype=np.uint8)
    expected = np.concatenate([image[:3], groups.repeat(7, axis=0), image[17:]])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_file(sheet.copy(), [])))), expected)
    sheet.unfold(8, 9)
    sheet.image[8] = expected[8] = 7
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_file(sheet, [])))), expected)


def test_texts_of_every_language_come_back():
    texts = {"Software": "x 1.0", "Title": "Überrest", "Comment": "超新星"}
    png = png_file(sheet_of(np.zeros((1, 1, 3), dtype=np.uint8)), texts.items())
    assert Image.open(io.BytesIO(png)).text == texts


PROGRAM = """
import hashlib
import numpy as np
from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer
digest = hashlib.sha256()
for size in (30, 51, 100):
    rng = np.random.default_rng(size)
    stamps = [Stamp(rng.normal(size=(size, size)).astype("f4"), Box(0, size, 0, size)) for _ in range(3)]
    triplet = Triplet(*stamps, sky_jacobian=0.2 * np.eye(2))
    renderer = Renderer(PictureStyle(sizes=(size,), add_metadata=True))
    for n in range(3):
        digest.update(renderer.render([triplet], {"diaSourceId": n, "psfFlux": 1.0}))
print(digest.hexdigest())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="fills new memory with bytes by a setting of glibc")
def test_bytes_do_not_depend_on_what_was_in_memory():
    """A compressor that reads memory before it is written gives other bytes in each process."""
    with redirect_stdout(io.StringIO()) as here:
        exec(PROGRAM, {})
    elsewhere = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "MALLOC_PERTURB_": "85"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert elsewhere.stdout == here.getvalue()
