"""Alerts of each survey in the terms of the APDB."""

__all__ = ("survey_row",)

import math
from collections.abc import Mapping
from typing import Any, Final

from ..domain import CutoutsError
from ._avro_schema import AvroSchema

_BANDS: Final = {1: "g", 2: "r", 3: "i"}
_AB_ZERO_POINT: Final = 31.4
"""Magnitude of one nanojansky."""
_MJD_EPOCH: Final = 2400000.5
_TAI_MINUS_UTC: Final = 37.0 / 86400.0
"""Days; constant since 2017-01-01, before the first alert."""

_ZTF_FIELDS: Final = frozenset({"jd", "pid", "rcid", "ra", "dec"})
"""Fields of a candidate of ZTF; others have images and readout channels by other names."""

_IDENTIFIERS: Final = ("diaSourceId", "candid", "sourceId", "alertId", "candidateId", "objectId")


def survey_row(schema: AvroSchema, alert: Mapping[str, Any], instrument: str) -> dict[str, Any]:
    """Return the columns of an alert.

    ``schema``: its schema, by whose name the survey is known. ``instrument``: instrument of Rubin's alerts.
    Returns: the source that it is about: of Rubin as it is, of ZTF by the APDB's names; of another survey its
    simple values, with whatever names one. Raises `CutoutsError` when it says no identifier or no position.
    """
    source = alert.get("diaSource")
    if isinstance(source, Mapping):
        return {"instrument": instrument, **source}
    # Files that were cut out of ZTF's without care have the name only.
    is_like_ztf = schema.fields.get("candidate", frozenset()) >= _ZTF_FIELDS
    if schema.name.startswith("ztf.") or (is_like_ztf and "." not in schema.name):
        return _ztf_row(alert)
    return _any_row(alert)


def _any_row(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an alert of a survey that nobody knows here."""
    records = [value for value in alert.values() if isinstance(value, Mapping)]
    records = [alert, *(record for record in records if "stampData" not in record)]
    sources = [record for record in records if {"ra", "dec"} <= record.keys()]
    if not sources:
        raise CutoutsError("it has no diaSource, nor any record with ra and dec")
    identifiers = (record.get(name) for name in _IDENTIFIERS for record in records)
    identifier = next((value for value in identifiers if isinstance(value, int)), None)
    if identifier is None:
        raise CutoutsError(f"it has no identifier that is a whole number: none of {', '.join(_IDENTIFIERS)}")
    values = {name: value for name, value in sources[0].items() if isinstance(value, str | int | float)}
    return {**values, "diaSourceId": identifier, "ra": sources[0]["ra"], "dec": sources[0]["dec"]}


def _ztf_row(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an alert of ZTF, of schema 3 or 4.

    The image's ``pid`` is the visit, its readout channel the detector, and the reliability is ``drb``, or
    ``rb`` where there is none. Fluxes are those of the difference in nanojansky, negative where the reference
    is brighter; there, as ``isNegative`` says, the difference stamp comes multiplied by -1.
    """
    candidate = alert.get("candidate")
    if not isinstance(candidate, Mapping):
        raise CutoutsError("it has no candidate")
    negative = str(candidate.get("isdiffpos")).lower() in ("f", "0", "false")
    psf_flux, psf_error = _flux(candidate.get("magpsf"), candidate.get("sigmapsf"), negative)
    ap_flux, ap_error = _flux(candidate.get("magap"), candidate.get("sigmagap"), negative)
    reliability = candidate.get("drb")
    exposure = candidate.get("exptime") or 30.0
    began = candidate.get("jd")
    return {
        "instrument": "ZTF",
        "diaSourceId": alert.get("candid") or candidate.get("candid"),
        "ztfObjectId": alert.get("objectId"),
        "visit": candidate.get("pid"),
        "detector": candidate.get("rcid"),
        "band": _BANDS.get(candidate.get("fid", 0)),
        "ra": candidate.get("ra"),
        "dec": candidate.get("dec"),
        "x": candidate.get("xpos"),
        "y": candidate.get("ypos"),
        "midpointMjdTai": None
        if began is None
        else began - _MJD_EPOCH + _TAI_MINUS_UTC + exposure / 2 / 86400.0,
        "snr": candidate.get("scorr"),
        "reliability": candidate.get("rb") if reliability is None else reliability,
        "psfFlux": psf_flux,
        "psfFluxErr": psf_error,
        "apFlux": ap_flux,
        "apFluxErr": ap_error,
        "isNegative": negative,
    }


def _flux(magnitude: float | None, error: float | None, negative: bool) -> tuple[float | None, float | None]:
    """Return a flux and its error in nanojansky."""
    if magnitude is None or not math.isfinite(magnitude):
        return None, None
    try:
        flux = 10.0 ** ((_AB_ZERO_POINT - magnitude) / 2.5)
    except OverflowError:  # a magnitude of -1000 is none
        return None, None
    scale = None if error is None else flux * error * math.log(10.0) / 2.5
    return -flux if negative else flux, scale
