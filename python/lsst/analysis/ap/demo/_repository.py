"""The butler repository of the demo."""

__all__ = ("COLLECTION", "DemoRepository")

from pathlib import Path
from types import TracebackType
from typing import Self

import astropy.time
import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa

from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from ._camera import EXPOSURE_TIME, INSTRUMENT, PASSBANDS, DetectorLayout, Visit
from ._images import DetectorImages
from ._lsst_images import image_datasets
from ._wcs import make_sky_projection

COLLECTION = f"{INSTRUMENT}/runs/demo"
"""The RUN collection that holds everything."""

_DATASET_TYPES = {
    "preliminary_visit_image": "VisitImage",
    "template_detector": "DifferenceImage",
    "difference_image": "DifferenceImage",
    "dia_source_detector": "ArrowAstropy",
}
"""Storage class of each dataset type."""


class DemoRepository:
    """A new butler repository, open for writing as a context manager.

    Parameters
    ----------
    root : `pathlib.Path`
        Directory of the repository, which must not be one yet.
    visits : `list` [`Visit`]
        The visits to register.
    detectors : `list` [`DetectorLayout`]
        The detectors to register.
    """

    def __init__(self, root: Path, visits: list[Visit], detectors: list[DetectorLayout]) -> None:
        Butler.makeRepo(str(root))
        self._butler = Butler.from_config(str(root), writeable=True, run=COLLECTION)
        self._register_camera(detectors)
        for visit in visits:
            self._register_visit(visit, detectors)
        dimensions = self._butler.dimensions.conform(["instrument", "visit", "detector"])
        for name, storage_class in _DATASET_TYPES.items():
            self._butler.registry.registerDatasetType(DatasetType(name, dimensions, storage_class))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._butler.close()

    def put_images(self, images: DetectorImages) -> list[str]:
        """Write the three images of one detector in one visit.

        Parameters
        ----------
        images : `DetectorImages`
            The images.

        Returns
        -------
        dataset_types : `list` [`str`]
            What was written.
        """
        datasets = image_datasets(images)
        for name, dataset in datasets.items():
            self._butler.put(
                dataset, name, instrument=INSTRUMENT, visit=images.visit.id, detector=images.detector.id
            )
        return list(datasets)

    def put_sources(self, table: pd.DataFrame, visit: Visit, detector: DetectorLayout) -> None:
        """Write the DiaSources of one detector in one visit.

        Parameters
        ----------
        table : `pandas.DataFrame`
            One row per DiaSource.
        visit : `Visit`
            The visit.
        detector : `DetectorLayout`
            The detector.
        """
        rows = arrow_to_astropy(pa.Table.from_pandas(table, preserve_index=False))
        self._butler.put(
            rows, "dia_source_detector", instrument=INSTRUMENT, visit=visit.id, detector=detector.id
        )

    def _register_camera(self, detectors: list[DetectorLayout]) -> None:
        sync = self._butler.registry.syncDimensionData
        sync(
            "instrument",
            {
                "name": INSTRUMENT,
                "visit_system": 0,
                "visit_max": 10**14,
                "exposure_max": 10**14,
                "detector_max": 256,
                "class_name": "lsst.pipe.base.Instrument",
            },
        )
        for passband in PASSBANDS:
            sync(
                "physical_filter",
                {"instrument": INSTRUMENT, "name": passband.physical_filter, "band": passband.name},
            )
        for detector in detectors:
            sync(
                "detector",
                {
                    "instrument": INSTRUMENT,
                    "id": detector.id,
                    "full_name": detector.name,
                    "name_in_raft": detector.name,
                    "raft": "R0",
                    "purpose": "SCIENCE",
                },
            )
        sync("visit_system", {"instrument": INSTRUMENT, "id": 0, "name": "one-to-one"})

    def _register_visit(self, visit: Visit, detectors: list[DetectorLayout]) -> None:
        sync = self._butler.registry.syncDimensionData
        begin = astropy.time.Time(visit.mjd_begin, format="mjd", scale="tai")
        timespan = Timespan(begin, begin + EXPOSURE_TIME * u.s)
        name = f"{visit.day_obs}_{visit.seq_num:06d}"
        regions = {detector.id: self._corners(visit, detector) for detector in detectors}
        shared = {
            "instrument": INSTRUMENT,
            "id": visit.id,
            "physical_filter": visit.passband.physical_filter,
            "day_obs": visit.day_obs,
            "timespan": timespan,
            "seq_num": visit.seq_num,
            "exposure_time": EXPOSURE_TIME,
            "target_name": "demo field",
            "science_program": "demo",
        }
        one = {"instrument": INSTRUMENT, "visit": visit.id}
        sync("day_obs", {"instrument": INSTRUMENT, "id": visit.day_obs})
        sync("group", {"instrument": INSTRUMENT, "name": name})
        exposure = {
            "obs_id": name,
            "group": name,
            "observation_type": "science",
            "tracking_ra": visit.ra,
            "tracking_dec": visit.dec,
        }
        sync("exposure", shared | exposure)
        corners = [corner for region in regions.values() for corner in region]
        sync("visit", shared | {"name": name, "region": ConvexPolygon(corners)})
        sync("visit_definition", one | {"exposure": visit.id})
        sync("visit_system_membership", one | {"visit_system": 0})
        for detector, region in regions.items():
            sync("visit_detector_region", one | {"detector": detector, "region": ConvexPolygon(region)})

    @staticmethod
    def _corners(visit: Visit, detector: DetectorLayout) -> list[UnitVector3d]:
        """Return the corners of a detector on the sky."""
        projection = make_sky_projection(visit, detector)
        x = detector.x_start - 0.5 + detector.size * np.array([0, 1, 1, 0])
        y = detector.y_start - 0.5 + detector.size * np.array([0, 0, 1, 1])
        sky = projection.pixel_to_sky(x=x, y=y)
        return [
            UnitVector3d(LonLat.fromDegrees(ra, dec)) for ra, dec in zip(sky.ra.deg, sky.dec.deg, strict=True)
        ]
