"""One run of a pipeline over the exposures: images, sources and databases."""

__all__ = ("VERSIONS", "Run")

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ._apdb import DemoApdb
from ._associate import Association
from ._camera import INSTRUMENT, Exposure
from ._images import Raw, Version, process
from ._lsst_images import image_datasets
from ._measure import measure
from ._paths import DemoPaths
from ._repository import DemoRepository
from ._template import Template
from ._truth import recognise, reliability

VERSIONS = (
    Version("demo"),
    Version("other", threshold=5.5, calibration=1.03, shift=(0.1, -0.06), cosmic_ray_threshold=7.0),
)
"""The version whose run is always made, and the one to compare it with."""


class Run:
    """A run in progress, whose files beside the repository have names of its own."""

    def __init__(self, version: Version, repository: DemoRepository, root: Path, seed: int) -> None:
        suffix = "" if version is VERSIONS[0] else f"-{version.name}"
        self.collection = f"{INSTRUMENT}/runs/{version.name}"
        self._version, self._repository, self._root, self._seed = version, repository, root, seed
        self._paths = (
            root / f"apdb{suffix}.sqlite3",
            root / f"apdb{suffix}.yaml",
            root / f"truth{suffix}.parquet",
        )
        self._apdb = DemoApdb(*self._paths[:2])
        self._association = Association()
        self._exposures: list[Exposure] = []
        self._truth = [pd.DataFrame(columns=["diaSourceId", "kind", "isReal", "trueFlux", "number"])]

    def add(self, raw: Raw, template: Template) -> int:
        """Process an exposure; return the number of DiaSources."""
        images = process(raw, template, self._version)
        rows = measure(images, self._version.threshold)
        self._repository.put(image_datasets(images), raw.exposure, self.collection)
        self._exposures.append(raw.exposure)
        if len(rows):
            truth = recognise(images, rows)
            rng = np.random.default_rng([self._seed, raw.exposure.visit.id, raw.exposure.detector.id, 1])
            rows["reliability"] = reliability(rows, truth["isReal"].to_numpy(), rng)
            rows["reliabilityVersion"] = self._version.name
            self._truth.append(truth)
            self._association.add(images, rows, truth)
        return len(rows)

    def finish(self) -> DemoPaths:
        """Write the tables; return where everything is."""
        sources, forced = self._association.sources, self._association.forced
        objects = self._association.objects()
        for exposure in self._exposures:
            rows = self._apdb.complete(_of(sources, exposure.visit.id, exposure.detector.id))
            self._repository.put(
                {"dia_source_detector": pa.Table.from_pandas(rows, preserve_index=False)},
                exposure,
                self.collection,
            )
        for visit in dict.fromkeys(exposure.visit for exposure in self._exposures):
            new = objects[objects["firstDiaSourceMjdTai"] == visit.mjd] if len(objects) else objects
            self._apdb.store(visit.mjd, new, _of(sources, visit.id), _of(forced, visit.id))
        apdb, apdb_config, truth = self._paths
        pd.concat(self._truth[len(self._truth) > 1 :]).to_parquet(truth, index=False)
        return DemoPaths(
            repo=self._root / "repo",
            apdb=apdb,
            apdb_config=apdb_config,
            truth=truth,
            collection=self.collection,
            instrument=INSTRUMENT,
            visits=tuple(dict.fromkeys(exposure.visit.id for exposure in self._exposures)),
            detectors=tuple(dict.fromkeys(exposure.detector.id for exposure in self._exposures)),
            n_sources=len(sources),
            n_objects=len(objects),
        )


def _of(rows: pd.DataFrame, visit: int, detector: int | None = None) -> pd.DataFrame:
    """Return the rows of a visit, or of one detector in it."""
    if len(rows):
        rows = rows[rows["visit"] == visit]
    return rows if detector is None or rows.empty else rows[rows["detector"] == detector]
