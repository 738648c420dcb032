"""Fluxes, positions and shapes from pixels, as least squares gives them."""

__all__ = (
    "APERTURE_RADIUS",
    "HALF_WIDTH",
    "PointFit",
    "aperture_flux",
    "fit_point",
    "fit_position",
    "second_moments",
)

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._images import MaskedPixels
from ._psf import MoffatPsf

type FloatArray = NDArray[np.float64]

HALF_WIDTH = 12
"""Half-width of the square on which the PSF is fitted, pixels."""

APERTURE_RADIUS = 12.0
"""Radius of the aperture, pixels; that of ``apFlux`` in the APDB."""


@dataclass(frozen=True, slots=True)
class PointFit:
    """Flux of a point source at a given position."""

    flux: float
    """nJy; NaN when no pixel could be used."""
    error: float
    """Standard deviation, nJy."""
    chi2: float
    """Chi-square of the fit."""
    pixels: int
    """Number of pixels used."""
    is_truncated: bool
    """Whether a part of the PSF is off the image."""

    @property
    def failed(self) -> bool:
        """Whether there was no usable pixel."""
        return self.pixels == 0


def fit_point(pixels: MaskedPixels, psf: MoffatPsf, x: float, y: float) -> PointFit:
    """Fit the flux of a point source at a fixed position.

    With the profile P, the data D and the variance V the flux is ΣPD / ΣP²
    and its variance ΣP²V / (ΣP²)²: least squares with equal weights, so that
    the noise of a bright source does not give its wings the say.

    Parameters
    ----------
    pixels : `MaskedPixels`
        The image.
    psf : `MoffatPsf`
        Its PSF.
    x, y : `float`
        Position, pixels from the first pixel.

    Returns
    -------
    fit : `PointFit`
        The flux.
    """
    rows, columns, is_truncated = _window(pixels.image.shape, x, y, HALF_WIDTH)
    data, variance = pixels.image[rows, columns], pixels.variance[rows, columns]
    profile = _profile(psf, rows, columns, x, y)
    good = np.isfinite(data) & np.isfinite(variance)
    if not good.any():
        return PointFit(np.nan, np.nan, np.nan, 0, is_truncated)
    data, variance, profile = data[good], variance[good], profile[good]
    norm = (profile**2).sum()
    flux = float((profile * data).sum() / norm)
    error = float(np.sqrt((profile**2 * variance).sum()) / norm)
    chi2 = float(((data - flux * profile) ** 2 / variance).sum())
    return PointFit(flux, error, chi2, int(good.sum()), is_truncated)


def fit_position(
    pixels: MaskedPixels, psf: MoffatPsf, x: float, y: float
) -> tuple[float, float, float, float] | None:
    """Fit the position of a point source near a peak by Gauss-Newton steps.

    Parameters
    ----------
    pixels : `MaskedPixels`
        The image.
    psf : `MoffatPsf`
        Its PSF.
    x, y : `float`
        The peak, pixels from the first pixel.

    Returns
    -------
    position : `tuple` [`float`, `float`, `float`, `float`] or `None`
        Fitted x and y and their standard deviations, pixels from the first
        pixel; the position may be off the image. `None` when the fit runs
        away by more than 3 pixels.
    """
    step = 0.01
    rows, columns, _ = _window(pixels.image.shape, x, y, 7)
    data, variance = pixels.image[rows, columns], pixels.variance[rows, columns]
    good = np.isfinite(data) & np.isfinite(variance)
    if good.sum() < 9:
        return None
    x_fit, y_fit = x, y
    for _ in range(12):
        profile = _profile(psf, rows, columns, x_fit, y_fit)
        along_x = (
            _profile(psf, rows, columns, x_fit + step, y_fit)
            - _profile(psf, rows, columns, x_fit - step, y_fit)
        ) / (2 * step)
        along_y = (
            _profile(psf, rows, columns, x_fit, y_fit + step)
            - _profile(psf, rows, columns, x_fit, y_fit - step)
        ) / (2 * step)
        weight = 1 / np.sqrt(variance[good])
        flux = float((profile * data)[good].sum() / (profile[good] ** 2).sum())
        design = (
            np.stack([profile[good], flux * along_x[good], flux * along_y[good]], axis=1) * weight[:, None]
        )
        residual = (data - flux * profile)[good] * weight
        normal = design.T @ design
        if not np.linalg.cond(normal) < 1e14:
            return None
        covariance = np.linalg.inv(normal)
        _, dx, dy = covariance @ (design.T @ residual)
        x_fit += float(np.clip(dx, -0.7, 0.7))
        y_fit += float(np.clip(dy, -0.7, 0.7))
        if np.hypot(x_fit - x, y_fit - y) > 3:
            return None
        if np.hypot(dx, dy) < 1e-3:
            break
    return x_fit, y_fit, float(np.sqrt(covariance[1, 1])), float(np.sqrt(covariance[2, 2]))


