"""The point-spread function and the kernel that matches one to another."""

__all__ = ("MoffatPsf", "matching_kernel")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve


@dataclass(frozen=True, slots=True)
class MoffatPsf:
    """An elliptical Moffat profile, I(r) proportional to (1 + r²/α²)^-β.

    The profile is that of Moffat (1969, A&A 3, 455); its integral over the
    plane is normalised to one, so a value is a fraction of the flux per
    pixel. It is sampled at pixel centres: the pixel's own response counts as
    a part of it.
    """

    fwhm: float
    """Full width at half maximum of the circular profile, pixels."""

    beta: float = 2.6
    """Exponent; the smaller, the broader the wings."""

    e1: float = 0.0
    """Ellipticity along the axes, (a² - b²) / (a² + b²) of the widths."""

    e2: float = 0.0
    """Ellipticity along the diagonals."""

    def __post_init__(self) -> None:
        if not self.fwhm > 0 or not self.beta > 1:
            raise ValueError(f"A Moffat profile needs fwhm > 0 and beta > 1, not {self.fwhm} and {self.beta}")
        if np.hypot(self.e1, self.e2) >= 1:
            raise ValueError(f"Ellipticity ({self.e1}, {self.e2}) is not below one")

    @property
    def alpha(self) -> float:
        """Core radius of the circular profile, pixels."""
        return float(self.fwhm / (2 * np.sqrt(2 ** (1 / self.beta) - 1)))

    @property
    def sigma(self) -> float:
        """Standard deviation of the Gaussian of the same FWHM, pixels."""
        return float(self.fwhm / np.sqrt(8 * np.log(2)))

    def __call__(
        self, dx: NDArray[np.float64], dy: NDArray[np.float64], stretch: float = 1.0
    ) -> NDArray[np.float64]:
        """Evaluate the profile.

        Parameters
        ----------
        dx, dy : `numpy.ndarray`
            Distance from the centre, pixels; broadcast together.
        stretch : `float`, optional
            Factor on the width, for a PSF that varies over the detector.

        Returns
        -------
        profile : `numpy.ndarray`
            Fraction of the flux per pixel.
        """
        determinant = 1 - self.e1**2 - self.e2**2
        radius2 = ((1 - self.e1) * dx**2 - 2 * self.e2 * dx * dy + (1 + self.e1) * dy**2) / np.sqrt(
            determinant
        )
        alpha2 = (self.alpha * stretch) ** 2
        return np.asarray((self.beta - 1) / (np.pi * alpha2) * (1 + radius2 / alpha2) ** -self.beta)

    def stamp(self, half_width: int, x: float = 0.0, y: float = 0.0) -> NDArray[np.float64]:
        """Draw the profile on a square of pixels.

        Parameters
        ----------
        half_width : `int`
            The square has ``2 * half_width + 1`` pixels per side.
        x, y : `float`, optional
            Position of the source, pixels from the centre of the square.

        Returns
        -------
        stamp : `numpy.ndarray`
            Fraction of the flux per pixel.
        """
        axis = np.arange(-half_width, half_width + 1, dtype=np.float64)
        return self(axis[None, :] - x, axis[:, None] - y)

    def radius_at(self, surface_brightness: float, flux: float) -> float:
        """Return how far out a star is brighter than a surface brightness.

        Parameters
        ----------
        surface_brightness : `float`
            Limit, in units of ``flux`` per pixel.
        flux : `float`
            Flux of the star.

        Returns
        -------
        radius : `float`
            Pixels; 0 for a star whose centre is fainter.
        """
        peak = abs(flux) * (self.beta - 1) / (np.pi * self.alpha**2)
        return float(self.alpha * np.sqrt(max((peak / surface_brightness) ** (1 / self.beta) - 1, 0.0)))


def matching_kernel(template: MoffatPsf, science: MoffatPsf, half_width: int = 10) -> NDArray[np.float64]:
    """Return the kernel that turns the template's PSF into the science PSF.

    Least squares over Gaussians multiplied by polynomials, as in Alard &
    Lupton (1998, ApJ 503, 325), with a constant kernel over the detector.

    Parameters
    ----------
    template : `MoffatPsf`
        The sharper PSF.
    science : `MoffatPsf`
        The broader PSF.
    half_width : `int`, optional
        The kernel has ``2 * half_width + 1`` pixels per side.

    Returns
    -------
    kernel : `numpy.ndarray`
        To convolve the template with.
    """
    axis = np.arange(-half_width, half_width + 1, dtype=np.float64)
    dx, dy = axis[None, :], axis[:, None]
    basis = []
    for sigma in (0.5, 1.0, 2.0, 4.0):
        gaussian = np.exp(-0.5 * (dx**2 + dy**2) / sigma**2) / (2 * np.pi * sigma**2)
        basis += [gaussian * term / sigma**2 for term in (sigma**2, dx**2, dx * dy, dy**2)]
    source = template.stamp(3 * half_width)
    goal = science.stamp(3 * half_width)
    design = np.stack([fftconvolve(source, element, mode="same").ravel() for element in basis], axis=1)
    # The outermost rows of the convolution lack the flux from beyond the stamp.
    inner = np.zeros(source.shape, dtype=bool)
    inner[half_width:-half_width, half_width:-half_width] = True
    weights, *_ = np.linalg.lstsq(design[inner.ravel()], goal[inner], rcond=1e-8)
    return np.asarray(np.tensordot(weights, np.stack(basis), axes=1))
