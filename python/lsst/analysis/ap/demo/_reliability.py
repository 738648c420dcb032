"""The score that a classifier would give a DiaSource."""

__all__ = ("reliability",)

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._scene import Events


def reliability(
    events: Events, row: Mapping[str, Any], x: float, y: float, rng: np.random.Generator
) -> float:
    """Draw a score between 0 and 1: mostly high for what is really there.

    Parameters
    ----------
    events : `Events`
        The truth about the detector.
    row : `~collections.abc.Mapping`
        The measurements of the source, by APDB column.
    x, y : `float`
        Its position, pixels from the first pixel.
    rng : `numpy.random.Generator`
        Gives the scatter.

    Returns
    -------
    reliability : `float`
        The logistic function of a score that grows with the signal-to-noise
        ratio of a real source and falls with each thing that is wrong with
        it.
    """
    near = np.hypot(events.x - x, events.y - y) < np.where(events.is_mover, 8.0, 3.0)
    is_real = bool((near & (np.abs(events.flux) > 2 * row["psfFluxErr"])).any())
    score = rng.normal(1.6, 1.0) + 1.1 * np.log(row["snr"] / 6) if is_real else rng.normal(-3.0, 1.2)
    score -= 2.0 * row["isDipole"]
    score -= 1.5 * (row["pixelFlags_saturated"] or row["pixelFlags_suspect"])
    score -= 1.0 * (row["pixelFlags_edge"] or row["pixelFlags_cr"])
    return float(1 / (1 + np.exp(-np.clip(score, -7, 7))))
