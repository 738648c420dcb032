"""One run of a pipeline over the exposures: images, sources and databases."""

__all__ = ("VERSIONS", "Run")

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from lsst.daf.butler import Butler

from ._associate import associate, measure_objects, summarize_objects
from ._camera import INSTRUMENT, Exposure
from ._databases import DemoApdb
from ._images import Raw, Version, process
from ._measure import measure
from ._paths import DemoPaths
from ._sky import Source
from ._truth import TRUTH_COLUMNS, recognise, reliability

VERSIONS = (
    Version("demo"),
    Version("other", threshold=5.5, calibration=1.03, shift=(0.1, -0.06), cosmic_ray_threshold=7.0),
)
"""The version whose run is always made, and the one to compare it with."""


class Run:
    """A run in progress, which writes into the repository and into files of its own beside it."""

    def __init__(self, version: Version, butler: Butler, root: Path, seed: int) -> None:
        suffix = "" if version is VERSIONS[0] else f"-{version.name}"
        self.collection = f"{INSTRUMENT}/runs/{version.name}"
        butler.collections.register(self.collection)
        self._version, self._butler, self._root, self._seed = version, butler, root, seed
        self._apdb = DemoApdb(root / f"apdb{suffix}.sqlite3", root / f"apdb{suffix}.yaml")
        self._truth_path = root / f"truth{suffix}.parquet"
        self._exposures: list[Exposure] = []
        self._sources = self._forced = pd.DataFrame()
        self._truth = pd.DataFrame(columns=TRUTH_COLUMNS)

    def add(self, raw: Raw, sky: list[Source]) -> int:
        """Process an exposure; return the number of DiaSources."""
        exposure = raw.exposure
        images = process(raw, sky, self._seed, self._version)
        rows = measure(images, self._version.threshold)
        for name, image in (
            ("preliminary_visit_image", images.science),
            ("template_detector", images.template),
            ("difference_image", images.difference),
        ):
            self._butler.put(image, name, exposure.data_id, run=self.collection)
        self._exposures.append(exposure)
        if len(rows):
            truth = recognise(images, rows)
            rng = np.random.default_rng([self._seed, exposure.visit.id, exposure.detector.id, 1])
            rows["reliability"] = reliability(rows, truth["isReal"].to_numpy(), rng)
            rows["reliabilityVersion"] = self._version.name
            associate(rows, truth, summarize_objects(self._sources))
            self._sources = pd.concat([self._sources, rows], ignore_index=True)
            self._truth = pd.concat([self._truth, truth]) if len(self._truth) else truth
            found = measure_objects(images, summarize_objects(self._sources))
            self._forced = pd.concat([self._forced, found], ignore_index=True)
        return len(rows)

    def finish(self) -> DemoPaths:
        """Write the tables; return where everything is."""
        objects = summarize_objects(self._sources)
        # On the way through astropy a hundred columns cost more than an image.
        kind = self._butler.get_dataset_type("dia_source_detector").overrideStorageClass("ArrowTable")
        for exposure in self._exposures:
            rows = _of(_of(self._sources, "visit", exposure.visit.id), "detector", exposure.detector.id)
            table = pa.Table.from_pandas(self._apdb.complete(rows), preserve_index=False)
            self._butler.put(table, kind, exposure.data_id, run=self.collection)
        visits = dict.fromkeys(exposure.visit for exposure in self._exposures)
        for visit in visits:
            new = _of(objects, "firstDiaSourceMjdTai", visit.mjd)
            sources, forced = (_of(table, "visit", visit.id) for table in (self._sources, self._forced))
            self._apdb.store(visit.mjd, new, sources, forced)
        self._truth.to_parquet(self._truth_path, index=False)
        return DemoPaths(
            repo=self._root / "repo",
            apdb=self._apdb.path,
            apdb_config=self._apdb.config_path,
            truth=self._truth_path,
            collection=self.collection,
            instrument=INSTRUMENT,
            visits=tuple(visit.id for visit in visits),
            detectors=tuple(dict.fromkeys(exposure.detector.id for exposure in self._exposures)),
            n_sources=len(self._sources),
            n_objects=len(objects),
        )


def _of(rows: pd.DataFrame, column: str, value: float) -> pd.DataFrame:
    """Return the rows with a value in a column; there may be neither rows nor columns."""
    return rows if rows.empty else rows[rows[column] == value]
