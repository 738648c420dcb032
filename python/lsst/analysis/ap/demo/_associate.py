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
"""Least number of sources of an object whose flux is measured in every visit,
as in `lsst.ap.association`."""


class Association:
    """The sources and objects of one run so far, in the order of time."""

    def __init__(self) -> None:
        self.sources = pd.DataFrame()
        """DiaSources by APDB column."""
        self.forced = pd.DataFrame()
        """DiaForcedSources by APDB column."""
        self._objects = pd.DataFrame(
            {"diaObjectId": np.zeros(0, dtype=np.int64), "ra": [], "dec": [], "n": []}
        )

    def add(self, images: Images, rows: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
        """Associate the sources of one image, and measure the objects in it.

        Known asteroids get ``ssObjectId``, the others ``diaObjectId``. An
        object bears the number of its first source, stays where that source
        was, and takes the nearest source of each later image that is within
        1 arcsecond.
        """
        is_asteroid = truth["kind"] == "asteroid"
        rows["ssObjectId"] = (21_163_611_000_000 + truth["number"]).astype("Int64").where(is_asteroid)
        rows["diaObjectId"] = rows["diaSourceId"].astype("Int64").where(~is_asteroid)
        free = rows[~is_asteroid]
        if len(free) and len(self._objects):
            nearest, distance, _ = _place(free).match_to_catalog_sky(_place(self._objects))
            pairs = pd.DataFrame({"row": free.index, "object": nearest, "distance": distance.arcsec})
            pairs = pairs[pairs["distance"] < _RADIUS].sort_values("distance").drop_duplicates("object")
            rows.loc[pairs["row"], "diaObjectId"] = self._objects["diaObjectId"].to_numpy()[pairs["object"]]
            self._objects.loc[pairs["object"], "n"] += 1
        new = free[rows["diaObjectId"][free.index] == free["diaSourceId"]]
        new = new[["diaSourceId", "ra", "dec"]].rename(columns={"diaSourceId": "diaObjectId"}).assign(n=1)
        self._objects = pd.concat([self._objects, new], ignore_index=True)
        self.sources = pd.concat([self.sources, rows], ignore_index=True)
        self.forced = pd.concat([self.forced, self._measure_objects(images)], ignore_index=True)
        return rows

    def objects(self) -> pd.DataFrame:
        """Return the DiaObjects by APDB column, summed up over all their sources."""
        known = self.sources[self.sources["diaObjectId"].notna()]
        groups = known.groupby("diaObjectId")
        table = groups.agg(
            ra=("ra", "first"),
            dec=("dec", "first"),
            nDiaSources=("visit", "size"),
            validityStartMjdTai=("timeProcessedMjdTai", "first"),
            firstDiaSourceMjdTai=("midpointMjdTai", "first"),
            lastDiaSourceMjdTai=("midpointMjdTai", "last"),
        )
        for band, rows in known.groupby("band"):
            table = table.join(_summary(rows, f"{band}_psfFlux", "psfFlux"))
            table = table.join(_summary(rows, f"{band}_scienceFlux", "scienceFlux"))
        for band, rows in self.forced.groupby("band") if len(self.forced) else ():
            table = table.join(_summary(rows, f"{band}_fpFlux", "psfFlux"))
        return table.reset_index()

    def _measure_objects(self, images: Images) -> pd.DataFrame:
        """Measure the objects with a history at their places."""
        exposure = images.exposure
        known = self._objects[self._objects["n"] >= _HISTORY]
        x, y = exposure.to_pixels(known[["ra", "dec"]].to_numpy())
        inside = (np.minimum(x, y) > 0) & (np.maximum(x, y) < exposure.detector.size - 1)
        known, position = known[inside], np.stack([x, y], axis=1)[inside]
        if known.empty:
            return pd.DataFrame()
        table = known[["diaObjectId", "ra", "dec"]].assign(
            diaForcedSourceId=exposure.first_id + np.arange(len(known)),
            visit=exposure.visit.id,
            detector=exposure.detector.id,
            band=exposure.visit.passband.name,
            midpointMjdTai=exposure.visit.mjd,
            timeProcessedMjdTai=exposure.visit.mjd_begin + 90 / 86400,
        )
        for column, pixels in (("psfFlux", images.difference), ("scienceFlux", images.science)):
            fits = forced_fluxes(pixels, images.psf, exposure, position)
            table[column], table[f"{column}Err"] = fits["flux_fit"], fits["flux_err"]
        return table


def _place(table: pd.DataFrame) -> SkyCoord:
    return SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")


def _summary(rows: pd.DataFrame, name: str, column: str) -> pd.DataFrame:
    """Return the statistics of a flux for each object, weighted by the errors."""
    good = rows[rows[column].notna() & rows[f"{column}Err"].notna()]
    weight = good[f"{column}Err"] ** -2.0
    parts = pd.DataFrame({"weight": weight, "sum": weight * good[column]}).groupby(good["diaObjectId"]).sum()
    groups = good.groupby("diaObjectId")[column]
    return pd.DataFrame(
        {
            f"{name}Mean": parts["sum"] / parts["weight"],
            f"{name}MeanErr": parts["weight"] ** -0.5,
            f"{name}Sigma": groups.std(),
            f"{name}Min": groups.min(),
            f"{name}Max": groups.max(),
            f"{name}Ndata": groups.size(),
        }
    )
