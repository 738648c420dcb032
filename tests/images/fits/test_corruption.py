"""Damaged files are noticed; nothing crashes, and pixels are not made up."""

import importlib.util
import io
import struct
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images import ImageFileError
from lsst.analysis.ap.images._fits_image import FitsImage
from lsst.analysis.ap.images.fits._afw_archive import read_rows
from lsst.analysis.ap.images.fits._bytes import LocalBytes
from lsst.analysis.ap.images.fits._hdus import HduList
from lsst.analysis.ap.images.fits._plane import Plane
from lsst.analysis.ap.images.fits._planes import read_plane

spec = importlib.util.spec_from_file_location(
    "fuzz_images", Path(__file__).parents[2] / "stress" / "fuzz_images.py"
)
fuzz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fuzz)

PIXELS = [Box(1300, 1330, 1000, 1030)]


@pytest.fixture(scope="module")
def rice_file(afw_files):
    return afw_files["calexp"].read_bytes()


@pytest.fixture(scope="module")
def gzip_file(afw_files):
    """The same exposure with a GZIP_2 image."""
    with warnings.catch_warnings(), fits.open(afw_files["calexp"]) as hdus:
        warnings.simplefilter("ignore")
        header = hdus["IMAGE"].header
        hdus["IMAGE"] = fits.CompImageHDU(
            hdus["IMAGE"].data, header, compression_type="GZIP_2", quantize_level=0.0
        )
        file = io.BytesIO()
        hdus.writeto(file)
    return file.getvalue()


def flip(data, position, bit):
    damaged = bytearray(data)
    damaged[position] ^= 1 << bit
    return bytes(damaged)


def outcome(data, read):
    """Return what was read, or None where the damage was noticed."""
    try:
        return read(FitsImage(fuzz.MemoryBytes(data, "damaged.fits")))
    except ImageFileError:
        return None


def read_pixels(image):
    return image.read(PIXELS)["image"][0].tobytes()


def image_hdu(data):
    return HduList(fuzz.MemoryBytes(data, "damaged.fits")).find("IMAGE")


@pytest.mark.parametrize("row", [200, 229])
@pytest.mark.parametrize("name", ["rice_file", "gzip_file"])
def test_every_flipped_bit_of_a_tiles_pointer_is_noticed(request, name, row):
    data = request.getfixturevalue(name)
    hdu = image_hdu(data)
    start = hdu.data_start + row * hdu.integer("NAXIS1")
    for position in range(start, start + 8):
        for bit in range(8):
            assert outcome(flip(data, position, bit), read_pixels) in (None, outcome(data, read_pixels))


def test_flipped_bits_of_gzip_tiles_are_noticed(gzip_file):
    hdu = image_hdu(gzip_file)
    good = outcome(gzip_file, read_pixels)
    column = read_rows(hdu).field("COMPRESSED_DATA")
    sizes = [len(tile) for tile in column]
    start = hdu.data_start + hdu.integer("NAXIS1") * 400 + sum(sizes[:200])
    rng = np.random.default_rng(1)
    noticed = 0
    for position in rng.integers(start, start + sum(sizes[200:230]), 150):
        result = outcome(flip(gzip_file, position, rng.integers(8)), read_pixels)
        noticed += result is None
        # Some bytes of a gzip header mean nothing.
        assert result in (None, good)
    assert noticed > 145


def test_a_bad_tile_costs_only_who_needs_it(gzip_file):
    hdu = image_hdu(gzip_file)
    damaged = flip(gzip_file, hdu.data_start + hdu.integer("NAXIS1") * 400 + 500, 3)
    with pytest.raises(ImageFileError, match="tile 0 of HDU 1 cannot be inflated"):
        FitsImage(fuzz.MemoryBytes(damaged, "damaged.fits")).read([Box(1210, 1220, 800, 810)])
    assert outcome(damaged, read_pixels) == outcome(gzip_file, read_pixels)


