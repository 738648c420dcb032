"""DiaObjects: which DiaSources of different visits are the same thing."""

__all__ = ("associate", "measure_objects", "summarize_objects")

import numpy as np
import pandas as pd
from astropy.coordinates import SkyCoord

from ._images import Images
from ._measure import forced_fluxes

_RADIUS = 1.0  # arcseconds, of a source from its object
_HISTORY = 2  # sources of an object whose flux is measured in every visit, as in lsst.ap.association
_FIRST_SSOBJECT = 21_163_611_000_000  # the number of an asteroid in the sky is added


def associate(rows: pd.DataFrame, truth: pd.DataFrame, objects: pd.DataFrame) -> None:
    """Give the DiaSources of one image the DiaObjects that were known before.

    Known asteroids get ``ssObjectId``, the others ``diaObjectId``. An object bears the number of its first
    source, stays where that source was, and takes the nearest source of each later image that is within 1
    arcsecond.
    """
    is_asteroid = truth["kind"] == "asteroid"
    rows["ssObjectId"] = (_FIRST_SSOBJECT + truth["number"]).astype("Int64").where(is_asteroid)
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
    for band, rows in sources.groupby("band"):
        fluxes = rows.assign(weight=rows["psfFluxErr"] ** -2.0)
        fluxes["weighted"] = fluxes["weight"] * fluxes["psfFlux"]
        sums = fluxes.groupby("diaObjectId")[["weight", "weighted"]].sum()
        table[f"{band}_psfFluxMean"] = sums["weighted"] / sums["weight"]
        table[f"{band}_psfFluxMeanErr"] = sums["weight"] ** -0.5
        table[f"{band}_psfFluxNdata"] = rows.groupby("diaObjectId").size()
    return table.reset_index()


def measure_objects(images: Images, objects: pd.DataFrame) -> pd.DataFrame:
    """Return the forced photometry of the objects with a history that are in an image."""
    exposure = images.exposure
    if objects.empty or not (known := objects[objects["nDiaSources"] >= _HISTORY]).size:
        return pd.DataFrame()
    position = exposure.to_pixels(known[["ra", "dec"]]).T
    inside = ((position > 0) & (position < exposure.detector.size - 1)).all(axis=1)
    if not inside.any():
        return pd.DataFrame()
    table = known.loc[inside, ["diaObjectId", "ra", "dec"]].assign(
        diaForcedSourceId=exposure.first_id + np.arange(inside.sum()),
        visit=exposure.visit.id,
        detector=exposure.detector.id,
        band=exposure.visit.passband.name,
        midpointMjdTai=exposure.visit.mjd,
        timeProcessedMjdTai=exposure.visit.mjd + 75 / 86400,
    )
    for column, image in (("psfFlux", images.difference), ("scienceFlux", images.science)):
        flux, error, *_ = forced_fluxes(image, images.raw.psf, exposure, position[inside])
        table[column], table[f"{column}Err"] = flux, error
    return table
