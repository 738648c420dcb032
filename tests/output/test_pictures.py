import io
import urllib.request
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lsst.analysis.ap.output._pictures import (
    encoded_root,
    hosted_url,
    without_identity,
)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://host/run", "https://host/run"),
        ("https://host", "https://host"),
        (" https://host:8443/run/ ", "https://host:8443/run"),
        ("https://host/night of January", "https://host/night%20of%20January"),
        ("https://host/night%20of%20January", "https://host/night%20of%20January"),
        ("https://host/100%", "https://host/100%25"),
        ("https://host/Straße/δ", "https://host/Stra%C3%9Fe/%CE%B4"),
        ("https://münchen.example/a", "https://xn--mnchen-3ya.example/a"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_a_root_is_encoded_as_far_as_it_needs(url, root):
    assert encoded_root(url) == root
    assert root.isascii()
    assert urllib.request.Request(root)  # which refuses blanks and letters outside ASCII


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x?sig=abc",
        "https://host/x?",
        "https://host/x#part",
        "https://user:secret@host/x",
        "https://secret@host/x",
        "https://:secret@host/x",
        "https:///x",
        "host/x",
        "s3://bucket/x",
        "https://ho st/x",
        "https://host:port/x",
    ],
)
def test_what_is_no_root_is_refused(url):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - each has a message of its own
        encoded_root(url)
    assert "secret" not in str(refusal.value)


def test_a_picture_is_found_under_its_root():
    url = hosted_url(encoded_root("https://host/a b/"), "0-9/1 é.png")
    assert url == "https://host/a%20b/0-9/1%20%C3%A9.png"
    assert unquote(url) == "https://host/a b/0-9/1 é.png"


"""What a picture says of itself, read by Pillow."""


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
