"""The butler repository of the demo."""

__all__ = ("DemoRepository",)

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import astropy.time
import astropy.units as u
import numpy as np
import pyarrow as pa

from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from ._camera import EXPOSURE_TIME, INSTRUMENT, PASSBANDS, Detector, Exposure, Visit

_STORAGE_CLASSES = {
    "preliminary_visit_image": "VisitImage",
    "template_detector": "DifferenceImage",
    "difference_image": "DifferenceImage",
    "dia_source_detector": "ArrowAstropy",
}
"""Storage class of each dataset type."""


class DemoRepository:
    """A new butler repository with the camera and the visits registered."""

    def __init__(self, root: Path, visits: list[Visit], detectors: list[Detector]) -> None:
        Butler.makeRepo(str(root))
        self._butler = Butler.from_config(str(root), writeable=True)
        for element, record in (*_camera_records(detectors), *_visit_records(visits, detectors)):
            self._butler.registry.syncDimensionData(element, {"instrument": INSTRUMENT} | record)
        dimensions = self._butler.dimensions.conform(["instrument", "visit", "detector"])
        for name, storage_class in _STORAGE_CLASSES.items():
            self._butler.registry.registerDatasetType(DatasetType(name, dimensions, storage_class))
        # While one detector is compressed and written the next is drawn.
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def put(self, datasets: Mapping[str, object], exposure: Exposure, run: str) -> None:
        """Start to write datasets of one detector in one visit, by type, into a RUN collection.

        What was started before is ended first.
        """
        self._wait()
        self._writing = self._writer.submit(self._put, datasets, exposure, run)

    def close(self) -> None:
        """End what was started and close the repository."""
        self._writer.shutdown()
        self._wait()
        self._butler.close()

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _put(self, datasets: Mapping[str, object], exposure: Exposure, run: str) -> None:
        self._butler.collections.register(run)
        data_id = {"instrument": INSTRUMENT, "visit": exposure.visit.id, "detector": exposure.detector.id}
        for name, dataset in datasets.items():
            dataset_type = self._butler.get_dataset_type(name)
            if isinstance(dataset, pa.Table):
                # On the way through astropy a hundred columns cost more than an image.
                dataset_type = dataset_type.overrideStorageClass("ArrowTable")
            self._butler.put(dataset, dataset_type, data_id, run=run)


def _camera_records(detectors: list[Detector]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield dimension records of the camera, without the instrument."""
    limits = {"visit_max": 10**14, "exposure_max": 10**14, "detector_max": 256, "visit_system": 0}
    yield "instrument", limits | {"name": INSTRUMENT, "class_name": "lsst.pipe.base.Instrument"}
    yield "visit_system", {"id": 0, "name": "one-to-one"}
    for passband in PASSBANDS:
        yield "physical_filter", {"name": f"{passband.name}_demo", "band": passband.name}
    for detector in detectors:
        names = {"full_name": detector.name, "name_in_raft": detector.name, "raft": "R0"}
        yield "detector", names | {"id": detector.id, "purpose": "SCIENCE"}


def _visit_records(visits: list[Visit], detectors: list[Detector]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield dimension records of the visits, without the instrument."""
    for visit in visits:
        begin = astropy.time.Time(visit.mjd_begin, format="mjd", scale="tai")
        record = {
            "id": visit.id,
            "physical_filter": f"{visit.passband.name}_demo",
            "day_obs": visit.day_obs,
            "timespan": Timespan(begin, begin + EXPOSURE_TIME * u.s),
            "seq_num": visit.seq_num,
            "exposure_time": EXPOSURE_TIME,
            "target_name": "demo field",
            "science_program": "demo",
        }
        corners = {detector.id: _corners(Exposure(visit, detector)) for detector in detectors}
        everywhere = ConvexPolygon([corner for four in corners.values() for corner in four])
        yield "day_obs", {"id": visit.day_obs}
        yield "group", {"name": visit.name}
        about = {"obs_id": visit.name, "group": visit.name, "observation_type": "science"}
        pointing = {"tracking_ra": visit.boresight[0], "tracking_dec": visit.boresight[1]}
        yield "exposure", record | about | pointing
        yield "visit", record | {"name": visit.name, "region": everywhere}
        yield "visit_definition", {"visit": visit.id, "exposure": visit.id}
        yield "visit_system_membership", {"visit": visit.id, "visit_system": 0}
        for detector, four in corners.items():
            region = ConvexPolygon(four)
            yield "visit_detector_region", {"visit": visit.id, "detector": detector, "region": region}


def _corners(exposure: Exposure) -> list[UnitVector3d]:
    """Return the corners of a detector on the sky."""
    pixels = exposure.detector.size * np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) - 0.5
    return [UnitVector3d(LonLat.fromDegrees(*sky)) for sky in exposure.wcs.all_pix2world(pixels, 0)]
