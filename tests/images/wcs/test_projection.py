"""The WCS of files of lsst.images: read alone, and shared where it is the same."""

import subprocess
import sys
import textwrap

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from lsst.images import Box as LsstBox
from lsst.images import DetectorFrame, GeneralFrame, Image, SkyProjection, Transform

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.images import ImageFileError, ImageTypes, RepositoryDatasets, StampError, TripletReader
from lsst.analysis.ap.images._fits_image import open_fits_image
from lsst.analysis.ap.images.fits._bytes import LocalBytes
from lsst.analysis.ap.images.wcs import _ast
from lsst.analysis.ap.images.wcs._ast import ProjectionSkyMap
from lsst.analysis.ap.images.wcs._sky_map import LsstSkyMap

DETECTOR = DetectorVisit("SmallCam", 7, 3)
TYPES = ImageTypes("preliminary_visit_image", "template_detector", "difference_image")


@pytest.fixture(autouse=True)
def no_projection_known():
    _ast.read_shared_projection.cache_clear()


def wcs_around(ra):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, -27.8]
    wcs.wcs.crpix = [30.0, 20.0]
    wcs.wcs.cd = np.array([[-0.2, 0.01], [0.01, 0.2]]) / 3600
    return wcs


def write(path, wcs, *, fits_approximation=None):
    """Write an image of lsst.images."""
    bbox = LsstBox.from_shape((60, 60))
    frame = DetectorFrame(instrument="SmallCam", visit=7, detector=3, bbox=bbox)
    projection = SkyProjection.from_fits_wcs(wcs, frame, pixel_bounds=bbox)
    if fits_approximation is not None:
        approximation = SkyProjection.from_fits_wcs(fits_approximation, frame, pixel_bounds=bbox)
        projection = SkyProjection(
            projection.pixel_to_sky_transform, fits_approximation=approximation.pixel_to_sky_transform
        )
    Image(np.zeros(bbox.shape, np.float32), unit=u.nJy, sky_projection=projection).write(str(path))
    return path


def sky_map(path):
    image = open_fits_image(LocalBytes(str(path)))
    try:
        return image.sky_map
    finally:
        image.close()


def position(path, wcs):
    """Return a position according to a file, and according to astropy."""
    x, y = np.array([11.5, 40.25]), np.array([3.0, 57.75])
    sky = wcs.pixel_to_world(x, y)
    return sky_map(path).pixel_to_sky(x, y), (sky.ra.deg, sky.dec.deg)


def test_images_of_a_detector_share_their_projection(small_repo):
    reader = TripletReader(RepositoryDatasets(small_repo.butler, TYPES))
    (result,) = reader.read(DETECTOR, *small_repo.sky([250.0], [150.0]), [30])
    assert isinstance(result, tuple)
    known = _ast.read_shared_projection.cache_info()
    assert (known.misses, known.hits) == (1, 2)


def test_other_projections_are_not_mistaken_for_it(tmp_path):
    here, there = wcs_around(53.1), wcs_around(53.1 + 1e-6)
    for name, wcs in (("here.fits", here), ("there.fits", there), ("here again.fits", here)):
        found, expected = position(write(tmp_path / name, wcs), wcs)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_few_projections_are_kept(tmp_path):
    for i in range(10):
        sky_map(write(tmp_path / f"{i}.fits", wcs_around(10.0 * i)))
    assert _ast.read_shared_projection.cache_info().currsize == 4


def test_damaged_projection_is_noticed_where_the_others_are_good(make_small_repo):
    repo = make_small_repo()
    path = next(repo.root.rglob("template_detector_*.fits"))
    data = path.read_bytes()
    assert data.count(b"End PolyMap") == 1
    path.write_bytes(data.replace(b"End PolyMap", b"End UnitMap"))
    reader = TripletReader(RepositoryDatasets(repo.butler, TYPES))
    (result,) = reader.read(DETECTOR, *repo.sky([250.0], [150.0]), [30])
    assert isinstance(result, StampError)
    assert str(result).startswith("template image: ")
    assert "ends a UnitMap that did not begin" in str(result)


def test_layouts_of_the_future_are_left_to_lsst_images(tmp_path, monkeypatch):
    wcs = wcs_around(53.1)
    path = write(tmp_path / "image.fits", wcs)
    alone = sky_map(path)
    monkeypatch.setattr(_ast, "FORMAT", 0)
    assert isinstance(alone, ProjectionSkyMap)
    assert isinstance(sky_map(path), LsstSkyMap)
    found, expected = position(path, wcs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_projections_are_those_of_lsst_images(tmp_path, small_repo):
    """Of one step and of several, as AST mappings and as FrameSets."""
    bbox = LsstBox.from_shape((60, 60))
    detector = DetectorFrame(instrument="SmallCam", visit=7, detector=3, bbox=bbox)
    middle = GeneralFrame(unit=u.pix)
    whole = SkyProjection.from_fits_wcs(
        wcs_around(359.99), detector, pixel_bounds=bbox
    ).pixel_to_sky_transform
    shift = Transform.affine(detector, middle, np.array([[0.9, 0.1, 3.0], [-0.1, 0.9, -2.0], [0, 0, 1.0]]))
    rest = SkyProjection.from_fits_wcs(wcs_around(0.01), middle).pixel_to_sky_transform
    x, y = np.array([11.5, 40.25, -300.0]), np.array([3.0, 57.75, 900.0])
    for name, transform in (
        ("whole", whole),
        ("two", shift.then(rest)),
        ("forgotten", shift.then(rest, False)),
    ):
        projection = SkyProjection(transform)
        path = tmp_path / f"{name}.fits"
        Image(np.zeros(bbox.shape, np.float32), unit=u.nJy, sky_projection=projection).write(str(path))
        found = sky_map(path)
        assert isinstance(found, ProjectionSkyMap)
        sky = projection.pixel_to_sky(x=x, y=y)
        np.testing.assert_allclose(found.pixel_to_sky(x, y), (sky.ra.deg, sky.dec.deg), rtol=0, atol=1e-12)
        pixels = projection.sky_to_pixel(sky)
        there = found.sky_to_pixel(sky.ra.deg, sky.dec.deg)
        np.testing.assert_allclose(there, (pixels.x, pixels.y), rtol=0, atol=1e-9)


def test_positions_that_a_projection_cannot_reach_are_nan(tmp_path):
    found = sky_map(write(tmp_path / "image.fits", wcs_around(53.1)))
    assert np.isnan(found.sky_to_pixel(np.array([53.1 + 180.0]), np.array([27.8]))).all()


def test_lsst_images_is_not_imported_for_a_projection(tmp_path):
    path = write(tmp_path / "image.fits", wcs_around(53.1))
    code = f"""
        import sys
        from lsst.analysis.ap.images._fits_image import open_fits_image
        from lsst.analysis.ap.images.fits._bytes import LocalBytes
        open_fits_image(LocalBytes({str(path)!r})).sky_map
        print([name for name in sys.modules if name.startswith("lsst.images")])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_approximations_are_not_read(tmp_path):
    wcs = wcs_around(53.1)
    path = write(tmp_path / "both.fits", wcs, fits_approximation=wcs_around(10.0))
    assert sky_map(path) is sky_map(write(tmp_path / "one.fits", wcs))
    found, expected = position(path, wcs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_image_without_a_projection_says_so(tmp_path):
    path = tmp_path / "image.fits"
    Image(np.zeros((5, 6), np.float32), unit=u.nJy).write(str(path))
    with pytest.raises(ImageFileError, match="written without a sky_projection"):
        sky_map(path)
