"""afw objects handed over in memory, and behind the butler."""

import subprocess
import sys
import types

import numpy as np
import pytest
from lsst.daf.butler import DeferredDatasetHandle

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images import StampError, read_triplets
from lsst.analysis.ap.images._butler_image import ButlerImage
from lsst.analysis.ap.images._fits_image import open_fits_image
from lsst.analysis.ap.images.fits._bytes import LocalBytes


class Box2I:
    """Stands for lsst.geom.Box2I: inclusive corners."""

    def __init__(self, corner, extent):
        self.x, self.y = corner
        self.width, self.height = extent

    getMinX = lambda self: self.x  # noqa: E731
    getMinY = lambda self: self.y  # noqa: E731
    getWidth = lambda self: self.width  # noqa: E731
    getHeight = lambda self: self.height  # noqa: E731


class SkyWcs:
    """Stands for lsst.afw.geom.SkyWcs, whose arrays must be contiguous doubles."""

    def __init__(self, sky_map):
        self.sky_map = sky_map

    def skyToPixelArray(self, ra, dec, degrees=False):
        assert degrees
        assert ra.flags.c_contiguous
        assert ra.dtype == np.float64
        return self.sky_map.sky_to_pixel(ra, dec)

    def pixelToSkyArray(self, x, y, degrees=False):
        assert degrees
        assert x.flags.c_contiguous
        return self.sky_map.pixel_to_sky(x, y)


class Exposure:
    """Stands for lsst.afw.image.ExposureF."""

    def __init__(self, pixels, bits, planes, wcs, xy0):
        self.image = types.SimpleNamespace(array=pixels)
        self.mask = types.SimpleNamespace(array=bits, getMaskPlaneDict=lambda: planes)
        self.wcs, self.xy0 = wcs, xy0

    def getWcs(self):
        return self.wcs

    def getMetadata(self):
        return types.SimpleNamespace(exists=lambda name: name == "BUNIT", getScalar=lambda name: "nJy")

    def getXY0(self):
        return self.xy0

    def getBBox(self):
        return Box2I(self.xy0, self.image.array.shape[::-1])

    def cut(self, bbox):
        rows = slice(bbox.y - self.xy0[1], bbox.y - self.xy0[1] + bbox.height)
        columns = slice(bbox.x - self.xy0[0], bbox.x - self.xy0[0] + bbox.width)
        pixels, bits = self.image.array[rows, columns], self.mask.array[rows, columns]
        return Exposure(pixels, bits, self.mask.getMaskPlaneDict(), self.wcs, (bbox.x, bbox.y))


@pytest.fixture
def exposures(afw_files):
    """The images of the repository as afw would have them in memory."""
    result = {}
    for role, name in (
        ("template", "goodSeeingDiff_templateExp"),
        ("science", "calexp"),
        ("difference", "goodSeeingDiff_differenceExp"),
    ):
        file = open_fits_image(LocalBytes(str(afw_files[name])))
        planes = dict(file.mask_planes)
        arrays = file.read([file.box], ("image", "mask"))
        result[role] = Exposure(
            arrays["image"][0], arrays["mask"][0], planes, SkyWcs(file.sky_map), (1200, 800)
        )
    return result


def test_afw_exposures_give_afws_stamps(exposures, afw_sources, afw_recorded):
    results = read_triplets(**exposures, ra=afw_sources.ra, dec=afw_sources.dec, sizes=[30], planes=["SAT"])
    compared = 0
    for source_id, result in zip(afw_sources.ids, results, strict=True):
        if isinstance(result, StampError):
            continue
        for role in exposures:
            stamp = getattr(result[0], role)
            for kind, array in (("image", stamp.array), ("mask", stamp.mask)):
                if (key := f"{role}_{source_id}_30_{kind}") in afw_recorded:
                    np.testing.assert_array_equal(
                        np.asarray(array).view(afw_recorded[key].dtype), afw_recorded[key], strict=True
                    )
                    compared += 1
        assert stamp.mask_planes == afw_sources.mask_planes
    assert compared > 40


def test_stamps_do_not_share_memory_with_the_image(exposures, afw_sources):
    ((triplet,),) = read_triplets(**exposures, ra=afw_sources.ra[:1], dec=afw_sources.dec[:1], sizes=[30])
    assert not np.shares_memory(triplet.science.array, exposures["science"].image.array)


def test_other_objects_are_refused(exposures):
    (result,) = read_triplets(**exposures | {"template": "a name"}, ra=[245.0], dec=[-45.0], sizes=[30])
    assert "a str is neither an afw Exposure nor an image of lsst.images" in str(result)


def test_image_without_wcs_says_so(exposures):
    exposures["science"].wcs = None
    (result,) = read_triplets(**exposures, ra=[245.0], dec=[-45.0], sizes=[30])
    assert "has no WCS" in str(result)


def test_afw_datasets_that_only_the_butler_reads(exposures, monkeypatch):
    """In the stack, a dataset that is not a FITS file comes as an Exposure."""
    science = exposures["science"]
    geom = types.SimpleNamespace(
        Box2I=Box2I, Point2I=lambda x, y: (x, y), Extent2I=lambda width, height: (width, height)
    )
    monkeypatch.setitem(sys.modules, "lsst.geom", geom)

    class Ref:
        component = None
        datasetType = types.SimpleNamespace(
            storageClass=types.SimpleNamespace(allComponents=lambda: {"image": 0, "wcs": 0, "bbox": 0})
        )

        def makeComponentRef(self, name):
            ref = Ref()
            ref.component = name
            return ref

    class ButlerStandIn:
        def get(self, ref, parameters=None):
            if ref.component:
                return {"wcs": science.getWcs(), "bbox": science.getBBox()}[ref.component]
            return science.cut(parameters["bbox"])

    image = ButlerImage(DeferredDatasetHandle(ButlerStandIn(), Ref(), None))
    boxes = [Box(1210, 1240, 900, 930), Box(1500, 1510, 810, 815)]
    arrays = image.read(boxes, ("image", "mask"))
    for box, pixels, bits in zip(boxes, arrays["image"], arrays["mask"], strict=True):
        part = box.slices_within(Box(1200, 1600, 800, 1200))
        np.testing.assert_array_equal(pixels, science.image.array[part])
        np.testing.assert_array_equal(bits, science.mask.array[part])
    assert image.box == Box(1200, 1600, 800, 1200)
    assert image.mask_planes == science.mask.getMaskPlaneDict()


def test_importing_the_package_imports_neither_the_stack_nor_its_replacements():
    code = "import sys, lsst.analysis.ap.images; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = ("lsst.afw", "lsst.geom", "lsst.pex.exceptions", "lsst.images", "starlink", "astshim")
    assert [name for name in done.stdout.split() if name.startswith(unwanted)] == []
