"""Templates out of coadds that lsst.images wrote, whichever kind, and what has no data."""

import types

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from lsst.daf.butler import Butler, DatasetType
from lsst.images import (
    YX,
    DetectorFrame,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    SkyProjection,
    TractFrame,
)
from lsst.images import Box as LsstBox
from lsst.images.cells import CellCoadd, CellGrid, CellGridBounds, CellPointSpreadFunction
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from lsst.analysis.ap.domain import Box, DetectorVisit
from lsst.analysis.ap.images import (
    RepositoryDatasets,
    TripletReader,
    find_image_types,
    read_triplets,
)
from lsst.analysis.ap.images.wcs._sky_map import LsstSkyMap

DETECTOR = DetectorVisit("Cam", 1, 2)
SIDE = 100
CELL = 50
HOLE = np.s_[82:88, 126:135]
"""Pixels of the tract that are masked as NO_DATA; their values are like others."""

SCHEMA = MaskSchema([MaskPlane("SATURATED", ""), MaskPlane("NO_DATA", "")])
JSON = {"formatter": "lsst.images.formatters.GenericFormatter", "parameters": {"format": "json"}}


def wcs(center, rotation):
    result = WCS(naxis=2)
    result.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    result.wcs.crval, result.wcs.crpix = [0.001, 40.0], [center + 1, center + 1]
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    result.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * 0.2 / 3600
    return result


def region(wcs, box):
    corners = [wcs.pixel_to_world(x, y) for x in (box.x.start, box.x.stop) for y in (box.y.start, box.y.stop)]
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(c.ra.deg, c.dec.deg)) for c in corners])


def masked_image(pixels, box, projection, mask=None):
    return MaskedImage(
        Image(pixels.astype(np.float32), bbox=box, unit=u.nJy),
        mask=mask if mask is not None else Mask(schema=SCHEMA, bbox=box),
        variance=Image(np.full(pixels.shape, 4, np.float32), bbox=box, unit=u.nJy**2),
        sky_projection=projection,
    )


def cell_coadd(image):
    grid = CellGrid(bbox=image.bbox, cell_shape=YX(y=CELL, x=CELL))
    cells = image.bbox.y.size // CELL, image.bbox.x.size // CELL
    psf = CellPointSpreadFunction(np.full((*cells, 3, 3), 1 / 9), CellGridBounds(grid=grid, bbox=image.bbox))
    return CellCoadd(image.image, mask=image.mask, variance=image.variance, psf=psf, band="r")


@pytest.fixture(scope="module")
def tract():
    """The pixels of a tract of 200x200, and its WCS."""
    return np.random.default_rng(3).normal(100, 20, (200, 200)), wcs(99.5, 0.0)


