import warnings
from dataclasses import replace

import numpy as np
import pytest
from astropy import visualization

from lsst.analysis.ap.domain import Triplet
from lsst.analysis.ap.render import PictureStyle
from lsst.analysis.ap.render._limits import panel_limits
from lsst.analysis.ap.render._pixels import Limits, interval_limits, levels, unstretched, zscale


def stamps(count: int, dtype: type) -> list[np.ndarray]:
    """Return noise, sources, outliers, steps and steps of three values."""
    rng = np.random.default_rng(7)
    found = []
    for n in range(count):
        size = int(rng.choice([2, 3, 5, 15, 30, 51, 60]))
        array = rng.normal(size=(size, size)) * 10.0 ** rng.uniform(-3, 6)
        match n % 6:
            case 1:
                array += rng.exponential(size=array.shape) ** 3 * 10
            case 2:
                array = np.round(array)
            case 3:
                array = np.round(rng.normal(size=array.shape) * 3)
            case 4:
                array[: size // 3] += 1e4 * np.abs(array).max()
            case 5:
                array = rng.integers(0, 3, array.shape).astype(float)
        found.append(array.astype(dtype))
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zscale_is_that_of_astropy(dtype):
    oracle = visualization.ZScaleInterval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.RankWarning)
        for array in stamps(300, dtype):
            rounding = 1e-13 * (float(np.ptp(array)) or 1.0)
            np.testing.assert_allclose(zscale(array.ravel()), oracle.get_limits(array), 0, rounding)


@pytest.mark.parametrize(
    ("interval", "oracle"),
    [
        ("minmax", visualization.MinMaxInterval()),
        ("percentile", visualization.PercentileInterval(90)),
        ("zscale", visualization.ZScaleInterval()),
    ],
)
def test_limits_are_those_of_astropy_and_ignore_what_is_not_finite(interval, oracle):
    for n, array in enumerate(stamps(60, np.float32)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.RankWarning)
            expected = tuple(float(v) for v in oracle.get_limits(array))
        if not expected[0] < expected[1]:
            continue
        holed = np.vstack([array[:1] * np.nan, array, array[:1] * np.inf, array[:1] * -np.inf])
        for pixels in (array, holed):
            found = interval_limits(pixels, interval, 90.0)
            assert found == pytest.approx(expected, rel=1e-12), n


@pytest.mark.parametrize("value", [0.0, 5.0, -1e30, 3e38, np.nan, np.inf])
@pytest.mark.parametrize("interval", ["minmax", "percentile", "zscale"])
def test_limits_always_leave_room(value, interval):
    found = interval_limits(np.full((9, 9), value, dtype=np.float32), interval, 99.0)
    assert found.low < found.high
    if np.isfinite(value):
        assert found.low == np.float32(value)


@pytest.mark.parametrize(
    ("stretch", "oracle"),
    [
        ("asinh", visualization.AsinhStretch(0.1)),
        ("linear", visualization.LinearStretch()),
        ("log", visualization.LogStretch()),
        ("sqrt", visualization.SqrtStretch()),
    ],
)
def test_stretches_are_those_of_astropy(stretch, oracle):
    pixels = np.random.default_rng(3).normal(size=(2, 20, 20)).astype(np.float32)
    limits = [Limits(-1.0, 1.5), Limits(0.0, 3.0)]
    found = levels(pixels, limits, [stretch, stretch], 0.1)
    for n, (low, high) in enumerate(limits):
        norm = visualization.ImageNormalize(vmin=low, vmax=high, stretch=oracle, clip=True)
        np.testing.assert_array_equal(found[n], norm(pixels[n].astype(np.float64)))
        for level in (0.0, 0.3, 0.5, 1.0):
            assert unstretched(level, Limits(low, high), stretch, 0.1) == pytest.approx(norm.inverse(level))


def limits_of(triplet: Triplet, **choices: object) -> tuple[Limits, Limits, Limits]:
    return panel_limits(PictureStyle(**choices), triplet, triplet.science.box.width)


def test_limits_can_come_from_the_centre(make_triplet):
    triplet = make_triplet(30)
    triplet.science.array[0, 0] = 1e6
    _, whole, _ = limits_of(triplet)
    _, central, _ = limits_of(triplet, limits_region=10)
    assert whole.high == 1e6
    middle = triplet.science.array[10:20, 10:20]
    assert central == (float(middle.min()), float(middle.max()))
    assert limits_of(triplet, limits_region=99) == limits_of(triplet)


def test_the_difference_can_have_a_region_of_its_own(make_triplet):
    triplet = make_triplet(30)
    choices = {"difference_interval": "minmax", "difference_limits_region": 4, "limits_region": 10}
    template, _, difference = limits_of(triplet, **choices)
    middle, center = triplet.template.array[10:20, 10:20], triplet.difference.array[13:17, 13:17]
    assert template == (float(middle.min()), float(middle.max()))
    assert difference == (float(center.min()), float(center.max()))


def test_given_limits_count_whatever_the_pixels(make_triplet):
    choices = {"image_limits": (-5, 50.5), "difference_limits": (-7, 8), "difference_symmetric": True}
    for triplet in (make_triplet(30), make_triplet(30, missing=30)):
        assert limits_of(triplet, shared_limits=True, **choices) == ((-5, 50.5), (-5, 50.5), (-7, 8))
    assert limits_of(make_triplet(30), image_limits=(0, 1))[2] == limits_of(make_triplet(30))[2]


def test_without_a_difference_there_are_two_limits(make_triplet):
    triplet = make_triplet(30)
    alone = replace(triplet, difference=None)
    assert limits_of(alone) == (*limits_of(triplet)[:2], None)


def test_template_and_science_can_share_their_limits(make_triplet):
    triplet = make_triplet(30)
    template, science, _ = limits_of(triplet, shared_limits=True)
    both = np.stack([triplet.template.array, triplet.science.array])
    assert template == science == (float(both.min()), float(both.max()))


def test_the_difference_can_have_zero_in_the_middle(make_triplet):
    triplet = make_triplet(30)
    low, high = limits_of(triplet)[2]
    assert limits_of(triplet, difference_symmetric=True)[2] == (-max(-low, high), max(-low, high))
