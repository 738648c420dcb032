"""DiaObjects: which DiaSources of different visits are the same thing."""

__all__ = ("Association",)

import numpy as np
import pandas as pd
from astropy.coordinates import SkyCoord

from ._images import Images
from ._measure import forced_fluxes

_RADIUS = 1.0
"""Largest distance of a source from its object, arcseconds."""

_HISTORY = 2
"""Least number of sources of an object whose flux is measured in every visit, as in `lsst.ap.association`."""

_FIRST_SSOBJECT = 21_163_611_000_000
"""To this the number of an asteroid in the sky is added."""


class Association:
    """The sources and objects of one run so far, in the order of time, by APDB column."""

    def __init__(self) -> None:
        self.sources = pd.DataFrame()
        self.forced = pd.DataFrame()
        self._objects = pd.DataFrame(
            {"diaObjectId": np.zeros(0, dtype=np.int64), "ra": [], "dec": [], "n": []}
        )

    def add(self, images: Images, rows: pd.DataFrame, truth: pd.DataFrame) -> None:
        """Associate the DiaSources of one image, and measure the DiaObjects in it.

        Known asteroids get ``ssObjectId``, the others ``diaObjectId``. An object bears the number of its
        first source, stays where that source was, and takes the nearest source of each later image that is
        within 1 arcsecond.
        """
        is_asteroid = truth["kind"] == "asteroid"
        rows["ssObjectId"] = (_FIRST_SSOBJECT + truth["number"]).astype("Int64").where(is_asteroid)
        rows["diaObjectId"] = rows["diaSourceId"].astype("Int64").where(~is_asteroid)
        free = rows[~is_asteroid]
        if len(free) and len(self._objects):
            nearest, distance, _ = _coordinates(free).match_to_catalog_sky(_coordinates(self._objects))
            pairs = pd.DataFrame({"row": free.index, "object": nearest, "distance": distance.arcsec})
            pairs = pairs[pairs["distance"] < _RADIUS].sort_values("distance").drop_duplicates("object")
            rows.loc[pairs["row"], "diaObjectId"] = self._objects["diaObjectId"].to_numpy()[pairs["object"]]
            self._objects.loc[pairs["object"], "n"] += 1
        new = rows.loc[rows["diaObjectId"] == rows["diaSourceId"], ["diaObjectId", "ra", "dec"]]
        self._objects = pd.concat(
            [self._objects, new.astype({"diaObjectId": int}).assign(n=1)], ignore_index=True
        )
        self.sources = pd.concat([self.sources, rows], ignore_index=True)
        self.forced = pd.concat([self.forced, self._measure_objects(images)], ignore_index=True)

    def objects(self) -> pd.DataFrame:
        """Return the DiaObjects, summed up over all their sources."""
        if self.sources.empty:
            return self.sources
        known = self.sources.dropna(subset="diaObjectId")
        table = known.groupby("diaObjectId").agg(
            ra=("ra", "first"),
            dec=("dec", "first"),
            nDiaSources=("visit", "size"),
            validityStartMjdTai=("timeProcessedMjdTai", "first"),
            firstDiaSourceMjdTai=("midpointMjdTai", "first"),
            lastDiaSourceMjdTai=("midpointMjdTai", "last"),
        )
        for band, rows in known.groupby("band"):
            good = rows[rows["psfFluxErr"] > 0].assign(weight=lambda row: row["psfFluxErr"] ** -2.0)
            sums = good.assign(flux=good["weight"] * good["psfFlux"]).groupby("diaObjectId")
            weight = sums["weight"].sum()
            table[f"{band}_psfFluxMean"] = sums["flux"].sum() / weight
            table[f"{band}_psfFluxMeanErr"] = weight**-0.5
            table[f"{band}_psfFluxNdata"] = sums.size()
        return table.reset_index()

    def _measure_objects(self, images: Images) -> pd.DataFrame:
        """Measure the objects with a history at their places."""
        exposure = images.exposure
        known = self._objects[self._objects["n"] >= _HISTORY]
        if known.empty:
            return pd.DataFrame()
        position = exposure.to_pixels(known[["ra", "dec"]].to_numpy()).T
        inside = ((position > 0) & (position < exposure.detector.size - 1)).all(axis=1)
        if not inside.any():
            return pd.DataFrame()
        table = known.loc[inside, ["diaObjectId", "ra", "dec"]].assign(
            diaForcedSourceId=exposure.first_id + np.arange(inside.sum()),
            visit=exposure.visit.id,
            detector=exposure.detector.id,
            band=exposure.visit.passband.name,
            midpointMjdTai=exposure.visit.mjd,
            timeProcessedMjdTai=exposure.visit.mjd_begin + 90 / 86400,
        )
        for column, image in (("psfFlux", images.difference), ("scienceFlux", images.science)):
            fits = forced_fluxes(image, images.raw.psf, exposure, position[inside])
            table[column], table[f"{column}Err"] = fits["flux_fit"], fits["flux_err"]
        return table


def _coordinates(table: pd.DataFrame) -> SkyCoord:
    return SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")