@pytest.fixture(scope="module", params=["MaskedImageV2", "CellCoadd", "MaskedImageV2 json"])
def repository(request, tract, tmp_path_factory):
    """A detector in the middle of a tract of four patches of one kind."""
    storage_class, _, stored = request.param.partition(" ")
    root = str(tmp_path_factory.mktemp("coadds"))
    config = {"datastore": {"formatters": {storage_class: JSON}}} if stored else None
    pixels, tract_wcs = tract
    detector_wcs, detector_box = wcs((SIDE - 1) / 2, 30.0), LsstBox.from_shape((SIDE, SIDE))
    Butler.makeRepo(root, config=config)
    butler = Butler.from_config(root, writeable=True, run="run")
    put = butler.registry.insertDimensionData
    put("instrument", {"name": "Cam", "class_name": "none"})
    put("physical_filter", {"instrument": "Cam", "name": "r", "band": "r"})
    put("detector", {"instrument": "Cam", "id": 2, "full_name": "D2"})
    put("day_obs", {"instrument": "Cam", "id": 20260101})
    put("visit", {"instrument": "Cam", "id": 1, "name": "1", "physical_filter": "r", "day_obs": 20260101})
    outline = region(detector_wcs, detector_box)
    put("visit_detector_region", {"instrument": "Cam", "visit": 1, "detector": 2, "region": outline})
    put("skymap", {"name": "map", "hash": b"0", "tract_max": 1, "patch_nx_max": 2, "patch_ny_max": 2})
    put("tract", {"skymap": "map", "id": 5, "region": None})
    conform = butler.dimensions.conform
    for name in ("visit_image", "difference_image"):
        detectors = conform(["instrument", "visit", "detector"])
        butler.registry.registerDatasetType(DatasetType(name, detectors, "MaskedImageV2"))
    patches = conform(["band", "skymap", "tract", "patch"])
    butler.registry.registerDatasetType(DatasetType("template_coadd", patches, storage_class))
    frame = DetectorFrame(instrument="Cam", visit=1, detector=2, bbox=detector_box)
    science = masked_image(
        np.zeros((SIDE, SIDE)), detector_box, SkyProjection.from_fits_wcs(detector_wcs, frame)
    )
    for name in ("visit_image", "difference_image"):
        butler.put(science, name, instrument="Cam", visit=1, detector=2)
    tract_frame = TractFrame(skymap="map", tract=5, bbox=LsstBox.factory[0:200, 0:200])
    projection = SkyProjection.from_fits_wcs(tract_wcs, tract_frame)
    hole = np.zeros((200, 200), bool)
    hole[HOLE] = True
    for patch in range(4):
        y, x = 100 * (patch // 2), 100 * (patch % 2)
        part = np.s_[y : y + 100, x : x + 100]
        box = LsstBox.factory[part]
        mask = Mask(schema=SCHEMA, bbox=box)
        mask.set("NO_DATA", hole[part])
        mask.set("SATURATED", pixels[part] > 150)
        put("patch", {"skymap": "map", "tract": 5, "id": patch, "region": region(tract_wcs, box)})
        image = masked_image(pixels[part], box, projection, mask)
        coadd = cell_coadd(image) if storage_class == "CellCoadd" else image
        butler.put(coadd, "template_coadd", skymap="map", tract=5, patch=patch, band="r")
    return butler, detector_wcs


def by_hand(image, x, y):
    """Lanczos-3 of 6x6 pixels at one position."""
    column, row = int(np.floor(x)), int(np.floor(y))
    i, j = np.arange(column - 2, column + 4), np.arange(row - 2, row + 4)
    kernel = np.outer(np.sinc(y - j) * np.sinc((y - j) / 3), np.sinc(x - i) * np.sinc((x - i) / 3))
    return (image[np.ix_(j, i)] * kernel).sum() / kernel.sum()


def test_stamps_are_the_tract_resampled(repository, tract):
    """Across the borders of patches, at RA 0, by astropy's WCS and a loop."""
    butler, detector_wcs = repository
    pixels, tract_wcs = tract
    sky = detector_wcs.pixel_to_world([50.3, 70.0], [49.8, 20.0])
    reader = TripletReader(RepositoryDatasets(butler, find_image_types(butler)), planes=["SAT", "NO_DATA"])
    results = reader.read(DETECTOR, sky.ra.deg, sky.dec.deg, [21, 15])
    near_hole = np.zeros((200, 200), bool)
    near_hole[HOLE] = True
    compared = missing = 0
    for (triplet, _), origin in zip(results, ("0, 1, 2, 3", "1, 3"), strict=True):
        stamp = triplet.template
        assert stamp.unit == "nJy"
        if origin is not None:
            assert triplet.template_source == f"template_coadd of map, band r: tract 5 patch {origin}"
        planes = {name: stamp.mask & (1 << bit) != 0 for name, bit in stamp.mask_planes.items()}
        rows, columns = np.mgrid[0:21, 0:21]
        places = detector_wcs.pixel_to_world(columns + stamp.box.x_start, rows + stamp.box.y_start)
        for row, column, x, y in zip(
            rows.flat, columns.flat, *(axis.flat for axis in tract_wcs.world_to_pixel(places)), strict=True
        ):
            inner = near_hole[int(y) : int(y) + 2, int(x) : int(x) + 2]
            assert np.isnan(stamp.array[row, column]) == inner.any()
            assert planes["NO_DATA"][row, column] == inner.any()
            missing += inner.any()
            if not near_hole[int(y) - 2 : int(y) + 4, int(x) - 2 : int(x) + 4].any():
                assert stamp.array[row, column] == pytest.approx(by_hand(pixels, x, y), rel=1e-5)
                assert planes["SAT"][row, column] == (pixels[round(y), round(x)] > 150)
                compared += 1
    assert compared > 700
    assert missing > 5


@pytest.mark.parametrize("make", ["afw", "lsst.images"])
def test_images_at_hand_have_no_data_where_their_mask_says_so(tract, make):
    pixels, tract_wcs = tract
    box = LsstBox.factory[0:200, 0:200]
    mask = Mask(schema=SCHEMA, bbox=box)
    hole = np.zeros(pixels.shape, bool)
    hole[HOLE] = True
    mask.set("NO_DATA", hole)
    frame = TractFrame(skymap="map", tract=5, bbox=box)
    projection = SkyProjection.from_fits_wcs(tract_wcs, frame)
    image = masked_image(pixels, box, projection, mask)
    if make == "afw":
        image = exposure(pixels.astype(np.float32), hole, LsstSkyMap(projection))
    place = tract_wcs.pixel_to_world(131.2, 85.2)
    ((triplet,),) = read_triplets(image, image, None, [place.ra.deg], [place.dec.deg], [20])
    assert triplet.difference is None
    stamp = triplet.science
    assert stamp.box == Box(122, 142, 76, 96)
    expected = np.where(hole, np.nan, pixels.astype(np.float32))[76:96, 122:142]
    np.testing.assert_array_equal(stamp.array, expected)
    assert stamp.mask is None
    assert not np.isnan(pixels).any(), "the image is as it was"


def exposure(pixels, hole, sky_map):
    """Return what has the methods of an afw Exposure."""
    bbox = types.SimpleNamespace(
        getMinX=lambda: 0, getMinY=lambda: 0, getWidth=lambda: 200, getHeight=lambda: 200
    )
    sky_wcs = types.SimpleNamespace(
        skyToPixelArray=lambda ra, dec, degrees: sky_map.sky_to_pixel(ra, dec),
        pixelToSkyArray=lambda x, y, degrees: sky_map.pixel_to_sky(x, y),
    )
    return types.SimpleNamespace(
        image=types.SimpleNamespace(array=pixels),
        mask=types.SimpleNamespace(
            array=np.where(hole, 1 << 8, 0).astype(np.int32), getMaskPlaneDict=lambda: {"NO_DATA": 8}
        ),
        getWcs=lambda: sky_wcs,
        getBBox=lambda: bbox,
        getMetadata=lambda: types.SimpleNamespace(exists=lambda name: False),
    )
