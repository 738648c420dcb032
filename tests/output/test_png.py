"""What a picture says of itself, read by Pillow."""

import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lsst.analysis.ap.output._pictures import without_identity

TEXTS = {"Software": "a program", "Panels": "[1, 2]", "diaSourceId": "17", "limits": "0 9"}


def test_what_tells_of_the_source_goes_and_the_picture_stays():
    pixels = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    texts, stream = PngInfo(), io.BytesIO()
    for number, (name, value) in enumerate(TEXTS.items()):
        (texts.add_text, texts.add_itxt)[number % 2](name, value)
    texts.add_text("long", "17 " * 99, zip=True)
    Image.fromarray(pixels).save(stream, "png", pnginfo=texts)
    image = Image.open(io.BytesIO(without_identity(stream.getvalue())))
    np.testing.assert_array_equal(np.asarray(image), pixels)
    assert set(image.text) == {"Software", "Panels"}
