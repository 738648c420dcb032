"""Stamps as alert packets bring them."""

import gzip
import io

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData, VarianceUncertainty
from astropy.wcs import WCS

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images import StampError
from lsst.analysis.ap.images._alert_stamps import alert_triplet

RA, DEC = 53.1, -27.5
CD = np.array([[0.9, 0.3], [-0.3, 0.9]]) * 0.2 / 3600


def rubin_stamp(array, *, projection="TAN", crpix=(9.25, 12.5), origin=(1000, 2000)):
    """Write a stamp as Rubin's alert production does, with variance and mask."""
    wcs = WCS(naxis=2)
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cd = crpix, (RA, DEC), CD
    if projection:
        wcs.wcs.ctype = f"RA---{projection}", f"DEC--{projection}"
    stamp = CCDData(
        array,
        uncertainty=VarianceUncertainty(np.ones_like(array)),
        mask=np.zeros(array.shape, bool),
        wcs=wcs,
        meta={"cutMinX": origin[0] - 1, "cutMinY": origin[1] - 1},
        unit=u.nJy,
    )
    file = io.BytesIO()
    stamp.write(file, format="fits")
    return file.getvalue()


def arrays(shape=(20, 20)):
    rng = np.random.default_rng(8)
    return {role: rng.normal(size=shape).astype(np.float32) for role in ("template", "science", "difference")}


@pytest.mark.parametrize("projection", ["TAN", None])
def test_the_stamps_of_rubin_keep_their_pixels_place_and_orientation(projection):
    pixels = arrays()
    files = {role: rubin_stamp(array, projection=projection) for role, array in pixels.items()}
    triplet = alert_triplet(files, RA, DEC)
    for role, array in pixels.items():
        stamp = getattr(triplet, role)
        np.testing.assert_array_equal(stamp.array, array)
        assert stamp.box == Box(1000, 1020, 2000, 2020)
    assert triplet.position == pytest.approx((1000 + 8.25, 2000 + 11.5))
    np.testing.assert_allclose(triplet.sky_jacobian, CD * 3600, rtol=1e-6)


def test_the_jacobian_is_that_of_the_wcs_away_from_its_reference():
    files = {role: rubin_stamp(array) for role, array in arrays().items()}
    header = fits.getheader(io.BytesIO(files["science"]))
    here = WCS(header).pixel_to_world(3.0, 15.0)
    triplet = alert_triplet(files, here.ra.deg, here.dec.deg)
    assert triplet.position == pytest.approx((1003, 2015), abs=1e-4)
    for axis, step in enumerate(((4.0, 15.0), (3.0, 16.0))):
        there = WCS(header).pixel_to_world(*step)
        east, north = SkyCoord(here).spherical_offsets_to(there)
        np.testing.assert_allclose(
            triplet.sky_jacobian[:, axis], [east.arcsec, north.arcsec], rtol=1e-4, atol=1e-5
        )


def test_compressed_stamps_without_a_wcs_are_those_of_ztf():
    pixels = arrays((63, 63))
    files = {}
    for role, array in pixels.items():
        file = io.BytesIO()
        fits.PrimaryHDU(array).writeto(file)
        files[role] = gzip.compress(file.getvalue())
    triplet = alert_triplet(files, 1.0, 2.0)
    np.testing.assert_array_equal(triplet.difference.array, pixels["difference"])
    assert triplet.pixel_scale == pytest.approx(1.01)
    assert triplet.position == (31.0, 31.0)


def test_an_image_compressed_in_tiles_is_found_behind_an_empty_primary():
    pixels = arrays((30, 30))
    files = {}
    for role, array in pixels.items():
        file = io.BytesIO()
        compressed = fits.CompImageHDU(array, compression_type="GZIP_2", quantize_level=0)
        fits.HDUList([fits.PrimaryHDU(), compressed]).writeto(file)
        files[role] = file.getvalue()
    np.testing.assert_array_equal(alert_triplet(files, 1, 2).science.array, pixels["science"])


def test_stamps_cut_off_at_an_edge_are_filled_up_around_the_source():
    pixels = arrays((20, 14))
    files = {role: rubin_stamp(array) for role, array in pixels.items()}
    triplet = alert_triplet(files, RA, DEC)
    # The source is at x = 1008.25, y = 2011.5.
    assert triplet.science.box == Box.from_center(1008.25, 2011.5, 20)
    assert triplet.science.box == Box(999, 1019, 2002, 2022)
    np.testing.assert_array_equal(triplet.science.array[:18, 1:15], pixels["science"][2:])
    assert np.isnan(triplet.science.array[18:]).all()
    assert np.isnan(triplet.science.array[:, 0]).all()
    assert np.isnan(triplet.science.array[:, 15:]).all()


@pytest.mark.parametrize("content", [None, b"", b"no FITS", b"\x1f\x8bno gzip"])
def test_a_missing_or_damaged_stamp_is_a_reason(content):
    files = {role: rubin_stamp(array) for role, array in arrays().items()}
    with pytest.raises(StampError, match="science stamp"):
        alert_triplet({**files, "science": content}, RA, DEC)
    empty = io.BytesIO()
    fits.PrimaryHDU().writeto(empty)
    with pytest.raises(StampError, match="no image"):
        alert_triplet({**files, "template": empty.getvalue()}, RA, DEC)
