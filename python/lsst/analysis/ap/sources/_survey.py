"""What there is in a selection of sources, and what is wrong with it."""

__all__ = ("SURVEY_COLUMNS", "Survey", "survey")

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..domain import DetectorVisit
from ._reasons import REASON, reasons_of

SURVEY_COLUMNS: Final = ("diaSourceId", "ra", "dec", "visit", "detector", "band", "reliability", "instrument")
"""Columns that `survey` looks at, as far as they are there."""

RELIABILITY_BINS: Final = 10


@dataclass(slots=True)
class Survey:
    """Numbers of a selection of sources."""

    count: int = 0
    """How many rows there are."""
    bands: Counter[str | None] = field(default_factory=Counter)
    """How many there are of each band."""
    reliabilities: Counter[int] = field(default_factory=Counter)
    """How many there are in each tenth of the reliability, 0 to 9."""
    instruments: Counter[str | None] = field(default_factory=Counter)
    """How many there are of each instrument; `None` where no column says."""
    detectors: set[tuple[str | None, int, int]] = field(default_factory=set)
    """Instrument, visit and detector of every image that they are on."""
    without_image: int = 0
    """How many have no visit or no detector."""
    without_position: int = 0
    """How many have no position: null, NaN or off the sky."""
    within_radians: bool = True
    """Whether every position could be one in radians."""
    repeated: int = 0
    """How many rows repeat the ``diaSourceId`` of another."""
    unreadable: int = 0
    """How many rows can have no picture, for what stands in them."""
    reason: str = ""
    """What is wrong with the first of these."""
    example: tuple[DetectorVisit, float, float] | None = None
    """Where one of them is: its images, right ascension and declination."""


def survey(tables: Iterable[pa.Table]) -> Survey:
    """Count the sources of a selection.

    Parameters
    ----------
    tables : iterable of `pyarrow.Table`
        The sources; memory holds eight bytes of each.

    Returns
    -------
    survey : `Survey`
        Their numbers.
    """
    result = Survey()
    ids: list[NDArray[np.int64]] = []
    for table in tables:
        result.count += len(table)
        ids.append(np.asarray(table.column("diaSourceId").to_numpy()))
        _count_values(table, result)
        _count_positions(table, result)
        if REASON in table.column_names:
            reasons = reasons_of(table)
            result.unreadable += len(reasons)
            result.reason = result.reason or "; ".join(next(iter(reasons.values()), []))
    result.repeated = result.count - len(np.unique(np.concatenate(ids))) if ids else 0
    result.within_radians = result.within_radians and result.count > result.without_position
    return result


def _count_values(table: pa.Table, result: Survey) -> None:
    names = table.column_names
    for name, counter in (("band", result.bands), ("instrument", result.instruments)):
        values = table.column(name).cast(pa.string()) if name in names else pa.nulls(len(table), pa.string())
        counter.update({entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()})
    if "reliability" in names:
        scores = np.asarray(table.column("reliability").cast(pa.float64()).to_numpy())
        known = scores[np.isfinite(scores)]
        bins = np.clip((known * RELIABILITY_BINS).astype(np.int64), 0, RELIABILITY_BINS - 1)
        result.reliabilities.update(dict(enumerate(np.bincount(bins).tolist())))


def _count_positions(table: pa.Table, result: Survey) -> None:
    ra, dec = (np.asarray(table.column(n).cast(pa.float64()).to_numpy()) for n in ("ra", "dec"))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    result.without_position += int(len(table) - good.sum())
    result.within_radians &= bool(np.all((np.abs(ra[good]) <= 2 * np.pi) & (np.abs(dec[good]) <= np.pi / 2)))
    keys = [name for name in ("instrument", "visit", "detector") if name in table.column_names]
    groups = table.select(keys).group_by(keys).aggregate([([], "count_all")])
    for row in groups.to_pylist():
        if row["visit"] is None or row["detector"] is None:
            result.without_image += row["count_all"]
        else:
            result.detectors.add((row.get("instrument"), int(row["visit"]), int(row["detector"])))
    if result.example is None:
        there = pc.field("visit").is_valid() & pc.field("detector").is_valid()
        for row in table.filter(pa.array(good)).filter(there).slice(0, 1).to_pylist():
            data_id = DetectorVisit(row.get("instrument") or "", int(row["visit"]), int(row["detector"]))
            result.example = data_id, float(row["ra"]), float(row["dec"])
