"""Parts of an image are what astropy's full read of it has there."""

import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images.fits import _codecs
from lsst.analysis.ap.images.fits._bytes import ByteSource, check_range
from lsst.analysis.ap.images.fits._hdus import HduList
from lsst.analysis.ap.images.fits._plane import Plane
from lsst.analysis.ap.images.fits._planes import read_plane


class MemoryBytes:
    """A file in memory."""

    name = "memory.fits"
    max_gap = 0

    def __init__(self, data):
        self.data = data
        self.size = len(data)
        self.reads = []

    def read(self, start, stop):
        check_range(self, start, stop)
        self.reads.append((start, stop))
        return self.data[start:stop]

    def plan(self, requests, length):
        pass

    def close(self):
        pass


def write(hdu) -> ByteSource:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    return MemoryBytes(file.getvalue())


def astropys(source):
    with fits.open(io.BytesIO(source.data)) as hdus:
        return hdus[1].data


def ours(source, boxes):
    return read_plane(Plane.of(HduList(source).get(1)), boxes)


def assert_same(source, boxes):
    full = astropys(source)
    for box, array in zip(boxes, ours(source, boxes), strict=True):
        expected = full[box.y_start : box.y_stop, box.x_start : box.x_stop]
        assert array.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(array, expected, strict=False)
        # Signs of zero and of NaN too.
        assert array.tobytes() == expected.astype(array.dtype).tobytes()


@st.composite
def boxes_within(draw, shape):
    result = []
    for _ in range(draw(st.integers(1, 6))):
        x, y = draw(st.integers(0, shape[1] - 1)), draw(st.integers(0, shape[0] - 1))
        width, height = draw(st.integers(1, shape[1] - x)), draw(st.integers(1, shape[0] - y))
        result.append(Box(x, x + width, y, y + height))
    return result


@st.composite
def images(draw, dtypes):
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 50)))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype.kind == "f":
        image = rng.normal(draw(st.sampled_from([0, 1e4])), draw(st.sampled_from([1, 30, 1e-3])), shape)
        image[rng.random(shape) < draw(st.sampled_from([0, 0, 0.05, 1]))] = np.nan
        image[rng.random(shape) < draw(st.sampled_from([0, 0.05]))] = 0
        image[rng.integers(shape[0])] = draw(st.sampled_from([0, 1, np.nan]))
    else:
        limits = np.iinfo(dtype)
        image = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        image //= draw(st.sampled_from([1, 100]))
    return image.astype(dtype)


@st.composite
def compressed_files(draw):
    algorithm = draw(st.sampled_from(["GZIP_1", "GZIP_2", "GZIP_2", "RICE_1", "RICE_1"]))
    image = draw(images(["f4", "f4", "f8", "i4", "i2", "u1", "u2", "u4"]))
    quantized = algorithm == "RICE_1" or draw(st.booleans())
    tile = draw(st.one_of(st.just((1, image.shape[1])), st.tuples(st.integers(1, 45), st.integers(1, 55))))
    tile = min(tile[0], image.shape[0]), min(tile[1], image.shape[1])
    hdu = fits.CompImageHDU(
        image,
        compression_type=algorithm,
        tile_shape=tile,
        quantize_level=draw(st.sampled_from([4.0, 16.0, -0.01])) if quantized else 0.0,
        quantize_method=draw(st.sampled_from([-1, 1, 2])) if quantized else None,
        dither_seed=draw(st.integers(1, 10_000)),
    )
    return write(hdu), draw(boxes_within(image.shape))


slow = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(compressed_files())
def test_compressed_images(drawn):
    assert_same(*drawn)


@st.composite
def uncompressed_files(draw):
    image = draw(images(["f4", "f8", "i8", "i4", "i2", "u1", "u2", "u4"]))
    return write(fits.ImageHDU(image)), draw(boxes_within(image.shape))


@slow
@given(uncompressed_files())
def test_uncompressed_images(drawn):
    assert_same(*drawn)


@pytest.mark.parametrize("method", [1, 2])
def test_dithering_of_tiles_longer_than_the_random_sequence(method):
    image = np.random.default_rng(5).normal(0, 10, (170, 180)).astype("f4")
    hdu = fits.CompImageHDU(
        image,
        compression_type="RICE_1",
        tile_shape=(160, 180),
        quantize_method=method,
        dither_seed=9999,
        quantize_level=8.0,
    )
    assert_same(write(hdu), [Box(0, 180, 0, 170), Box(170, 180, 150, 170), Box(3, 33, 60, 90)])


@pytest.mark.parametrize("algorithm", ["HCOMPRESS_1", "PLIO_1"])
def test_other_codecs_fall_back_to_astropy(algorithm):
    image = np.random.default_rng(5).integers(0, 100, (60, 60)).astype("i2")
    hdu = fits.CompImageHDU(image, compression_type=algorithm, tile_shape=(20, 30))
    assert_same(write(hdu), [Box(5, 25, 10, 40), Box(50, 60, 0, 60)])


@pytest.mark.parametrize("algorithm", ["GZIP_1", "GZIP_2", "RICE_1"])
def test_libraries_that_may_be_absent(monkeypatch, algorithm):
    image = np.random.default_rng(5).normal(0, 10, (60, 50)).astype("f4")
    source = write(fits.CompImageHDU(image, compression_type=algorithm, tile_shape=(7, 20)))
    monkeypatch.setattr(_codecs, "deflate", None)
    monkeypatch.setattr(_codecs, "Rice1", None)
    assert_same(source, [Box(5, 25, 10, 40), Box(40, 50, 0, 60)])


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("blank", [True, False])
def test_scaled_integers(compressed, blank):
    image = np.random.default_rng(5).integers(-100, 100, (60, 60)).astype("i2")
    image[10:20] = -99
    hdu = fits.CompImageHDU(image, compression_type="GZIP_2") if compressed else fits.ImageHDU(image)
    if blank:
        hdu.header["BLANK"] = -99
    hdu.header["SPARE1"], hdu.header["SPARE2"] = 1, 2
    source = write(hdu)
    # Astropy would rescale the pixels to go with such cards.
    source.data = source.data.replace(b"SPARE1  =                    1", b"BSCALE  =                  0.5")
    source.data = source.data.replace(b"SPARE2  =                    2", b"BZERO   =                 7.25")
    boxes = [Box(5, 25, 5, 40), Box(50, 60, 0, 60)]
    assert_same(source, boxes)
    assert np.isnan(ours(source, boxes)[0]).any() == blank


def test_each_tile_is_read_once_and_neighbours_together():
    image = np.random.default_rng(5).normal(0, 10, (60, 50)).astype("f4")
    source = write(fits.CompImageHDU(image, compression_type="GZIP_2", quantize_level=0.0))
    source.max_gap = 0
    hdu = HduList(source).get(1)
    source.reads.clear()
    read_plane(Plane.of(hdu), [Box(0, 10, 5, 15), Box(20, 30, 10, 20), Box(5, 15, 40, 45)])
    table, *pixels = source.reads
    assert table[0] == hdu.data_start
    assert len(pixels) == 2, "rows 5 to 20 lie together, and rows 40 to 45"


def test_no_boxes_cost_nothing():
    source = write(fits.ImageHDU(np.zeros((5, 5), "f4")))
    hdu = HduList(source).get(1)
    source.reads.clear()
    assert read_plane(Plane.of(hdu), []) == []
    assert source.reads == []
