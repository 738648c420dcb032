"""Stamps as alert packets bring them."""

import gzip
import io
import re
import resource
import zlib

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData, VarianceUncertainty
from astropy.wcs import WCS

from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask
from lsst.analysis.ap.domain import Box, CutoutsError, SourceBatch
from lsst.analysis.ap.images import AlertStampReader, StampError
from lsst.analysis.ap.images._alert_stamps import alert_triplet

COLUMNS = "cutoutTemplate", "cutoutScience", "cutoutDifference"

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


def fits_file(array, cards=()):
    file = io.BytesIO()
    fits.PrimaryHDU(array, fits.Header(cards)).writeto(file)
    return file.getvalue()


def lie(content, keyword, value):
    """Change a card of the primary header of a file."""
    at = content.index(keyword.ljust(8).encode() + b"= ")
    return content[:at] + f"{keyword:8}= {value!s:>20}".ljust(80).encode() + content[at + 80 :]


def bomb():
    """Return 260 kB that inflate to 256 MB."""
    stream = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    return b"".join(stream.compress(zeros) for _ in range(256)) + stream.flush()


SMALL = fits_file(np.zeros((20, 20), np.float32))
ODD_STAMPS = {
    "no rows": (lambda: fits_file(np.zeros((0, 0), np.float32)), "has no image|0x0 pixels"),
    "long": (lambda: fits_file(np.zeros((1, 20_000), np.float32)), "20000x1 pixels; more than 2000"),
    "endless": (lambda: lie(SMALL, "NAXIS1", 2**40), "1099511627776x20 pixels"),
    "cut short": (lambda: lie(SMALL, "NAXIS1", 1900), "is truncated"),
    "text in CUTMINX": (lambda: fits_file(np.zeros((20, 20)), [("CUTMINX", "abc")]), "CUTMINX = 'abc'"),
    "far away": (lambda: fits_file(np.zeros((20, 20)), [("CUTMINX", 10**30)]), "impossible pixel"),
    "gzip bomb": (bomb, "more than 67108864 bytes"),
    "many HDUs": (lambda: SMALL + SMALL[:2880].replace(b"SIMPLE  =", b"XTENSION=") * 5000, None),
}


@pytest.mark.parametrize("kind", ODD_STAMPS)
def test_an_odd_stamp_costs_its_own_alert_only(kind):
    make, words = ODD_STAMPS[kind]
    good = [rubin_stamp(array) for array in arrays().values()]
    rows = pa.table(
        {
            "ra": [RA, RA, RA],
            "dec": [DEC, DEC, DEC],
            "cutoutTemplate": [good[0]] * 3,
            "cutoutScience": [good[1], make(), good[1]],
            "cutoutDifference": [good[2]] * 3,
        }
    )
    before, between, after = AlertStampReader().read(SourceBatch(None, rows))
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    if words is not None:
        assert isinstance(between, StampError)
        assert re.search(words, str(between)), between
    # The largest of these would take gigabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20


@pytest.mark.parametrize("dec", [100.0, -90.1])
def test_a_place_off_the_sky_costs_its_own_alert_only(dec):
    good = {
        column: [rubin_stamp(array)] * 2 for column, array in zip(COLUMNS, arrays().values(), strict=True)
    }
    bad, fine = AlertStampReader().read(
        SourceBatch(None, pa.table({"ra": [RA] * 2, "dec": [dec, DEC], **good}))
    )
    assert str(bad) == f"has no position: ra = {RA}, dec = {dec}"
    assert isinstance(fine, tuple)


def test_an_alert_needs_stamps_and_nothing_else():
    rows = pa.table({column: [SMALL] for column in COLUMNS})
    ((triplet,),) = AlertStampReader().read(SourceBatch(None, rows))
    assert triplet.science.array.shape == (20, 20)


def test_a_missing_difference_is_an_error_unless_nobody_requires_it():
    good = {role: rubin_stamp(array) for role, array in arrays().items()}
    files = {**good, "difference": None}
    with pytest.raises(StampError, match="no difference stamp"):
        alert_triplet(files, RA, DEC)
    assert alert_triplet(files, RA, DEC, require_difference=False).difference is None
    assert alert_triplet(good, RA, DEC, require_difference=False).difference is not None
    with pytest.raises(StampError, match="no template stamp"):
        alert_triplet({**good, "template": None}, RA, DEC, require_difference=False)


def test_the_configuration_says_whether_alerts_need_a_difference():
    row = {"diaSourceId": 1, "visit": 2, "detector": 3, "ra": RA, "dec": DEC, "instrument": "LSSTCam"}
    row |= dict(zip(COLUMNS, (SMALL, SMALL, None), strict=True))
    config = ZooniverseCutoutsConfig(requireDifference=False)
    assert ZooniverseCutoutsTask(config).render(row).startswith(b"\x89PNG")
    with pytest.raises(CutoutsError, match="no difference stamp"):
        ZooniverseCutoutsTask().render(row)


def test_only_ztf_turns_negative_detections_over():
    pixels = arrays((63, 63))
    instruments = ["ZTF", "ZTF", "ZTF", "LSSTCam"]
    negative = [True, False, None, True]
    stamps = {column: [fits_file(pixels[role])] * 4 for column, role in zip(COLUMNS, pixels, strict=True)}
    rows = pa.table({"instrument": instruments, "isNegative": negative, **stamps})
    for (triplet,), turned in zip(
        AlertStampReader().read(SourceBatch(None, rows)), [1, 0, 0, 0], strict=True
    ):
        expected = -pixels["difference"] if turned else pixels["difference"]
        np.testing.assert_array_equal(triplet.difference.array, expected)
        np.testing.assert_array_equal(triplet.science.array, pixels["science"])


def test_stamps_say_their_unit():
    triplet = alert_triplet({role: rubin_stamp(array) for role, array in arrays().items()}, RA, DEC)
    assert [stamp.unit for stamp in triplet.stamps] == ["nJy"] * 3
    assert alert_triplet(dict.fromkeys(arrays(), SMALL), RA, DEC).science.unit is None


def test_compressed_files_may_have_several_members():
    array = np.arange(400, dtype=np.float32).reshape(20, 20)
    content = fits_file(array)
    stamp = gzip.compress(content[:3000]) + gzip.compress(content[3000:]) + bytes(100)
    triplet = alert_triplet(dict.fromkeys(arrays(), stamp), RA, DEC)
    np.testing.assert_array_equal(triplet.template.array, array)


@pytest.mark.parametrize("content", [None, b"", b"no FITS", b"\x1f\x8bno gzip"])
def test_a_missing_or_damaged_stamp_is_a_reason(content):
    files = {role: rubin_stamp(array) for role, array in arrays().items()}
    with pytest.raises(StampError, match="science stamp"):
        alert_triplet({**files, "science": content}, RA, DEC)
    empty = io.BytesIO()
    fits.PrimaryHDU().writeto(empty)
    with pytest.raises(StampError, match="no image"):
        alert_triplet({**files, "template": empty.getvalue()}, RA, DEC)
