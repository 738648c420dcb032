import math

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.ap.render._fonts import number_width, text_size
from lsst.analysis.ap.render._numbers import ab_magnitude, fit_number, number, truth, whole_number


@given(st.floats(-1e300, 1e300), st.integers(6, 12), st.integers(0, 8))
def test_numbers_fit_their_place_and_mean_what_they_say(value, length, decimals):
    text = fit_number(value, length, decimals)
    assert 0 < len(text) <= length
    for scale in (1.0, 1.5, 3.0):
        assert number_width(text, bold=False, size=text_size(scale)) <= length * 8 * scale
    full = f"{value:.{decimals}f}"
    if len(full) <= length:
        assert float(text) == float(full)
    else:
        assert float(text) == pytest.approx(value, rel=0.5, abs=0.5)


@pytest.mark.parametrize(
    ("value", "length", "decimals", "text"),
    [
        (12.34, 10, 1, "12.3"),
        (-5331.5, 10, 1, "-5331.5"),
        (-1.234567e12, 10, 1, "-1.2346e12"),
        (33330000.4, 10, 1, "33330000.4"),
        (-33330000.4, 10, 1, "-33330000"),
        (-0.04, 10, 1, "0.0"),
        (99999.96, 6, 2, "100000"),
        (1e-300, 6, 2, "0.00"),
        (None, 10, 1, ""),
        (math.nan, 10, 1, ""),
    ],
)
def test_numbers_lose_decimals_before_they_turn_to_powers_of_ten(value, length, decimals, text):
    assert fit_number(value, length, decimals) == text


@pytest.mark.parametrize("null", [None, math.nan, np.ma.masked, pd.NA, "", "x", np.float32("nan"), math.inf])
def test_nulls_of_every_kind_are_no_number(null):
    assert number(null) is None
    assert whole_number(null) is None
    assert truth(null) is False


def test_whole_numbers_keep_all_their_digits():
    assert whole_number(np.int64(2**62 + 1)) == 2**62 + 1
    assert whole_number(12.0) == 12


@pytest.mark.parametrize("value", [True, 1, np.bool_(True), 1.0, np.uint8(1)])
def test_flags_may_be_stored_as_numbers(value):
    assert truth(value) is True
    assert truth(type(value)(0)) is False


@pytest.mark.parametrize("flux", [1e-3, 1.0, 19575.3, 3.3e7])
def test_magnitudes_are_those_of_astropy(flux):
    assert float(ab_magnitude(flux)) == pytest.approx((flux * u.nJy).to_value(u.ABmag), abs=6e-4)


@pytest.mark.parametrize(("flux", "text"), [(0.0, "-"), (-20.0, "-"), (None, "")])
def test_flux_that_is_not_positive_has_no_magnitude(flux, text):
    assert ab_magnitude(flux) == text
