"""One run of a pipeline over the exposures: images, sources, objects and databases."""

__all__ = ("VERSIONS", "Run", "associate", "summarize_objects")

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from astropy.coordinates import SkyCoord

from lsst.daf.butler import Butler

from ._camera import INSTRUMENT, Detector, Visit
from ._databases import DemoApdb
from ._images import Images, Raw, Version, process
from ._measure import TRUTH_COLUMNS, forced_fluxes, measure, recognise, reliability
from ._paths import DemoPaths
from ._sky import Source

VERSIONS = (
    Version("demo"),
    Version("other", threshold=5.5, calibration=1.03, shift=(0.1, -0.06), cosmic_ray_threshold=7.0),
)
"""The version whose run is always made, and the one to compare it with."""

_RADIUS = 1.0  # arcseconds, of a source from its object
_HISTORY = 2  # sources of an object whose flux is measured in every visit, as in lsst.ap.association
_FIRST_SSOBJECT = 21_163_611_000_000  # the number of an asteroid in the sky is added


class Run:
    """A run in progress, which writes into the repository and into files of its own beside it."""

    def __init__(self, version: Version, butler: Butler, root: Path, seed: int) -> None:
        suffix = "" if version is VERSIONS[0] else f"-{version.name}"
        self.collection = f"{INSTRUMENT}/runs/{version.name}"
        butler.collections.register(self.collection)
        self._version, self._butler, self._root, self._seed = version, butler, root, seed
        self._apdb = DemoApdb(root / f"apdb{suffix}.sqlite3", root / f"apdb{suffix}.yaml")
        self._truth_path = root / f"truth{suffix}.parquet"
        # On the way through astropy a hundred columns cost more than an image.
        self._rows_type = butler.get_dataset_type("dia_source_detector").overrideStorageClass("ArrowTable")
        self._sources, self._forced = pd.DataFrame(columns=TRUTH_COLUMNS), pd.DataFrame()

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
        if len(rows):
            rows = rows.join(recognise(images, rows))
            rng = np.random.default_rng([self._seed, exposure.visit.id, exposure.detector.id, 1])
            rows["reliability"] = reliability(rows, rng)
            rows["reliabilityVersion"] = self._version.name
            associate(rows, summarize_objects(self._sources))
            before = [self._sources] if len(self._sources) else []
            self._sources = pd.concat([*before, rows], ignore_index=True)
            forced = _measure_objects(images, summarize_objects(self._sources))
            self._forced = pd.concat([self._forced, forced], ignore_index=True)
        table = pa.Table.from_pandas(self._apdb.complete(rows), preserve_index=False)
        self._butler.put(table, self._rows_type, exposure.data_id, run=self.collection)
        return len(rows)

    def finish(self, visits: list[Visit], detectors: list[Detector]) -> DemoPaths:
        """Write the databases, in which objects sum up all visits; return where everything is."""
        objects = summarize_objects(self._sources)
        for visit in visits:
            new = _of(objects, "firstDiaSourceMjdTai", visit.mjd)
            sources, forced = (_of(table, "visit", visit.id) for table in (self._sources, self._forced))
            self._apdb.store(visit.mjd, new, sources, forced)
        self._sources[TRUTH_COLUMNS].to_parquet(self._truth_path, index=False)
        return DemoPaths(
            repo=self._root / "repo",
            apdb=self._apdb.path,
            apdb_config=self._apdb.config_path,
            truth=self._truth_path,
            collection=self.collection,
            instrument=INSTRUMENT,
            visits=tuple(visit.id for visit in visits),
            detectors=tuple(detector.id for detector in detectors),
            n_sources=len(self._sources),
            n_objects=len(objects),
        )


def _of(rows: pd.DataFrame, column: str, value: float) -> pd.DataFrame:
    """Return the rows with a value in a column; there may be neither rows nor columns."""
    return rows if rows.empty else rows[rows[column] == value]


def associate(rows: pd.DataFrame, objects: pd.DataFrame) -> None:
    """Give the DiaSources of one image, which were recognised, the DiaObjects that were known before.

    Known asteroids get ``ssObjectId``, the others ``diaObjectId``. An object bears the number of its first
    source, stays where that source was, and takes the nearest source of each later image that is within 1
    arcsecond.
    """
    is_asteroid = rows["kind"] == "asteroid"
    rows["ssObjectId"] = (_FIRST_SSOBJECT + rows["number"]).astype("Int64").where(is_asteroid)
    rows["diaObjectId"] = rows["diaSourceId"].astype("Int64").where(~is_asteroid)
    free = rows[~is_asteroid]
    if len(free) and len(objects):
        here, there = (SkyCoord(table[["ra", "dec"]].to_numpy(), unit="deg") for table in (free, objects))
        nearest, distance, _ = here.match_to_catalog_sky(there)
        pairs = pd.DataFrame({"row": free.index, "object": nearest, "distance": distance.arcsec})
        pairs = pairs[pairs["distance"] < _RADIUS].sort_values("distance").drop_duplicates("object")
        rows.loc[pairs["row"], "diaObjectId"] = objects["diaObjectId"].to_numpy()[pairs["object"]]


def summarize_objects(sources: pd.DataFrame) -> pd.DataFrame:
    """Return the DiaObjects, summed up over all their sources."""
    if sources.empty:
        return sources
    table = sources.groupby("diaObjectId").agg(
        ra=("ra", "first"),
        dec=("dec", "first"),
        nDiaSources=("visit", "size"),
        validityStartMjdTai=("timeProcessedMjdTai", "first"),
        firstDiaSourceMjdTai=("midpointMjdTai", "first"),
        lastDiaSourceMjdTai=("midpointMjdTai", "last"),
    )
    weights = sources["psfFluxErr"] ** -2.0
    fluxes = sources[["diaObjectId", "band"]].assign(weight=weights, weighted=weights * sources["psfFlux"])
    for band, rows in fluxes.groupby("band"):
        sums = rows.groupby("diaObjectId")
        weight = sums["weight"].sum()
        table[f"{band}_psfFluxMean"] = sums["weighted"].sum() / weight
        table[f"{band}_psfFluxMeanErr"] = weight**-0.5
        table[f"{band}_psfFluxNdata"] = sums.size()
    return table.reset_index()


def _measure_objects(images: Images, objects: pd.DataFrame) -> pd.DataFrame:
    """Return the forced photometry of the objects with a history that are in an image."""
    exposure = images.exposure
    if objects.empty or (known := objects[objects["nDiaSources"] >= _HISTORY]).empty:
        return pd.DataFrame()
    position = exposure.to_pixels(known[["ra", "dec"]]).T
    inside = ((position > 0) & (position < exposure.detector.size - 1)).all(axis=1)
    if not inside.any():
        return pd.DataFrame()
    table = known.loc[inside, ["diaObjectId", "ra", "dec"]].assign(
        diaForcedSourceId=exposure.first_id + np.arange(inside.sum()), **exposure.columns
    )
    for column, image in (("psfFlux", images.difference), ("scienceFlux", images.science)):
        flux, error, *_ = forced_fluxes(image, images.raw.psf, exposure, position[inside])
        table[column], table[f"{column}Err"] = flux, error
    return table
