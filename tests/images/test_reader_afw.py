"""Stamps of files that afw wrote, against the stamps that afw cut from them."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.images import (
    ImageTypes,
    RepositoryDatasets,
    StampError,
    TripletReader,
    find_image_types,
)

DATA = Path(__file__).parents[1] / "data" / "afw"
DETECTOR = DetectorVisit("LSSTCam", 123456, 94)
TYPES = ImageTypes("calexp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp")
SIZES = (30, 31, 60)


@pytest.fixture(scope="module")
def results(afw_butler, afw_sources):
    reader = TripletReader(RepositoryDatasets(afw_butler, TYPES), planes={"SAT"})
    return reader.read(DETECTOR, afw_sources.ra, afw_sources.dec, SIZES)


def test_types_are_found_in_the_repository(afw_butler):
    assert find_image_types(afw_butler) == TYPES


def test_pixels_are_afws_bit_for_bit(results, afw_sources):
    recorded = np.load(DATA / "cutouts_rice.npz")
    compared = 0
    for source_id, result in zip(afw_sources.ids, results, strict=True):
        for triplet, size in zip(result, SIZES, strict=True) if isinstance(result, tuple) else ():
            for role in ("template", "science", "difference"):
                stamp = getattr(triplet, role)
                for plane, array in (("image", stamp.array), ("mask", stamp.mask.view(np.int32))):
                    key = f"{role}_{source_id}_{size}_{plane}"
                    if key in recorded:
                        np.testing.assert_array_equal(array, recorded[key], err_msg=key, strict=True)
                        compared += 1
    assert compared == len(recorded.files)


def test_boxes_are_afws(results, afw_sources):
    compared = 0
    for source_id, result in zip(afw_sources.ids, results, strict=True):
        for triplet, size in zip(result, SIZES, strict=True) if isinstance(result, tuple) else ():
            answer = afw_sources.cutouts[f"science_{source_id}_{size}"]
            if "bbox" in answer:
                box = triplet.science.box
                assert [box.x_start, box.y_start, box.x_stop - 1, box.y_stop - 1] == answer["bbox"]
                compared += 1
    assert compared > 30


def test_what_afw_refuses_fails_unless_its_stamp_touches_the_image(results, afw_sources):
    for kind, source_id, result in zip(afw_sources.kinds, afw_sources.ids, results, strict=True):
        refused = "bbox" not in afw_sources.cutouts[f"science_{source_id}_30"]
        assert refused == (kind == "off_image")
        if refused:
            assert isinstance(result, StampError)
            assert "wholly off the science image" in str(result)


def test_sky_jacobian_is_astropys(results, afw_sources, afw_files, afw_samples):
    # The SkyWcs of these files is exactly the TAN-SIP of their headers.
    wcs = WCS(fits.getheader(afw_files["calexp"], "IMAGE"))
    compared = 0
    for x, y, result in zip(afw_sources.x - 1200, afw_sources.y - 800, results, strict=True):
        if isinstance(result, StampError):
            continue
        center = wcs.pixel_to_world(x, y)
        right, left, up, down = wcs.pixel_to_world(x + np.array([1, -1, 0, 0]), y + np.array([0, 0, 1, -1]))
        dx = np.array([o.arcsec for o in center.spherical_offsets_to(right)]) / 2
        dx -= np.array([o.arcsec for o in center.spherical_offsets_to(left)]) / 2
        dy = np.array([o.arcsec for o in center.spherical_offsets_to(up)]) / 2
        dy -= np.array([o.arcsec for o in center.spherical_offsets_to(down)]) / 2
        np.testing.assert_allclose(result[0].sky_jacobian, np.transpose([dx, dy]), atol=1e-6)
        assert result[0].pixel_scale == pytest.approx(
            afw_samples["wcs"]["pixel_scale_arcsec_at_bbox_center"], rel=2e-3
        )
        compared += 1
    assert compared == len(results) - 1
