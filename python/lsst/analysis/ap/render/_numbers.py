"""Numbers as text that fits the place it is given."""

__all__ = ("ab_magnitude", "fit_number", "number", "scientific", "truth", "whole_number")

import math
from functools import cache
from typing import Any

import numpy as np


def number(value: Any) -> float | None:
    """Return a catalogue value as a number, `None` where there is none.

    ``value``: what the catalogue holds: a number, `None`, NaN, a masked value. Returns: `None` for everything
    that is not a finite number.
    """
    if type(value) is not float:
        if value is np.ma.masked:
            return None
        try:
            value = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
    return value if math.isfinite(value) else None


def whole_number(value: Any) -> int | None:
    """Return a catalogue value as an integer, `None` where there is none.

    ``value``: what the catalogue holds. Integers keep all their digits. Returns: `None` for everything that
    is not a finite number.
    """
    if type(value) is int:
        return value
    if value is np.ma.masked:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def truth(value: Any) -> bool:
    """Return whether a catalogue value says that a flag is set.

    ``value``: a boolean, 0 or 1, `None`, NaN, a masked value. Returns: nulls of every kind are `False`.
    """
    if value is None or value is False:
        return False
    if value is True:
        return True
    found = number(value)
    return found is not None and found != 0


def fit_number(value: float | None, length: int, decimals: int) -> str:
    """Return a number with as many decimals as have room.

    ``length``: characters that there is room for, sign and point included; at least 6, which every finite
    number fits. Returns: fixed-point where the whole part fits, otherwise in powers of ten without the ``+``
    of the exponent (``1.235e12``). Empty for `None`.
    """
    if value is None or not math.isfinite(value):
        return ""
    text = f"{value:.{decimals}f}"
    if len(text) > length and abs(value) < 10.0**length:
        for fewer in range(decimals - 1, -1, -1):
            text = f"{value:.{fewer}f}"
            if len(text) <= length:
                break
    if len(text) > length:
        for digits in range(length, -1, -1):
            text = scientific(value, digits)
            if len(text) <= length:
                break
    # A value that rounds to nothing has no sign worth showing.
    return text[1:] if text[0] == "-" and not text.strip("-0.") else text


def scientific(value: float, digits: int) -> str:
    """Return a number in powers of ten.

    ``digits``: digits behind the point. Returns: without the ``+`` and the zeros of Python's exponent:
    ``1.235e12``.
    """
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


@cache
def _zero_point() -> float:
    from astropy import units as u

    return float((1.0 * u.nJy).to(u.ABmag).value)


def ab_magnitude(flux: float | None) -> str:
    """Return a flux as an AB magnitude, to three decimals where they fit.

    ``flux``: flux in nJy. Returns: ``"-"`` for a flux that is not positive, empty for `None`. The zero point
    is astropy's ``u.ABmag``.
    """
    if flux is None:
        return ""
    if flux <= 0:
        return "-"
    return fit_number(_zero_point() - 2.5 * math.log10(flux), 6, 3)
