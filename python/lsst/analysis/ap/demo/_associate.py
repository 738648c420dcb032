"""DiaObjects: which DiaSources of different visits are the same thing."""

__all__ = ("associate", "mark_moving")

from typing import Any

import numpy as np

from ._scene import Events

type Row = dict[str, Any]

_RADIUS = 1.0
"""Largest distance of a source from its object, arcseconds."""


def mark_moving(rows: list[Row], events: Events, x_start: int, y_start: int) -> None:
    """Give the sources that are known asteroids their Solar System object.

    Parameters
    ----------
    rows : `list` [`dict`]
        DiaSources of one detector in one visit; gets ``ssObjectId``.
    events : `Events`
        The truth about that detector.
    x_start, y_start : `int`
        First pixel of the detector, PARENT pixels.
    """
    moving = np.flatnonzero(events.is_mover)
    for row in rows:
        if moving.size == 0 or row["isDipole"]:
            continue
        distance = np.hypot(events.x[moving] + x_start - row["x"], events.y[moving] + y_start - row["y"])
        if distance.min() < 3 and 0.2 < row["psfFlux"] / events.flux[moving[distance.argmin()]] < 1.5:
            row["ssObjectId"] = row["diaSourceId"] >> 3


def associate(rows: list[Row]) -> list[Row]:
    """Gather DiaSources into DiaObjects by their positions.

    Parameters
    ----------
    rows : `list` [`dict`]
        All DiaSources in the order of time; those without ``ssObjectId``
        get ``diaObjectId``.

    Returns
    -------
    objects : `list` [`dict`]
        One DiaObject each, by APDB column. An object bears the number of its
        first source, stays where that source was, and takes the nearest
        source of each later visit that is within 1 arcsecond.
    """
    objects: dict[int, list[Row]] = {}
    for row in rows:
        if row.get("ssObjectId") is not None:
            continue
        identifier = _nearest(objects, row)
        row["diaObjectId"] = identifier
        objects.setdefault(identifier, []).append(row)
    return [_summary(identifier, sources) for identifier, sources in objects.items()]


def _nearest(objects: dict[int, list[Row]], row: Row) -> int:
    """Return the object that a source belongs to, its own number if none."""
    candidates = [key for key, sources in objects.items() if sources[-1]["visit"] != row["visit"]]
    if not candidates:
        return int(row["diaSourceId"])
    ra, dec = np.array([[objects[key][0]["ra"], objects[key][0]["dec"]] for key in candidates]).T
    distance = 3600 * np.hypot((ra - row["ra"]) * np.cos(np.radians(row["dec"])), dec - row["dec"])
    closest = int(np.argmin(distance))
    return candidates[closest] if distance[closest] < _RADIUS else int(row["diaSourceId"])


def _summary(identifier: int, sources: list[Row]) -> Row:
    """Describe an object by its sources."""
    summary: Row = {
        "diaObjectId": identifier,
        "ra": sources[0]["ra"],
        "dec": sources[0]["dec"],
        "nDiaSources": len(sources),
        "validityStartMjdTai": sources[0]["timeProcessedMjdTai"],
        "firstDiaSourceMjdTai": sources[0]["midpointMjdTai"],
        "lastDiaSourceMjdTai": sources[-1]["midpointMjdTai"],
    }
    for band in {source["band"] for source in sources}:
        flux = np.array([source["psfFlux"] for source in sources if source["band"] == band])
        error = np.array([source["psfFluxErr"] for source in sources if source["band"] == band])
        good = np.isfinite(flux) & np.isfinite(error)
        if good.any():
            weight = error[good] ** -2.0
            summary[f"{band}_psfFluxMean"] = float((flux[good] * weight).sum() / weight.sum())
            summary[f"{band}_psfFluxMeanErr"] = float(weight.sum() ** -0.5)
        summary[f"{band}_psfFluxNdata"] = int(good.sum())
    return summary
