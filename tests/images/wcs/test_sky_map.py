"""Positions go through the exact WCS."""

import sys
import types
import warnings

import numpy as np
import pytest
import starlink.Ast
from astropy.io import fits
from astropy.wcs import WCS

from lsst.analysis.ap.images._fits_image import open_fits_image
from lsst.analysis.ap.images.fits._afw_archive import read_sky_wcs_text
from lsst.analysis.ap.images.fits._bytes import LocalBytes
from lsst.analysis.ap.images.fits._hdus import HduList
from lsst.analysis.ap.images.wcs._ast import AstFrameSet, AstSkyMap
from lsst.analysis.ap.images.wcs._sky_map import HeaderSkyMap


@pytest.fixture
def calexp(afw_files):
    image = open_fits_image(LocalBytes(str(afw_files["calexp"])))
    yield image
    image.close()


@pytest.fixture
def grid(afw_samples):
    """Afw's own x, y, ra, dec over the image."""
    return np.array(afw_samples["wcs_grid_x_y_ra_dec"]).T


def test_sky_to_pixel_is_afws(calexp, grid, afw_sources):
    for x, y, ra, dec in (grid, (afw_sources.x, afw_sources.y, afw_sources.ra, afw_sources.dec)):
        np.testing.assert_allclose(calexp.sky_map.sky_to_pixel(ra, dec), [x, y], atol=1e-6, rtol=0)


def test_pixel_to_sky_is_afws(calexp, grid):
    x, y, ra, dec = grid
    np.testing.assert_allclose(calexp.sky_map.pixel_to_sky(x, y), [ra, dec], atol=1e-11, rtol=0)


def test_header_without_its_distortion_is_not_trusted(afw_files, afw_samples, tmp_path):
    # afw writes such headers where a SkyWcs has no exact FITS form.
    data = afw_files["calexp"].read_bytes().replace(b"'RA---TAN-SIP'", b"'RA---TAN'    ")
    path = tmp_path / "tan.fits"
    path.write_bytes(data.replace(b"'DEC--TAN-SIP'", b"'DEC--TAN'    "))
    source = afw_samples["sources"][3]
    ra, dec = np.array([source["ra"]]), np.array([source["dec"]])
    image = open_fits_image(LocalBytes(str(path)))
    np.testing.assert_allclose(
        np.ravel(image.sky_map.sky_to_pixel(ra, dec)), [source["x"], source["y"]], atol=1e-6
    )
    header = fits.getheader(path, "IMAGE")
    for card in list(header["A_*"]) + list(header["B_*"]) + list(header["AP_*"]) + list(header["BP_*"]):
        del header[card]
    x, _ = HeaderSkyMap(header, 1200, 800).sky_to_pixel(ra, dec)
    assert x[0] == pytest.approx(source["x_tan_only"], abs=1e-3)
    assert abs(x[0] - source["x"]) > 10


def test_wcs_that_fits_cannot_express(more_afw):
    path = more_afw("jointcal_wcs-0034772-004.fits", "a WCS of jointcal, which no FITS header can express")
    text = read_sky_wcs_text(HduList(LocalBytes(str(path))))
    sky_map = AstSkyMap(text)
    x, y = np.meshgrid(np.linspace(0, 2047, 7), np.linspace(0, 4175, 7))
    ra, dec = sky_map.pixel_to_sky(x.ravel(), y.ravel())
    frames = starlink.Ast.Channel(
        types.SimpleNamespace(astsource=iter([*text.splitlines(), None]).__next__)
    ).read()
    expected = np.degrees(frames.tran([x.ravel(), y.ravel()], True))
    np.testing.assert_array_equal([ra, dec], [expected[0] % 360, expected[1]])
    np.testing.assert_array_equal(
        sky_map.sky_to_pixel(ra, dec), frames.tran([np.radians(ra), np.radians(dec)], False)
    )
    # AST inverts the polynomials of this WCS by iteration.
    np.testing.assert_allclose(sky_map.sky_to_pixel(ra, dec), [x.ravel(), y.ravel()], atol=1e-4)


