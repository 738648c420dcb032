"""The fraction of real sources by signal-to-noise ratio and reliability."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

from lsst.analysis.ap.zooniverse.labels._calibration import calibrate, draw_calibration

RNG = np.random.default_rng(8)
RELIABILITY = RNG.uniform(0, 1, 4000)
SNR = RNG.choice([-1, 1], 4000) * RNG.uniform(5, 60, 4000)
IS_REAL = RNG.uniform(0, 1, 4000) < RELIABILITY


def wilson(real, total):
    """Return the interval in which the true fraction is as far away as one sigma allows."""
    z = -norm.ppf(norm.cdf(-1))
    grid = np.linspace(0, 1, 200_001)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(real / total - grid) / np.sqrt(grid * (1 - grid) / total)
    inside = grid[(distance <= z) | (grid == real / total)]
    return inside.min(), inside.max()


def test_counts_are_those_of_a_plain_loop():
    rows = calibrate(IS_REAL, SNR, RELIABILITY).to_pylist()
    for row in rows:
        chosen = [
            real
            for real, snr, reliability in zip(IS_REAL, SNR, RELIABILITY, strict=True)
            if (row["snr_min"] is None or row["snr_min"] <= abs(snr) < row["snr_max"])
            and (
                row["reliability_min"] is None
                or row["reliability_min"] <= reliability < row["reliability_max"]
            )
        ]
        assert (row["sources"], row["real"]) == (len(chosen), sum(chosen))
        assert row["fraction"] == sum(chosen) / len(chosen)
        low, high = wilson(row["real"], row["sources"])
        assert row["fraction_low"] == pytest.approx(low, abs=2e-5)
        assert row["fraction_high"] == pytest.approx(high, abs=2e-5)
    whole = rows[0]
    assert (whole["snr_min"], whole["reliability_min"], whole["sources"]) == (None, None, 4000)
    both = [row for row in rows if row["snr_min"] is not None and row["reliability_min"] is not None]
    assert sum(row["sources"] for row in both) == 4000


@pytest.mark.parametrize("real", [0.0, 1.0])
def test_a_fraction_of_none_or_all_is_in_its_interval(real):
    for number in range(1, 60):
        table = calibrate(np.full(number, real > 0), None, None)
        (row,) = table.to_pylist()
        assert row["fraction_low"] <= row["fraction"] == real <= row["fraction_high"]
        assert row["fraction_high"] - row["fraction_low"] > 0.01


def test_the_ends_of_the_ranges_are_in_them():
    rows = calibrate(np.array([True, False]), np.array([6.0, np.nan]), np.array([1.0, 0.0])).to_pylist()
    found = {(row["snr_min"], row["reliability_min"]): row["sources"] for row in rows}
    assert found == {(None, None): 2, (None, 0.0): 1, (None, 0.9): 1, (6.0, None): 1, (6.0, 0.9): 1}


def test_what_the_catalogue_does_not_have_is_left_out():
    rows = calibrate(IS_REAL, None, None).to_pylist()
    assert [row["sources"] for row in rows] == [4000]
    assert len(calibrate(np.empty(0, bool), None, None)) == 0


@pytest.mark.parametrize("with_columns", [True, False])
def test_it_is_drawn_with_sources_and_without(with_columns):
    table = calibrate(IS_REAL, SNR, RELIABILITY) if with_columns else calibrate(np.empty(0, bool), None, None)
    picture = Image.open(io.BytesIO(draw_calibration(table)))
    assert picture.format == "PNG"
    colors = np.unique(np.array(picture.convert("RGB")).reshape(-1, 3), axis=0)
    coloured = colors[np.ptp(colors.astype(int), axis=1) > 60]
    assert (len(coloured) > 0) == with_columns


def test_the_sources_that_volunteers_called_real_are_counted(project, subjects, people, label):
    for subject, answers in zip(subjects, (["Real"], ["Real"], ["Bogus"], ["Bogus"], []), strict=True):
        for answer in answers:
            project.classify(subject, people[0], answer)
    labels, rows = label()
    assert [rows[i]["label"] for i in range(1, 6)] == ["real", "real", "bogus", "bogus", None]
    found = {
        (row["snr_min"], row["reliability_min"]): (row["sources"], row["real"])
        for row in labels.calibration.to_pylist()
    }
    # S/N is 6 to 10, reliability 0.1 to 0.5.
    assert found[None, None] == (4, 2)
    assert found[6.0, None] == (2, 2)
    assert found[8.0, None] == (2, 0)
    assert found[None, 0.2] == (1, 1)
