"""What a small file claims, or even holds, takes no more than a part of the memory."""

import gzip
import io
import time
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from astropy.io import fits

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images import ImageFileError
from lsst.analysis.ap.images.fits import _planes
from lsst.analysis.ap.images.fits._afw_archive import read_rows
from lsst.analysis.ap.images.fits._bytes import MemoryBytes
from lsst.analysis.ap.images.fits._hdus import HduList
from lsst.analysis.ap.images.fits._plane import Plane
from lsst.analysis.ap.images.fits._planes import read_plane

BOX = Box(0, 10, 0, 10)


def write(*hdus):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(file)
    return file.getvalue()


def hdu_of(data, index=1):
    return HduList(MemoryBytes(data, "small.fits")).get(index)


def plane_of(data):
    return Plane.of(hdu_of(data))


@pytest.fixture
def frugal():
    """Fail when a test takes 700 MB or five seconds."""
    tracemalloc.start()
    start = time.process_time()
    yield
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 700e6
    assert seconds < 5


def tile_table(tile, shape, *, bitpix=-32, form="1PB(1)", extra=(), more=()):
    """Write an image of a single tile, or of some above each other, whose bytes are given."""
    tiles = np.empty(1 + len(more), object)
    for row, content in enumerate((tile, *more)):
        tiles[row] = np.frombuffer(content, np.uint8)
    column = fits.Column("COMPRESSED_DATA", form, array=tiles)
    hdu = fits.BinTableHDU.from_columns([column, *extra])
    cards = {"ZIMAGE": True, "ZCMPTYPE": "GZIP_1", "ZBITPIX": bitpix, "ZNAXIS": 2}
    cards |= {"ZNAXIS1": shape[1], "ZNAXIS2": shape[0], "ZTILE1": shape[1], "ZTILE2": shape[0] // len(tiles)}
    hdu.header.update(cards)
    return write(hdu)


def zeros(megabytes):
    """Return the begin of a gzip stream that goes on and on."""
    stream = zlib.compressobj(9, wbits=31)
    first = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    again = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    return first + again * (megabytes - 1)


def test_tiles_that_inflate_to_more_than_their_pixels(frugal):
    data = tile_table(zeros(1000), (20, 20))
    with pytest.raises(
        ImageFileError, match="tile 0 of HDU 1 cannot be inflated: it has more than 3200 bytes"
    ):
        read_plane(plane_of(data), [BOX])


def test_tiles_that_only_astropy_reads_and_that_inflate_to_more(frugal):
    """Columns of sixteen-bit bytes are too odd for us, pixels of 64 bits are not."""
    data = tile_table(gzip.compress(bytes(20 * 20 * 8)), (20, 20))
    np.testing.assert_array_equal(read_plane(plane_of(data), [BOX]), np.zeros((1, 10, 10)))
    extra = [fits.Column("ODD", "2J", array=np.zeros((1, 2), np.int32))]
    for tile in (zeros(1000), gzip.compress(bytes(20 * 20 * 4))):
        with pytest.raises(ImageFileError, match="unusual tile table in HDU 1: column ODD"):
            read_plane(plane_of(tile_table(tile, (20, 20), extra=extra)), [BOX])


def test_later_tiles_of_such_an_image_that_inflate_to_more(frugal):
    """They are not yet looked at when the first one turns out to be for astropy, which has no limit."""
    odd = gzip.compress(bytes(10 * 20 * 8))
    data = tile_table(odd, (20, 20), more=[odd])
    np.testing.assert_array_equal(read_plane(plane_of(data), [Box(0, 10, 5, 15)]), np.zeros((1, 10, 10)))
    data = tile_table(odd, (20, 20), more=[zeros(1000)])
    with pytest.raises(ImageFileError, match="tile 1 of HDU 1 cannot be inflated: it has more than 1600"):
        read_plane(plane_of(data), [Box(0, 10, 5, 15)])


@pytest.mark.parametrize("shape", [(20_000, 20_000), (2**31, 2**31)])
def test_images_in_one_tile_that_is_too_large(frugal, shape):
    data = tile_table(zeros(1), shape)
    with pytest.raises(ImageFileError, match="MB of them, more than 256"):
        read_plane(plane_of(data), [BOX])


@pytest.mark.parametrize("shape", [(200, 60), (185, 55)])
def test_large_images_are_read_in_turns(frugal, monkeypatch, shape):
    """Four tiles at a time are decoded, each of them once, whatever boxes touch it."""
    pixels = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    data = write(
        fits.CompImageHDU(pixels, compression_type="GZIP_2", quantize_level=0.0, tile_shape=(20, 30))
    )
    rng = np.random.default_rng(4)
    boxes = [Box(x, x + 7, y, y + 5) for x, y in rng.integers(48, size=(40, 2)) * [1, 3]]
    decoded, turns = [], []
    inflate, turn = _planes.inflate, _planes._Tiles.decode
    monkeypatch.setattr(_planes, "inflate", lambda *words: decoded.append(1) or inflate(*words))
    monkeypatch.setattr(_planes._Tiles, "decode", lambda *words: turns.append(1) or turn(*words))
    monkeypatch.setattr(_planes, "BUFFER", 4 * 20 * 30 * 4)
    arrays = read_plane(plane_of(data), boxes)
    for box, array in zip(boxes, arrays, strict=True):
        np.testing.assert_array_equal(array, pixels[box.y_start : box.y_stop, box.x_start : box.x_stop])
    corners = {
        (x, y) for box in boxes for x in (box.x_start, box.x_stop - 1) for y in (box.y_start, box.y_stop - 1)
    }
    touched = {(x // 30, y // 20) for x, y in corners}
    assert len(decoded) == len(touched)
    assert len(turns) == -(-len(touched) // 4)


@pytest.mark.parametrize("count", [-1, 1000, 2**31, 10**26])
def test_columns_without_number(frugal, count):
    hdu = fits.BinTableHDU.from_columns([fits.Column("ID", "J", array=np.arange(3))])
    hdu.header["SPARE"] = "x"
    data = write(hdu).replace(b"TFIELDS =                    1", f"TFIELDS = {count:20}".encode()[:30])
    with pytest.raises(ImageFileError, match="TFIELDS"):
        read_rows(hdu_of(data))


def test_rows_without_bytes(frugal):
    hdu = fits.BinTableHDU.from_columns([fits.Column("ID", "1J", array=np.arange(3))])
    data = write(hdu).replace(b"NAXIS1  =                    4", b"NAXIS1  =                    0")
    data = data.replace(b"NAXIS2  =                    3", b"NAXIS2  =           2147483648")
    data = data.replace(b"'1J      '", b"'0J      '")
    with pytest.raises(ImageFileError, match="its rows are empty"):
        read_rows(hdu_of(data))


def test_cells_that_all_claim_the_same_bytes(frugal):
    cells = np.array([np.zeros(100_000, np.uint8), *[np.zeros(1, np.uint8)] * 9_999], object)
    data = bytearray(write(fits.BinTableHDU.from_columns([fits.Column("WCS", "1PB(1)", array=cells)])))
    hdu = hdu_of(bytes(data))
    descriptor = np.array([100_000, 0], ">i4").tobytes()
    data[hdu.data_start : hdu.data_start + 80_000] = descriptor * 10_000
    with pytest.raises(ImageFileError, match="its cells claim 1000000000 bytes"):
        read_rows(hdu_of(bytes(data)))


def test_more_units_than_any_image_has(frugal):
    extension = fits.ImageHDU().header.tostring().encode()
    data = write() + extension.ljust(2880) * 10_000
    with pytest.raises(ImageFileError, match="more than 4096 HDUs"):
        HduList(MemoryBytes(data, "small.fits")).find("MASK")


@pytest.mark.parametrize("algorithm", ["GZIP_2", "RICE_1", "HCOMPRESS_1"])
@pytest.mark.parametrize("scaled", [False, True])
def test_integers_whose_blank_value_only_zblank_has(algorithm, scaled):
    raw = np.random.default_rng(1).integers(-3000, 3000, (40, 40)).astype("i2")
    raw[10:14, 5:25] = -32768
    hdu = fits.CompImageHDU(raw, compression_type=algorithm, tile_shape=(20, 20))
    with fits.open(io.BytesIO(write(hdu)), disable_image_compression=True) as hdus:
        hdus[1].header.update({"ZBLANK": -32768})
        if scaled:
            hdus[1].header.update({"BSCALE": 0.02, "BZERO": 100.0})
        file = io.BytesIO()
        hdus.writeto(file)
    with fits.open(io.BytesIO(file.getvalue())) as hdus:
        expected = hdus[1].data
    assert np.isnan(expected).sum() == 80
    boxes = [Box(0, 40, 0, 40), Box(3, 12, 8, 30)]
    for box, array in zip(boxes, read_plane(plane_of(file.getvalue()), boxes), strict=True):
        np.testing.assert_array_equal(array, expected[box.y_start : box.y_stop, box.x_start : box.x_stop])


@pytest.mark.parametrize("compressed", [False, True])
def test_images_with_axes_of_one_pixel_more(compressed):
    pixels = np.arange(600, dtype=np.int16).reshape(1, 20, 30)
    hdu = fits.CompImageHDU(pixels, tile_shape=(1, 5, 30)) if compressed else fits.ImageHDU(pixels)
    (array,) = read_plane(plane_of(write(hdu)), [Box(3, 9, 2, 7)])
    np.testing.assert_array_equal(array, pixels[0, 2:7, 3:9])
    with pytest.raises(ImageFileError, match="3 dimensions"):
        read_plane(plane_of(write(fits.ImageHDU(np.zeros((2, 20, 30))))), [BOX])