def test_files_from_before_ast_use_their_header(more_afw):
    path = more_afw("HSC-0908120-056-small.fits", "the header's WCS of images of HSC from before AST")
    image = open_fits_image(LocalBytes(str(path)))
    header = fits.getheader(path, 1)
    x, y = np.array([100.0, 180.25]), np.array([130.5, 290.0])
    ra, dec = image.sky_map.pixel_to_sky(x, y)
    sky = WCS(header).pixel_to_world(x - 100, y - 100)
    np.testing.assert_allclose([ra, dec], [sky.icrs.ra.deg, sky.icrs.dec.deg], atol=1e-10)
    np.testing.assert_allclose(image.sky_map.sky_to_pixel(ra, dec), [x, y], atol=1e-6)


def test_header_of_another_frame_is_turned_to_icrs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [10, -20], [50, 50], [-5e-5, 5e-5]
    wcs.wcs.radesys, wcs.wcs.equinox = "FK5", 1975.0
    sky = wcs.pixel_to_world(30.0, 70.0).icrs
    x, y = HeaderSkyMap(wcs.to_header(), 5, 7).sky_to_pixel(np.array([sky.ra.deg]), np.array([sky.dec.deg]))
    np.testing.assert_allclose([x[0], y[0]], [35, 77], atol=1e-6)


def test_header_positions_far_off_are_nan_and_spare_the_others(afw_files):
    """Where the distortion cannot be inverted, the best that was found is some other place on the sky."""
    header = fits.getheader(afw_files["calexp"], "IMAGE")
    sky_map = HeaderSkyMap(header, 1200, 800)
    ra, dec = sky_map.pixel_to_sky(np.array([1300.0]), np.array([900.0]))
    offsets = np.concatenate([[0.0], np.geomspace(1e-3, 40.0, 60)])
    ra, dec = ra + offsets / np.cos(np.radians(dec)), dec + 0.7 * offsets
    x, y = sky_map.sky_to_pixel(ra, dec)
    np.testing.assert_allclose([x[0], y[0]], [1300, 900], atol=1e-6)
    known = np.isfinite(x)
    assert 10 < known.sum() < len(known)
    np.testing.assert_array_equal(np.isfinite(y), known)
    back = sky_map.pixel_to_sky(x[known], y[known])
    np.testing.assert_allclose(back, [ra[known], dec[known]], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "cannot read"),
        ("", "no end"),
        (str(starlink.Ast.UnitMap(2)), "UnitMap"),
    ],
)
def test_text_that_is_no_wcs(text, words):
    with pytest.raises(ValueError, match=words):
        AstFrameSet(text)


def test_sky_frames_with_latitude_first(afw_files):
    text = read_sky_wcs_text(HduList(LocalBytes(str(afw_files["calexp"]))))
    frames = starlink.Ast.Channel(
        types.SimpleNamespace(astsource=iter([*text.splitlines(), None]).__next__)
    ).read()
    frames.permaxes([2, 1])
    pixels = np.array([[1250.0, 1333.0], [850.0, 1010.0]])
    np.testing.assert_allclose(
        AstFrameSet(str(frames)).forward(pixels), AstFrameSet(text).forward(pixels), rtol=1e-14
    )


def test_no_ast_library_at_all(monkeypatch):
    monkeypatch.setitem(sys.modules, "astshim", None)
    monkeypatch.setitem(sys.modules, "starlink.Ast", None)
    with pytest.raises(ImportError, match="install starlink-pyast"):
        AstFrameSet(" Begin UnitMap\n End UnitMap")


