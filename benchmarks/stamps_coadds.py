"""A repository whose templates are coadds, and the same with templates."""

import statistics
import tempfile
import time
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.wcs import WCS
from lsst.daf.butler import Butler, DatasetRef, DatasetType, FileDataset
from lsst.images import Box as LsstBox
from lsst.images import (
    DetectorFrame,
    Frame,
    Image,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    SkyProjection,
    TractFrame,
)
from lsst.images.fits import FitsCompressionOptions, write
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d
from numpy.typing import NDArray

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.images import RepositoryDatasets, TripletReader, find_image_types

DETECTOR = DetectorVisit("Benchmark", 1, 1)
CENTER = 53.0, -28.0
ROTATION = 34.0
"""Degrees between the axes of the detector and of the tract."""
PATCHES = 3
"""Patches along each side of the tract."""
INNER, BORDER = 0.75, 0.05
"""Sides of the inner part of a patch and of its border, in sides of the
detector: 3000 and 200 pixels for one of 4000, as Rubin's sky map
``lsst_cells_v1`` has them."""


class Release:
    """A detector in the middle of a tract.

    Collection "t" has a template of the detector, and "c" coadds in its place.
    """

    def __init__(self, root: str, side: int) -> None:
        Butler.makeRepo(root)
        self.side = side
        self.wcs = _wcs(side / 2, ROTATION)
        self._root = Path(root)
        self._butler = Butler.from_config(root, writeable=True)
        self._declare()
        detector = LsstBox.from_shape((side, side))
        frame = DetectorFrame(instrument=DETECTOR.instrument, visit=1, detector=1, bbox=detector)
        path = self._write("detector", detector, self.wcs, frame)
        names = {"instrument": DETECTOR.instrument, "visit": 1, "detector": 1}
        for name, run in (
            ("visit_image", "images"),
            ("difference_image", "images"),
            ("template_detector", "t"),
        ):
            self._ingest(path, name, run, **names)
        inner, border = int(INNER * side), int(BORDER * side)
        width = PATCHES * inner
        frame_of_tract = TractFrame(skymap="map", tract=0, bbox=LsstBox.factory[0:width, 0:width])
        wcs = _wcs(width / 2, 0.0)
        for patch in range(PATCHES**2):
            x, y = inner * (patch % PATCHES), inner * (patch // PATCHES)
            box = LsstBox.factory[
                max(y - border, 0) : min(y + inner + border, width),
                max(x - border, 0) : min(x + inner + border, width),
            ]
            record = {"skymap": "map", "tract": 0, "id": patch, "region": _region(wcs, box)}
            self._butler.registry.insertDimensionData("patch", record)
            path = self._write(f"patch{patch}", box, wcs, frame_of_tract)
            self._ingest(path, "template_coadd", "c", skymap="map", tract=0, patch=patch, band="r")

    def butler(self, templates: str) -> Butler:
        """Return a butler with templates of either kind: "t" or "c"."""
        return self._butler.clone(collections=["images", templates])

    def sky(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return random positions on the detector."""
        x, y = np.random.default_rng(count).uniform(40, self.side - 40, (2, count))
        sky = self.wcs.pixel_to_world(x, y)
        return sky.ra.deg, sky.dec.deg

    def _declare(self) -> None:
        registry = self._butler.registry
        name = DETECTOR.instrument
        registry.insertDimensionData("instrument", {"name": name, "class_name": "none"})
        registry.insertDimensionData("physical_filter", {"instrument": name, "name": "r", "band": "r"})
        registry.insertDimensionData("detector", {"instrument": name, "id": 1, "full_name": "one"})
        registry.insertDimensionData("day_obs", {"instrument": name, "id": 20260101})
        record = {"instrument": name, "id": 1, "name": "1", "physical_filter": "r", "day_obs": 20260101}
        registry.insertDimensionData("visit", record)
        region = _region(self.wcs, LsstBox.from_shape((self.side, self.side)))
        record = {"instrument": name, "visit": 1, "detector": 1, "region": region}
        registry.insertDimensionData("visit_detector_region", record)
        record = {"name": "map", "hash": b"0", "tract_max": 1, "patch_nx_max": 3, "patch_ny_max": 3}
        registry.insertDimensionData("skymap", record)
        registry.insertDimensionData("tract", {"skymap": "map", "id": 0, "region": None})
        dimensions = self._butler.dimensions.conform(["instrument", "visit", "detector"])
        for role in ("visit_image", "difference_image", "template_detector"):
            registry.registerDatasetType(DatasetType(role, dimensions, "MaskedImageV2"))
        dimensions = self._butler.dimensions.conform(["band", "skymap", "tract", "patch"])
        registry.registerDatasetType(DatasetType("template_coadd", dimensions, "MaskedImageV2"))

    def _write(self, name: str, box: LsstBox, wcs: WCS, frame: Frame) -> str:
        path = str(self._root / f"{name}.fits")
        pixels = np.random.default_rng(1).normal(100, 30, box.shape).astype(np.float32)
        variance = np.random.default_rng(2).normal(900, 10, box.shape).astype(np.float32)
        image = MaskedImage(
            Image(pixels, bbox=box, unit=u.nJy),
            variance=Image(variance, bbox=box, unit=u.nJy**2),
            mask_schema=MaskSchema([MaskPlane("NO_DATA", "No data."), MaskPlane("BAD", "Bad pixel.")]),
            sky_projection=SkyProjection.from_fits_wcs(wcs, frame),
        )
        options = FitsCompressionOptions()
        write(image, path, compression_options=dict.fromkeys(("image", "mask", "variance"), options))
        return path

    def _ingest(self, path: str, name: str, run: str, **data_id: str | int) -> None:
        self._butler.collections.register(run)
        dataset_type = self._butler.get_dataset_type(name)
        ref = DatasetRef(dataset_type, self._butler.registry.expandDataId(data_id), run=run)
        self._butler.ingest(FileDataset(path=path, refs=[ref]), transfer="direct")


def measure_coadds(side: int, rounds: int) -> dict[str, float]:
    """Return the median processor times for 50 sources by kind of template, in milliseconds.

    Everything that has to be found and opened for a detector is in them.
    """
    with tempfile.TemporaryDirectory(prefix="coadds-") as root:
        release = Release(root, side)
        ra, dec = release.sky(50)
        times: dict[str, list[float]] = {"t": [], "c": []}
        for _ in range(rounds):
            for templates, values in times.items():
                butler = release.butler(templates)
                reader = TripletReader(RepositoryDatasets(butler, find_image_types(butler)))
                start = time.process_time()
                results = reader.read(DETECTOR, ra, dec, [30])
                values.append(time.process_time() - start)
                assert all(isinstance(result, tuple) for result in results), results
    names = {"t": "template_detector", "c": "template_coadd"}
    return {names[kind]: 1000 * statistics.median(values) for kind, values in times.items()}


def _wcs(center: float, rotation: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = CENTER
    wcs.wcs.crpix = [center, center]
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    wcs.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * 0.2 / 3600
    return wcs


def _region(wcs: WCS, box: LsstBox) -> ConvexPolygon:
    corners = [(x, y) for x in (box.x.start, box.x.stop) for y in (box.y.start, box.y.stop)]
    sky = [wcs.pixel_to_world(*corner) for corner in corners]
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(here.ra.deg, here.dec.deg)) for here in sky])
