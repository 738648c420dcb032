"""The butler repository and the alert production database of the demo."""

__all__ = ("DemoApdb", "make_repository")

from pathlib import Path
from typing import Any

import astropy.time
import numpy as np
import pandas as pd

from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.dax.apdb import Apdb
from lsst.dax.apdb.apdbSchema import ApdbTables
from lsst.dax.apdb.sql import ApdbSql
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from ._camera import EXPOSURE_TIME, INSTRUMENT, PASSBANDS, Detector, Exposure, Visit

_STORAGE_CLASSES = {
    "preliminary_visit_image": "VisitImage",
    "template_detector": "DifferenceImage",
    "difference_image": "DifferenceImage",
    "dia_source_detector": "ArrowAstropy",
}


def make_repository(root: Path, visits: list[Visit], detectors: list[Detector]) -> Butler:
    """Make a butler repository with the camera, the visits and the dataset types registered."""
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), writeable=True)
    insert, camera = butler.registry.insertDimensionData, {"instrument": INSTRUMENT}
    limits = {"visit_max": 10**14, "exposure_max": 10**14, "detector_max": 256}
    insert("instrument", limits | {"name": INSTRUMENT, "class_name": "lsst.pipe.base.Instrument"})
    insert("physical_filter", *(camera | {"name": f"{p.name}_demo", "band": p.name} for p in PASSBANDS))
    for d in detectors:
        insert("detector", camera | {"id": d.id, "full_name": f"D{d.id:02d}", "purpose": "SCIENCE"})
    insert("day_obs", *(camera | {"id": day_obs} for day_obs in sorted({visit.day_obs for visit in visits})))
    for visit in visits:
        corners = [_corners(Exposure(visit, detector)) for detector in detectors]
        half = 0.5 * EXPOSURE_TIME / 86400
        times = astropy.time.Time([visit.mjd - half, visit.mjd + half], format="mjd", scale="tai")
        record: dict[str, Any] = {
            "id": visit.id,
            "name": f"{visit.day_obs}_{visit.seq_num:06d}",
            "physical_filter": f"{visit.passband.name}_demo",
            "day_obs": visit.day_obs,
            "seq_num": visit.seq_num,
            "timespan": Timespan(*times),
            "exposure_time": EXPOSURE_TIME,
            "region": ConvexPolygon([corner for four in corners for corner in four]),
        }
        insert("visit", camera | record)
        for detector, four in zip(detectors, corners, strict=True):
            region = {"region": ConvexPolygon(four)}
            insert("visit_detector_region", Exposure(visit, detector).data_id | region)
    dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
    for name, storage_class in _STORAGE_CLASSES.items():
        butler.registry.registerDatasetType(DatasetType(name, dimensions, storage_class))
    return butler


def _corners(exposure: Exposure) -> list[UnitVector3d]:
    """Return the corners of a detector on the sky."""
    pixels = exposure.detector.size * np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) - 0.5
    return [UnitVector3d(LonLat.fromDegrees(*sky)) for sky in exposure.wcs.all_pix2world(pixels, 0)]


class DemoApdb:
    """A new APDB in an SQLite file, and its configuration beside it; what is there already is replaced."""

    def __init__(self, path: Path, config_path: Path) -> None:
        config = ApdbSql.init_database(f"sqlite:///{path.absolute()}", enable_replica=False, drop=True)
        config.save(str(config_path))
        self.path, self.config_path = path, config_path
        self._apdb = Apdb.from_uri(str(config_path))
        self._apdb.metadata.set("instrument", INSTRUMENT, force=True)

    def complete(self, rows: pd.DataFrame, table: ApdbTables = ApdbTables.DiaSource) -> pd.DataFrame:
        """Return rows with exactly the columns of the schema.

        What they do not have is null, or the default of a column that may not be; flags are not set.
        """
        definition = self._apdb.tableDef(table)
        assert definition is not None
        # The spatial index is the APDB's own affair.
        columns = [column for column in definition.columns if column.name != "pixelId"]
        dtypes = {column.name: column.pandas_type for column in columns}
        defaults = {column.name: column.value or 0 for column in columns if not column.nullable}
        defaults |= dict.fromkeys((name for name, dtype in dtypes.items() if dtype == "boolean"), False)
        return rows.reindex(columns=list(dtypes)).astype(dtypes).fillna(defaults)

    def store(self, mjd: float, objects: pd.DataFrame, sources: pd.DataFrame, forced: pd.DataFrame) -> None:
        """Store what one visit at a time, MJD TAI, found."""
        self._apdb.store(
            astropy.time.Time(mjd, format="mjd", scale="tai"),
            self.complete(objects, ApdbTables.DiaObject),
            self.complete(sources),
            self.complete(forced, ApdbTables.DiaForcedSource),
        )
