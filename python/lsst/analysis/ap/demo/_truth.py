"""What each DiaSource really is, and the score that a classifier would give it."""

__all__ = ("recognise", "reliability")

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ._images import Images


def recognise(images: Images, rows: pd.DataFrame) -> pd.DataFrame:
    """Tell what each DiaSource is.

    The columns are ``diaSourceId``, ``kind`` in words, ``isReal``,
    ``trueFlux`` (nJy, in excess of the template) and ``number``, that of the
    source in the sky or -1.
    """
    kinds = pd.DataFrame(
        {
            "diaSourceId": rows["diaSourceId"],
            "kind": "residual",
            "isReal": False,
            "trueFlux": 0.0,
            "number": -1,
        }
    )
    pixels = rows[["x", "y"]].to_numpy() - images.exposure.detector.start
    column, row = np.rint(pixels).astype(int).clip(0, images.exposure.detector.size - 1).T
    struck = ndimage.maximum_filter(images.raw.mask["COSMIC_RAY"], 5)[row, column]
    for kind, which in (
        ("dipole", rows["isDipole"]),
        ("defect", rows["pixelFlags_bad"]),
        ("bright star", rows["pixelFlags_saturated"]),
        ("satellite", rows["pixelFlags_streakCenter"]),
        ("cosmic ray", struck),
    ):
        kinds.loc[which, "kind"] = kind
    truth = images.raw.truth
    if truth.empty or rows.empty:
        return kinds
    distance = np.hypot(*(pixels[:, :, None] - truth[["x", "y"]].to_numpy().T).transpose(1, 0, 2))
    is_seen = np.abs(truth["flux"].to_numpy()) > 2 * rows["psfFluxErr"].to_numpy()[:, None]
    distance[~is_seen | (distance > 3 + truth["reach"].to_numpy())] = np.inf
    is_real = np.isfinite(distance.min(axis=1))
    cause = truth.iloc[distance.argmin(axis=1)[is_real]]
    kinds.loc[is_real, ["kind", "trueFlux", "number"]] = cause[["kind", "flux", "number"]].to_numpy()
    kinds["isReal"] = is_real
    return kinds.astype({"trueFlux": float, "number": int})


def reliability(
    rows: pd.DataFrame, is_real: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw scores between 0 and 1: mostly high for what is really there.

    The logistic function of a score that grows with the signal-to-noise ratio
    of a real source and falls with each thing that is wrong with it.
    """
    good = rng.normal(1.6, 1.0, len(rows)) + 1.1 * np.log(rows["snr"] / 6)
    score = np.where(is_real, good, rng.normal(-3.0, 1.2, len(rows)))
    score -= 2.0 * rows["isDipole"]
    score -= 1.5 * (rows["pixelFlags_saturated"] | rows["pixelFlags_suspect"])
    score -= 1.0 * (rows["pixelFlags_edge"] | rows["pixelFlags_cr"])
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -7, 7))))
