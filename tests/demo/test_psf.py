import numpy as np
import pytest
from scipy.signal import convolve2d

from lsst.analysis.ap.demo._psf import MoffatPsf, matching_kernel


def test_profile_is_normalised_to_one() -> None:
    stamp = MoffatPsf(4.0, beta=4.0, e1=0.1, e2=-0.05).stamp(150)

    assert stamp.sum() == pytest.approx(1, abs=1e-4)


def test_profile_falls_to_half_at_half_the_fwhm() -> None:
    psf = MoffatPsf(4.4)
    zero = np.zeros(1)

    assert psf(np.array([2.2]), zero) == pytest.approx(0.5 * psf(zero, zero))
    assert psf(zero, np.array([2.2 * 1.1]), 1.1) == pytest.approx(0.5 * psf(zero, zero, 1.1))


def test_ellipticity_is_that_of_the_second_moments() -> None:
    psf = MoffatPsf(4.0, beta=6.0, e1=0.12, e2=0.07)
    stamp = psf.stamp(60)
    axis = np.arange(-60, 61)
    xx = (stamp * axis[None, :] ** 2).sum()
    yy = (stamp * axis[:, None] ** 2).sum()
    xy = (stamp * axis[None, :] * axis[:, None]).sum()

    assert (xx - yy) / (xx + yy) == pytest.approx(0.12, abs=2e-3)
    assert 2 * xy / (xx + yy) == pytest.approx(0.07, abs=2e-3)


def test_radius_is_where_the_surface_brightness_is_reached() -> None:
    psf = MoffatPsf(4.0)
    radius = psf.radius_at(2.0, 1e5)

    assert 1e5 * psf(np.array([radius]), np.zeros(1)) == pytest.approx(2.0)
    assert psf.radius_at(2.0, 1.0) == 0


def test_kernel_turns_one_psf_into_the_other() -> None:
    template, science = MoffatPsf(3.4), MoffatPsf(4.3, e1=0.03, e2=-0.02)
    kernel = matching_kernel(template, science)

    matched = convolve2d(template.stamp(40), kernel, mode="same")[15:-15, 15:-15]
    wanted = science.stamp(25)

    assert np.abs(matched - wanted).max() < 2e-3 * wanted.max()
    assert kernel.sum() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("arguments", [{"fwhm": 0.0}, {"fwhm": 4.0, "beta": 1.0}, {"fwhm": 4.0, "e1": 1.0}])
def test_impossible_profiles_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"Moffat|Ellipticity"):
        MoffatPsf(**arguments)
