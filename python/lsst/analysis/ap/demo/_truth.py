"""What each DiaSource really is, and the score that a classifier would give it."""

__all__ = ("TRUTH_COLUMNS", "recognise", "reliability")

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ._images import Images

TRUTH_COLUMNS = ["diaSourceId", "kind", "isReal", "trueFlux", "number"]


def recognise(images: Images, rows: pd.DataFrame) -> pd.DataFrame:
    """Tell what each DiaSource is, by `TRUTH_COLUMNS`, which `DemoPaths.truth` explains."""
    pixels = rows[["x", "y"]].to_numpy() - images.exposure.detector.start
    column, row = np.rint(pixels).astype(int).clip(0, images.exposure.detector.size - 1).T
    kinds = {
        "cosmic ray": ndimage.maximum_filter(images.raw.mask["COSMIC_RAY"], 5)[row, column],
        "satellite": rows["pixelFlags_streakCenter"],
        "bright star": rows["pixelFlags_saturated"],
        "defect": rows["pixelFlags_bad"],
        "dipole": rows["isDipole"],
    }
    kind = np.select(list(kinds.values()), list(kinds), "residual")
    table = rows[["diaSourceId"]].assign(kind=kind, isReal=False, trueFlux=0.0, number=-1)
    truth = images.raw.truth.rename(columns={"flux": "trueFlux"})
    if len(truth):
        apart = np.hypot(*(pixels.T[:, :, None] - truth[["x", "y"]].to_numpy().T[:, None, :]))
        is_seen = np.abs(truth["trueFlux"].to_numpy()) > 2 * rows["psfFluxErr"].to_numpy()[:, None]
        apart[~is_seen | (apart > 3 + 0.5 * truth["reach"].to_numpy())] = np.inf
        table["isReal"] = np.isfinite(apart.min(axis=1))
        cause = truth.iloc[apart.argmin(axis=1)].set_index(rows.index)
        table.update(cause.loc[table["isReal"], ["kind", "trueFlux", "number"]])
    return table


def reliability(
    rows: pd.DataFrame, is_real: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw scores between 0 and 1: mostly high for what is really there.

    The logistic function of a score that grows with the signal-to-noise ratio
    of a real source and falls with each thing that is wrong with it.
    """
    real = rng.normal(1.0, 1.3, len(rows)) + 1.1 * np.log(rows["snr"] / 6)
    score = np.where(is_real, real, rng.normal(-2.4, 1.5, len(rows)))
    score -= 2.0 * rows["isDipole"]
    score -= 1.5 * (rows["pixelFlags_saturated"] | rows["pixelFlags_suspect"])
    score -= 1.0 * (rows["pixelFlags_edge"] | rows["pixelFlags_cr"])
    return np.asarray(1 / (1 + np.exp(-score.clip(-7, 7))))