def aperture_flux(pixels: MaskedPixels, x: float, y: float) -> tuple[float, float, bool]:
    """Sum the pixels whose centres are in a circle.

    Parameters
    ----------
    pixels : `MaskedPixels`
        The image.
    x, y : `float`
        Centre, pixels from the first pixel.

    Returns
    -------
    flux, error : `float`
        In nJy; NaN when there is no pixel.
    is_truncated : `bool`
        Whether the circle leaves the image or has pixels without data.
    """
    rows, columns, is_truncated = _window(pixels.image.shape, x, y, int(APERTURE_RADIUS))
    inside = (np.arange(columns.start, columns.stop) - x)[None, :] ** 2 + (
        np.arange(rows.start, rows.stop) - y
    )[:, None] ** 2 <= APERTURE_RADIUS**2
    data, variance = pixels.image[rows, columns][inside], pixels.variance[rows, columns][inside]
    good = np.isfinite(data)
    if not good.any():
        return np.nan, np.nan, True
    return float(data[good].sum()), float(np.sqrt(variance[good].sum())), is_truncated or not good.all()


def second_moments(
    pixels: MaskedPixels, psf: MoffatPsf, x: float, y: float
) -> tuple[float, float, float] | None:
    """Measure the Gaussian-weighted second moments of a source.

    Parameters
    ----------
    pixels : `MaskedPixels`
        The image.
    psf : `MoffatPsf`
        Its PSF, whose width is that of the weight.
    x, y : `float`
        Centre, pixels from the first pixel.

    Returns
    -------
    moments : `tuple` [`float`, `float`, `float`] or `None`
        Those along xx, yy and xy, pixels². They are twice the weighted moments, which
        undoes the weight for a Gaussian of its width. `None` when they are
        not those of an ellipse.
    """
    rows, columns, _ = _window(pixels.image.shape, x, y, HALF_WIDTH)
    dx = (np.arange(columns.start, columns.stop) - x)[None, :]
    dy = (np.arange(rows.start, rows.stop) - y)[:, None]
    data = np.nan_to_num(pixels.image[rows, columns])
    weighted = data * np.exp(-0.5 * (dx**2 + dy**2) / psf.sigma**2)
    total = weighted.sum()
    if total == 0:
        return None
    xx, yy, xy = (float(2 * (weighted * term).sum() / total) for term in (dx**2, dy**2, dx * dy))
    return (xx, yy, xy) if xx > 0 and yy > 0 and xx * yy > xy**2 else None


def _window(shape: tuple[int, ...], x: float, y: float, half: int) -> tuple[slice, slice, bool]:
    """Return the part on the image of a square, and whether it is not all."""
    column, row = round(x), round(y)
    rows = slice(max(row - half, 0), max(min(row + half + 1, shape[0]), 0))
    columns = slice(max(column - half, 0), max(min(column + half + 1, shape[1]), 0))
    complete = rows.stop - rows.start == columns.stop - columns.start == 2 * half + 1
    return rows, columns, not complete


def _profile(psf: MoffatPsf, rows: slice, columns: slice, x: float, y: float) -> FloatArray:
    """Draw the PSF of a point on a part of the image."""
    return psf(
        (np.arange(columns.start, columns.stop) - x)[None, :], (np.arange(rows.start, rows.stop) - y)[:, None]
    )
