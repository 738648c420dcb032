"""Alerts of the Zwicky Transient Facility in the terms of the APDB."""

__all__ = ("ztf_row",)

import math
from collections.abc import Mapping
from typing import Any, Final

_BANDS: Final = {1: "g", 2: "r", 3: "i"}
_AB_ZERO_POINT: Final = 31.4
"""Magnitude of one nanojansky."""
_MJD_EPOCH: Final = 2400000.5
_TAI_MINUS_UTC: Final = 37.0 / 86400.0
"""Days; constant since 2017-01-01, before the first alert."""


def ztf_row(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an alert of ZTF.

    Parameters
    ----------
    alert : `~collections.abc.Mapping`
        The packet, of schema 3 or 4.

    Returns
    -------
    row : `dict` [`str`, `typing.Any`]
        The candidate by the APDB's names, as far as it has the like: the
        image's ``pid`` is the visit, its readout channel the detector, and
        the reliability is ``drb``, or ``rb`` where there is none. Fluxes are
        those of the difference in nanojansky, negative where the reference
        is brighter.
    """
    candidate = alert["candidate"]
    negative = str(candidate.get("isdiffpos")).lower() in ("f", "0", "false")
    psf_flux, psf_error = _flux(candidate.get("magpsf"), candidate.get("sigmapsf"), negative)
    ap_flux, ap_error = _flux(candidate.get("magap"), candidate.get("sigmagap"), negative)
    reliability = candidate.get("drb")
    exposure = candidate.get("exptime") or 30.0
    return {
        "instrument": "ZTF",
        "diaSourceId": int(alert.get("candid") or candidate["candid"]),
        "ztfObjectId": alert.get("objectId"),
        "visit": candidate.get("pid"),
        "detector": candidate.get("rcid"),
        "band": _BANDS.get(candidate.get("fid", 0)),
        "ra": candidate.get("ra"),
        "dec": candidate.get("dec"),
        "x": candidate.get("xpos"),
        "y": candidate.get("ypos"),
        "midpointMjdTai": candidate["jd"] - _MJD_EPOCH + _TAI_MINUS_UTC + exposure / 2 / 86400.0,
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
    flux = 10.0 ** ((_AB_ZERO_POINT - magnitude) / 2.5)
    scale = None if error is None else flux * error * math.log(10.0) / 2.5
    return -flux if negative else flux, scale