def test_flipped_bits_of_the_archive_index_are_noticed_or_harmless(rice_file):
    index = HduList(fuzz.MemoryBytes(rice_file, "damaged.fits")).find("ARCHIVE_INDEX")

    def read_position(image):
        try:
            return np.array(image.sky_map.pixel_to_sky(np.array([1300.0]), np.array([1000.0]))).tobytes()
        except ValueError:
            return None

    good = outcome(rice_file, read_position)
    rng = np.random.default_rng(2)
    results = [
        outcome(flip(rice_file, position, rng.integers(8)), read_position)
        for position in rng.integers(index.data_start, index.data_start + index.data_size, 150)
    ]
    assert set(results) <= {None, good}
    assert None in results


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.6, 0.9, 0.98])
def test_truncated_files_are_noticed(rice_file, fraction):
    def read(image):
        return image.read(PIXELS), image.sky_map

    assert outcome(rice_file[: int(fraction * len(rice_file))], read) is None


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_an_uncompressed_image_cut_short_is_noticed_where_its_first_rows_are_wanted(where, tmp_path):
    """What is left would make stamps, of an image that somebody has to copy again."""
    path = tmp_path / "short.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((90, 80), "f4"))]).writeto(path)
    whole = path.read_bytes()
    for size in (len(whole), len(whole) - 2880):
        path.write_bytes(whole[:size])
        source = LocalBytes(str(path)) if where == "disk" else fuzz.MemoryBytes(whole[:size], "short.fits")
        with (
            nullcontext()
            if size == len(whole)
            else pytest.raises(ImageFileError, match="is truncated: HDU 1")
        ):
            (pixels,) = read_plane(Plane.of(HduList(source).get(1)), [Box(0, 10, 0, 10)])
            assert pixels.shape == (10, 10)


def test_tiles_that_share_bytes_are_refused():
    """Rice has no checksum: what it makes of the bytes of another tile are pixels like any."""
    rng = np.random.default_rng(5)
    file = io.BytesIO()
    pixels = rng.integers(0, 9000, (8, 30)).astype(np.int32)
    image = fits.CompImageHDU(pixels, compression_type="RICE_1", tile_shape=(1, 30))
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(file)
    hdu = HduList(fuzz.MemoryBytes(file.getvalue(), "whole.fits")).get(1)
    content = bytearray(file.getvalue())
    (plane,) = read_plane(Plane.of(hdu), [Box(0, 30, 0, 8)])
    np.testing.assert_array_equal(plane, pixels)
    pointers = np.frombuffer(content, ">i4", 16, hdu.data_start).reshape(8, 2)
    length, start = pointers[2]
    struct.pack_into(">ii", content, hdu.data_start + 8 * 5, length, start + 3)
    damaged = HduList(fuzz.MemoryBytes(bytes(content), "damaged.fits")).get(1)
    with pytest.raises(ImageFileError, match="tiles of HDU 1 overlap at byte"):
        read_plane(Plane.of(damaged), [Box(0, 30, 5, 6)])


def test_swapped_files_are_noticed(afw_repo, afw_sources):
    """A catalogue lies where an image should be."""
    from lsst.daf.butler import Butler

    from lsst.analysis.ap.domain import DetectorVisit
    from lsst.analysis.ap.images import ImageTypes, RepositoryDatasets, TripletReader

    path, other = (next(afw_repo.rglob(f"{name}_*.fits")) for name in ("calexp", "goodSeeingDiff_diaSrc"))
    path.write_bytes(other.read_bytes())
    types = ImageTypes("calexp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp")
    with Butler.from_config(str(afw_repo), collections="LSSTCam/runs/rice") as butler:
        data_id = DetectorVisit("LSSTCam", 123456, 94)
        (result,) = TripletReader(RepositoryDatasets(butler, types)).read(
            data_id, afw_sources.ra[:1], afw_sources.dec[:1], [30]
        )
    assert path.name in str(result)
    assert "has no IMAGE extension" in str(result)


def test_fuzz(rice_file, gzip_file, small_repo):
    ref = small_repo.butler.query_datasets("difference_image", limit=1)[0]
    files = [rice_file, gzip_file, Path(small_repo.butler.getURI(ref).ospath).read_bytes()]
    outcomes = []
    for number in range(300):
        rng = np.random.default_rng(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fuzz.read_all(fuzz.damage(files[number % 3], rng))
                outcomes.append("pixels")
            except ImageFileError:
                outcomes.append("error")
    assert {"pixels", "error"} <= set(outcomes)
