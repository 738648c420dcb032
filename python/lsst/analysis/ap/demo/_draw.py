"""Drawing of stars, galaxies and trails on arrays of pixels, without noise."""

__all__ = ("add_stars", "add_trail", "convolve", "draw_galaxies")

from math import gamma

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fftfreq, irfft2, next_fast_len, rfft2, rfftfreq

from ._psf import MoffatPsf

type FloatArray = NDArray[np.float64]

_FAINTEST = 0.3
"""Surface brightness at which stamps may end, nJy per pixel: far below the
noise of any image drawn here."""

_LARGEST_STAMP = 300
"""Half-width of the largest stamp, pixels."""


def add_stars(
    image: FloatArray,
    x: FloatArray,
    y: FloatArray,
    flux: FloatArray,
    psf: MoffatPsf,
    stretch: FloatArray | float = 1.0,
) -> None:
    """Add point sources to an image in place.

    Parameters
    ----------
    image : `numpy.ndarray`
        Pixels, (rows, columns).
    x, y : `numpy.ndarray`
        Positions, pixels from the first pixel; they may lie off the image.
    flux : `numpy.ndarray`
        Fluxes, in the units of the image; may be negative.
    psf : `MoffatPsf`
        Shape of a point.
    stretch : `numpy.ndarray` or `float`, optional
        Factor on the PSF's width for each source.
    """
    stretches = np.broadcast_to(stretch, x.shape)
    for x_i, y_i, flux_i, stretch_i in zip(x, y, flux, stretches, strict=True):
        half = min(max(int(np.ceil(psf.radius_at(_FAINTEST, flux_i))), 8), _LARGEST_STAMP)
        rows, columns = _clipped(image.shape, x_i, y_i, half)
        dx = np.arange(columns.start, columns.stop) - x_i
        dy = np.arange(rows.start, rows.stop) - y_i
        image[rows, columns] += flux_i * psf(dx[None, :], dy[:, None], stretch_i)


def add_trail(
    image: FloatArray, x: float, y: float, flux: float, length: tuple[float, float], psf: MoffatPsf
) -> None:
    """Add a point source that moved evenly during the exposure, in place.

    Parameters
    ----------
    image : `numpy.ndarray`
        Pixels, (rows, columns).
    x, y : `float`
        Middle of the trail, pixels from the first pixel.
    flux : `float`
        Total flux, in the units of the image.
    length : `tuple` [`float`, `float`]
        Way in x and in y, pixels.
    psf : `MoffatPsf`
        Shape of a point.
    """
    steps = 1 + int(np.ceil(2 * np.hypot(*length)))
    place = (np.arange(steps) + 0.5) / steps - 0.5
    add_stars(image, x + place * length[0], y + place * length[1], np.full(steps, flux / steps), psf)


def draw_galaxies(
    shape: tuple[int, int],
    x: FloatArray,
    y: FloatArray,
    flux: FloatArray,
    half_light_radius: FloatArray,
    axis_ratio: FloatArray,
    angle: FloatArray,
    bulge_fraction: FloatArray,
) -> FloatArray:
    """Draw galaxies as no atmosphere has blurred them.

    Parameters
    ----------
    shape : `tuple` [`int`, `int`]
        Rows and columns.
    x, y : `numpy.ndarray`
        Positions, pixels from the first pixel.
    flux : `numpy.ndarray`
        Fluxes.
    half_light_radius : `numpy.ndarray`
        Of the disk along the major axis, pixels; that of the bulge is half
        of it.
    axis_ratio : `numpy.ndarray`
        Minor over major axis of the disk.
    angle : `numpy.ndarray`
        Of the major axis from the x axis to the y axis, radians.
    bulge_fraction : `numpy.ndarray`
        Part of the flux in the bulge.

    Returns
    -------
    image : `numpy.ndarray`
        An exponential disk and a de Vaucouleurs bulge each, averaged over
        three points per pixel and axis.
    """
    image = np.zeros(shape)
    for i in range(x.size):
        half = int(np.ceil(np.clip(6 * half_light_radius[i], 6, 60)))
        rows, columns = _clipped(shape, x[i], y[i], half)
        if rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        dx = (np.arange(3 * columns.start, 3 * columns.stop) - 1) / 3 - x[i]
        dy = ((np.arange(3 * rows.start, 3 * rows.stop) - 1) / 3 - y[i])[:, None]
        cos, sin = np.cos(angle[i]), np.sin(angle[i])
        major, minor = cos * dx + sin * dy, cos * dy - sin * dx
        disk = _sersic(1.0, major, minor, half_light_radius[i], axis_ratio[i])
        bulge = _sersic(4.0, major, minor, 0.5 * half_light_radius[i], 0.5 * (1 + axis_ratio[i]))
        fine = flux[i] * ((1 - bulge_fraction[i]) * disk + bulge_fraction[i] * bulge)
        image[rows, columns] += fine.reshape(rows.stop - rows.start, 3, -1, 3).mean(axis=(1, 3))
    return image


def convolve(image: FloatArray, kernel: FloatArray, shift: tuple[float, float] = (0.0, 0.0)) -> FloatArray:
    """Convolve an image and move it by a fraction of a pixel.

    Parameters
    ----------
    image : `numpy.ndarray`
        Pixels; zero is assumed around them.
    kernel : `numpy.ndarray`
        With an odd number of rows and columns; its middle is its origin.
    shift : `tuple` [`float`, `float`], optional
        Movement in x and y, pixels.

    Returns
    -------
    convolved : `numpy.ndarray`
        Of the shape of the image.
    """
    shape = [next_fast_len(n + k - 1, real=True) for n, k in zip(image.shape, kernel.shape, strict=True)]
    spectrum = rfft2(image, shape)
    spectrum *= rfft2(kernel, shape)
    if any(shift):
        spectrum *= np.exp(-2j * np.pi * shift[0] * rfftfreq(shape[1]))
        spectrum *= np.exp(-2j * np.pi * shift[1] * fftfreq(shape[0]))[:, None]
    top, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    return np.asarray(irfft2(spectrum, shape)[top : top + image.shape[0], left : left + image.shape[1]])


def _clipped(shape: tuple[int, int], x: float, y: float, half: int) -> tuple[slice, slice]:
    """Return the part on the image of a square around a position."""
    column, row = round(x), round(y)
    return (
        slice(min(max(row - half, 0), shape[0]), max(min(row + half + 1, shape[0]), 0)),
        slice(min(max(column - half, 0), shape[1]), max(min(column + half + 1, shape[1]), 0)),
    )


def _sersic(
    index: float, major: FloatArray, minor: FloatArray, half_light_radius: float, axis_ratio: float
) -> FloatArray:
    """Evaluate a Sérsic profile of unit flux, per pixel.

    The width parameter is the expansion of Ciotti & Bertin (1999, A&A 352,
    447), the flux that of Graham & Driver (2005, PASA 22, 118), equation 2.
    """
    width = 2 * index - 1 / 3 + 4 / (405 * index)
    flux = 2 * np.pi * index * np.exp(width) * width ** (-2 * index) * gamma(2 * index)
    # A floor under the radius keeps the cusp from standing on one sample.
    radius = np.sqrt(major**2 + (minor / axis_ratio) ** 2 + 0.02) / half_light_radius
    profile = np.exp(-width * (radius ** (1 / index) - 1))
    return np.asarray(profile / (flux * half_light_radius**2 * axis_ratio))
