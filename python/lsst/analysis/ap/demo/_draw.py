"""The light of the sky on the pixels of an image, drawn by GalSim."""

__all__ = ("draw_sources", "make_psf", "psf_stamp")

from collections.abc import Callable, Iterable

import galsim
import numpy as np
from numpy.typing import NDArray

from ._camera import PIXEL_SCALE
from ._sky import Source

_FAINTEST = 0.3
"""Surface brightness at which stamps may end, nJy per pixel: far below any noise here."""


def make_psf(seeing: float, g1: float = 0.0, g2: float = 0.0) -> galsim.GSObject:
    """Return the PSF of a long exposure through the atmosphere.

    ``seeing`` is its full width at half maximum, arcseconds, of which the
    pixel's own response is a part; ``g1`` and ``g2`` are its reduced shear.
    """
    return galsim.Kolmogorov(fwhm=seeing).shear(g1=g1, g2=g2)


def psf_stamp(
    psf: galsim.GSObject, jacobian: galsim.BaseWCS, side: int, oversampling: int = 1
) -> NDArray[np.float64]:
    """Return the fraction of the flux per pixel, on a square of pixels around a point.

    Oversampled, it has as many times more samples per axis. Both numbers are odd.
    """
    fine = galsim.JacobianWCS(*(jacobian.getMatrix().ravel() / oversampling))
    side *= oversampling
    stamp = psf.drawImage(nx=side, ny=side, wcs=fine, method="no_pixel", dtype=np.float64)
    return np.asarray(stamp.array * oversampling**2)


def draw_sources(
    array: NDArray[np.float32],
    jacobian: galsim.BaseWCS,
    sources: Iterable[tuple[Source, float, float, float]],
    psf_at: Callable[[float, float], galsim.GSObject],
) -> None:
    """Add sources to an image in place, blurred by the PSF of the place.

    Each source comes with its column and row, counted from the first, and
    its flux, nJy. It may lie off the image.
    """
    image = galsim.ImageF(array, xmin=0, ymin=0, wcs=jacobian)
    for source, x, y, flux in sources:
        if not flux or not np.isfinite(x + y):
            continue
        # Far from the centre a Kolmogorov profile falls with the power -11/3.
        wing = (7e-4 * abs(flux) / _FAINTEST) ** (3 / 11)
        half = 3 + int((max(wing, 0.8) + source.reach) / PIXEL_SCALE)
        column, row = round(x), round(y)
        box = galsim.BoundsI(column - half, column + half, row - half, row + half) & image.bounds
        if box.isDefined():
            psf = psf_at(x, y)
            shape = flux * (psf if source.profile is None else galsim.Convolve(source.profile, psf))
            center = galsim.PositionD(x, y)
            shape.drawImage(image[box], method="no_pixel", center=center, add_to_image=True)
