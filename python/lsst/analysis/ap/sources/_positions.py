"""Positions without sources: which images show them, and how each showing is called."""

__all__ = ("POSITION", "TIME_RANGE", "Exposure", "FindExposures", "place_positions")

import hashlib
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import DetectorVisit
from ._arrays import reals
from ._reasons import REASON

POSITION: Final = "positionId"
"""Column that tells positions apart."""

TIME_RANGE: Final = ("timeMin", "timeMax")
"""Columns that say when a position is of interest."""

_KEYS: Final = ("instrument", "visit", "detector")
_FIRST: Final = 2**61
_BITS: Final = 60


class Exposure(Protocol):
    """An image that covers a position."""

    @property
    def data_id(self) -> DetectorVisit:
        """Whose image it is."""

    @property
    def band(self) -> str | None:
        """The visit's band."""

    @property
    def mjd(self) -> float | None:
        """Middle of the exposure, MJD TAI."""


type FindExposures = Callable[[NDArray[np.float64], NDArray[np.float64]], Sequence[Sequence[Exposure]]]
"""Returns the images that cover each of some positions, given right ascension and declination in degrees."""


def _why_none(ra: float, dec: float, exposures: Sequence[Exposure]) -> str:
    """Return why a position is on no image that its row allows."""
    if not math.isfinite(ra + dec):
        return f"has no position: ra = {ra}, dec = {dec}"
    if exposures:
        return "the images that cover it are of other visits, detectors, bands or times than its row asks for"
    return "no image of the repository covers it"


def place_positions(table: pa.Table, find: FindExposures | None) -> pa.Table:
    """Give positions the images that show them, and each showing an identifier.

    ``table``: rows with ``ra`` and ``dec``, and perhaps ``visit``, ``detector`` and ``band``, and the range
    of time in ``timeMin`` and ``timeMax``, MJD TAI; all else is what a position is to be known by. ``find``:
    finds the images; without it rows need a visit and a detector. Returns: a row for each image that shows a
    position, with a `REASON` where none does. ``positionId`` and ``diaSourceId`` are made of the position,
    and of the position and the data ID, so that they are always the same. They are negative, as no identifier
    of Rubin is, and below those that stand for the number of a row.
    """
    ra, dec = reals(table, "ra"), reals(table, "dec")
    rows = table.to_pylist()
    given = [row.get("visit") is not None and row.get("detector") is not None for row in rows]
    found: Sequence[Sequence[Exposure]] = [()] * len(rows)
    if find is not None and not all(given):
        found = find(ra, dec)
    places: list[int] = []
    showings: list[dict[str, Any]] = []
    for place, (row, exposures) in enumerate(zip(rows, found, strict=True)):
        position = _identifier(ra[place], dec[place], "")
        if given[place]:
            several = [{name: row.get(name) for name in _KEYS}]
        else:
            several = [_showing(exposure) for exposure in exposures if _is_wanted(exposure, row)]
        reason = row.get(REASON) or _why_none(float(ra[place]), float(dec[place]), exposures)
        for showing in several or [{REASON: reason}]:
            where = "/".join(str(showing.get(name)) for name in _KEYS)
            identifier = _identifier(ra[place], dec[place], where)
            showings.append({POSITION: position, "diaSourceId": identifier, **showing})
            places.append(place)
    return _with_columns(table.take(pa.array(places, pa.int64())), showings)


def _with_columns(table: pa.Table, showings: Sequence[dict[str, Any]]) -> pa.Table:
    kinds = {
        **dict.fromkeys((POSITION, "diaSourceId", "visit", "detector"), pa.int64()),
        **dict.fromkeys(("instrument", "band"), pa.string()),
        "midpointMjdTai": pa.float64(),
        REASON: pa.string(),
    }
    for name, kind in kinds.items():
        old: Sequence[Any] = [None] * len(table)
        if (place := table.schema.get_field_index(name)) >= 0:
            old = table.column(place).to_pylist()
            table = table.remove_column(place)
        values = [new.get(name, value) for new, value in zip(showings, old, strict=True)]
        if any(value is not None for value in values) or name not in (REASON, "instrument"):
            table = table.append_column(name, pa.array(values, kind))
    return table


def _showing(exposure: Exposure) -> dict[str, Any]:
    data_id = exposure.data_id
    return {
        "instrument": data_id.instrument,
        "visit": data_id.visit,
        "detector": data_id.detector,
        "band": exposure.band,
        "midpointMjdTai": exposure.mjd,
    }


def _is_wanted(exposure: Exposure, row: dict[str, Any]) -> bool:
    """Whether what a row says of the image is true of it."""
    showing = _showing(exposure)
    if any(row.get(name) not in (None, showing[name]) for name in (*_KEYS, "band")):
        return False
    first, last = (row.get(name) for name in TIME_RANGE)
    mjd = math.nan if exposure.mjd is None else exposure.mjd  # NaN is in no range
    return (first is None or first <= mjd) and (last is None or mjd <= last)


def _identifier(ra: float, dec: float, where: str) -> int:
    content = struct.pack("<dd", ra, dec) + where.encode()
    number = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
    return -(_FIRST + (number >> (64 - _BITS)))
