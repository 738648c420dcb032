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
from ._measure import measure
from ._paths import DemoPaths
from ._repository import DemoRepository
from ._template import Template
from ._truth import TRUTH_COLUMNS, recognise, reliability

VERSIONS = (
    Version("demo"),
    Version("other", threshold=5.5, calibration=1.03, shift=(0.1, -0.06), cosmic_ray_threshold=7.0),
)
"""The version whose run is always made, and the one to compare it with."""


class Run:
    """A run in progress, which writes into the repository and into files of its own beside it."""

    def __init__(self, version: Version, repository: DemoRepository, root: Path, seed: int) -> None:
        suffix = "" if version is VERSIONS[0] else f"-{version.name}"
        self.collection = f"{INSTRUMENT}/runs/{version.name}"
        self._version, self._repository, self._root, self._seed = version, repository, root, seed
        self._apdb = DemoApdb(root / f"apdb{suffix}.sqlite3", root / f"apdb{suffix}.yaml")
        self._truth_path = root / f"truth{suffix}.parquet"
        self._association = Association()
        self._truth: list[pd.DataFrame] = []
        self._exposures: list[Exposure] = []

    def add(self, raw: Raw, template: Template) -> int:
        """Process an exposure; return the number of DiaSources."""
        images = process(raw, template, self._version)
        rows = measure(images, self._version.threshold)
        datasets = {
            "preliminary_visit_image": images.science,
            "template_detector": images.template,
            "difference_image": images.difference,
        }
        self._repository.put(datasets, raw.exposure, self.collection)
        self._exposures.append(raw.exposure)
        if len(rows):
            truth = recognise(images, rows)
            rng = np.random.default_rng([self._seed, raw.exposure.visit.id, raw.exposure.detector.id, 1])
            rows["reliability"] = reliability(rows, truth["isReal"].to_numpy(), rng)
            rows["reliabilityVersion"] = self._version.name
            self._association.add(images, rows, truth)
            self._truth.append(truth)
        return len(rows)

    def finish(self) -> DemoPaths:
        """Write the tables; return where everything is."""
        sources, forced = self._association.sources, self._association.forced
        objects = self._association.objects()
        for exposure in self._exposures:
            rows = _of(_of(sources, "visit", exposure.visit.id), "detector", exposure.detector.id)
            table = pa.Table.from_pandas(self._apdb.complete(rows), preserve_index=False)
            self._repository.put({"dia_source_detector": table}, exposure, self.collection)
        visits = dict.fromkeys(exposure.visit for exposure in self._exposures)
        for visit in visits:
            new = _of(objects, "firstDiaSourceMjdTai", visit.mjd)
            self._apdb.store(visit.mjd, new, _of(sources, "visit", visit.id), _of(forced, "visit", visit.id))
        truth = pd.concat(self._truth) if self._truth else pd.DataFrame(columns=TRUTH_COLUMNS)
        truth.to_parquet(self._truth_path, index=False)
        return DemoPaths(
            repo=self._root / "repo",
            apdb=self._apdb.path,
            apdb_config=self._apdb.config_path,
            truth=self._truth_path,
            collection=self.collection,
            instrument=INSTRUMENT,
            visits=tuple(visit.id for visit in visits),
            detectors=tuple(dict.fromkeys(exposure.detector.id for exposure in self._exposures)),
            n_sources=len(sources),
            n_objects=len(objects),
        )


def _of(rows: pd.DataFrame, column: str, value: float) -> pd.DataFrame:
    """Return the rows with a value in a column; there may be neither rows nor columns."""
    return rows if rows.empty else rows[rows[column] == value]