def test_astshim_does_where_pyast_is_absent(afw_files, monkeypatch):
    """In the stack only astshim is there; this one has its methods."""
    ast = starlink.Ast

    class Frame:
        def __init__(self, impl):
            self.impl = impl

        lonAxis = property(lambda self: self.impl.LonAxis)
        system = property(
            lambda self: self.impl.System, lambda self, value: setattr(self.impl, "System", value)
        )

    class FrameSet:
        def __init__(self, impl):
            self.impl = impl
            self.current = impl.Current

        def getFrame(self, index, copy):
            assert not copy
            return Frame(self.impl.getframe(index))

        def applyForward(self, points):
            return self.impl.tran(points, True)

        def applyInverse(self, points):
            return self.impl.tran(points, False)

    class Channel:
        def __init__(self, stream):
            self.lines = iter([*stream.splitlines(), None])

        def read(self):
            return FrameSet(ast.Channel(types.SimpleNamespace(astsource=self.lines.__next__)).read())

    text = read_sky_wcs_text(HduList(LocalBytes(str(afw_files["calexp"]))))
    sky = np.array([[4.27, 4.2705], [-0.786, -0.7861]])
    expected = AstFrameSet(text).inverse(sky)
    astshim = types.SimpleNamespace(
        __name__="astshim",
        Channel=Channel,
        StringStream=str,
        FrameSet=FrameSet,
        Mapping=FrameSet,
        SkyFrame=Frame,
    )
    monkeypatch.setitem(sys.modules, "astshim", astshim)
    monkeypatch.setitem(sys.modules, "starlink.Ast", None)
    np.testing.assert_array_equal(AstFrameSet(text).inverse(sky), expected)


TAN = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRPIX1": 50.5,
    "CRPIX2": 50.5,
    "CRVAL1": 150.0,
    "CRVAL2": 2.0,
    "CD1_1": -5.5e-5,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": 5.5e-5,
}
SIP = {
    "CTYPE1": "RA---TAN-SIP",
    "CTYPE2": "DEC--TAN-SIP",
    "A_ORDER": 2,
    "B_ORDER": 2,
    "A_2_0": 1e-6,
    "B_0_2": 2e-6,
}
SCAMP = {f"PV{i}_{j}": float(j == 1) for i in (1, 2) for j in range(8)} | {"PV1_2": 1e-3, "PV2_7": 1e-3}
THIRD = {"CTYPE3": "FREQ", "CRPIX3": 1.0, "CRVAL3": 1e9, "CUNIT3": "Hz"}
EXOTIC = {
    "units": {"CUNIT1": "DEG", "CUNIT2": "DEG"},
    "degrees": {"CUNIT1": "degrees", "CUNIT2": "degrees"},
    "SIP": SIP,
    "SIP with SCAMP's PV": SIP | SCAMP,
    "SCAMP's PV": SCAMP,
    "TPV": SCAMP | {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"},
    "third axis": {**THIRD, "WCSAXES": 3, "CD3_3": 1.0},
    "third axis with CDELT": {**THIRD, "CDELT3": 2.0},
    "third axis and SIP": {**THIRD, **SIP, "WCSAXES": 3, "CD3_3": 1.0},
    "declination first": {
        "CTYPE1": "DEC--TAN",
        "CTYPE2": "RA---TAN",
        "CRVAL1": 2.0,
        "CRVAL2": 150.0,
    },
    "galactic": {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"},
    "odd date": {"DATE-OBS": "31/12/98", "MJD-OBS": 51178.0},
}


@pytest.mark.parametrize("name", EXOTIC)
def test_headers_are_read_as_astropy_reads_them(name):
    header = fits.Header({**TAN, **EXOTIC[name]})
    before = header.copy()
    sky_map = HeaderSkyMap(header, 7, 9)
    assert header == before
    x, y = np.array([10.0, 49.5, 90.0]), np.array([80.0, 49.5, 5.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(header.copy(), naxis=2 if name == "third axis and SIP" else None)
        sky = (wcs.celestial if wcs.naxis == 3 else wcs).pixel_to_world(x, y).icrs
    ra, dec = sky_map.pixel_to_sky(x + 7, y + 9)
    np.testing.assert_allclose(ra, sky.ra.deg, rtol=0, atol=1e-10)
    np.testing.assert_allclose(dec, sky.dec.deg, rtol=0, atol=1e-10)
    np.testing.assert_allclose(sky_map.sky_to_pixel(ra, dec), (x + 7, y + 9), atol=1e-6)


@pytest.mark.parametrize("cards", [{"CTYPE1": "FREQ"}, {"CTYPE2": "FREQ", "CTYPE3": "DEC--TAN"}])
def test_headers_whose_sky_is_not_that_of_the_image(cards):
    header = fits.Header({**TAN, "CTYPE3": "STOKES", "CDELT3": 1.0, **cards})
    with pytest.raises(ValueError, match=r"celestial|CTYPE"):
        HeaderSkyMap(header, 0, 0)
