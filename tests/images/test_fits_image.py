"""Every layout in which afw has written images."""

import numpy as np
import pytest
from astropy.io import fits

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images import ImageFileError
from lsst.analysis.ap.images._fits_image import open_fits_image
from lsst.analysis.ap.images.fits._bytes import LocalBytes

VERSIONS = {
    "exposure-noversion.fits": "images that afw wrote before it numbered its format",
    "exposure-version-0.fits": "images in version 0 of afw's format",
    "exposure-version-1.fits": "images in version 1 of afw's format",
    "exposure-version-2.fits": "images in version 2 of afw's format",
    "HSC-0908120-056-small.fits": "images of HSC from before AST",
    "calexp_hsc_64x32.fits": "images of HSC with a full archive",
}


@pytest.mark.parametrize("name", VERSIONS)
def test_every_version(more_afw, name):
    path = more_afw(name, VERSIONS[name])
    image = open_fits_image(LocalBytes(str(path)))
    with fits.open(path) as hdus:
        types = [hdu.header.get("EXTTYPE") for hdu in hdus]
        pixels, mask = (hdus[types.index(kind)] for kind in ("IMAGE", "MASK"))
        x0, y0 = -pixels.header["LTV1"], -pixels.header["LTV2"]
        height, width = pixels.shape
        assert image.box == Box(x0, x0 + width, y0, y0 + height)
        box = Box(image.box.x_start + 2, image.box.x_start + 9, image.box.y_start + 1, image.box.y_start + 5)
        arrays = image.read([box], ("image", "mask"))
        np.testing.assert_array_equal(arrays["image"][0], pixels.data[1:5, 2:9])
        np.testing.assert_array_equal(arrays["mask"][0], mask.data[1:5, 2:9])
        planes = {k.removeprefix("MP_"): v for k, v in mask.header.items() if k.startswith("MP_")}
        assert image.mask_planes == planes
    x, y = np.array([x0 + 3.0]), np.array([y0 + 4.0])
    np.testing.assert_allclose(
        image.sky_map.sky_to_pixel(*image.sky_map.pixel_to_sky(x, y)), [x, y], atol=0.01
    )


def test_masked_image_without_wcs_says_so(afw_files, tmp_path):
    path = tmp_path / "masked.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((5, 6), "f4"), name="IMAGE")]).writeto(path)
    image = open_fits_image(LocalBytes(str(path)))
    assert image.box == Box(0, 6, 0, 5)
    with pytest.raises(ImageFileError, match="neither the file's archive nor its header"):
        _ = image.sky_map


def test_image_in_the_primary_hdu(tmp_path):
    path = tmp_path / "image.fits"
    pixels = np.arange(30, dtype="f4").reshape(5, 6)
    header = fits.Header({"LTV1": -10, "LTV2": -20})
    fits.PrimaryHDU(pixels, header).writeto(path)
    image = open_fits_image(LocalBytes(str(path)))
    assert image.box == Box(10, 16, 20, 25)
    np.testing.assert_array_equal(image.read([Box(11, 14, 22, 25)])["image"][0], pixels[2:5, 1:4])


def test_compressed_image_without_a_name(tmp_path):
    path = tmp_path / "image.fits"
    pixels = np.arange(30, dtype="i4").reshape(5, 6)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels)]).writeto(path)
    image = open_fits_image(LocalBytes(str(path)))
    np.testing.assert_array_equal(image.read([Box(1, 4, 2, 5)])["image"][0], pixels[2:5, 1:4])


def test_table_is_no_image(afw_files):
    with pytest.raises(ImageFileError, match="no IMAGE extension"):
        open_fits_image(LocalBytes(str(afw_files["goodSeeingDiff_diaSrc"])))


def test_failure_closes_the_file(tmp_path):
    path = tmp_path / "empty.fits"
    path.touch()
    source = LocalBytes(str(path))
    with pytest.raises(ImageFileError, match="is empty"):
        open_fits_image(source)
    assert source._descriptor == -1
