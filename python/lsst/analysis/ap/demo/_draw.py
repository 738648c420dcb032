"""The light of the sky on the pixels of an image, drawn by GalSim."""

__all__ = ("draw_sources", "make_psf", "psf_stamp")

from collections.abc import Callable, Iterable

import galsim
import numpy as np
from numpy.typing import NDArray

from ._camera import PIXEL_SCALE
from ._sky import Source

type FloatArray = NDArray[np.float64]

_FAINTEST = 0.3
"""Surface brightness at which stamps may end, nJy per pixel: far below the
noise of any image drawn here."""


def make_psf(seeing: float, g1: float = 0.0, g2: float = 0.0) -> galsim.GSObject:
    """Return the PSF of a long exposure through the atmosphere."""
    return galsim.Kolmogorov(fwhm=seeing).shear(g1=g1, g2=g2)


def psf_stamp(psf: galsim.GSObject, jacobian: galsim.BaseWCS, side: int, oversampling: int = 1) -> FloatArray:
    """Return a PSF on pixels, centred."""
    fine = galsim.JacobianWCS(*(jacobian.getMatrix().ravel() / oversampling))
    side *= oversampling
    stamp = psf.drawImage(nx=side, ny=side, wcs=fine, method="no_pixel", dtype=np.float64)
    return np.asarray(stamp.array * oversampling**2)


def draw_sources(
    array: NDArray[np.float32],
    jacobian: galsim.BaseWCS,
    sources: Iterable[tuple[Source, float, float, float]],
    psf_at: Callable[[float, float], galsim.GSObject],
    margin: int = 0,
) -> None:
    """Add sources to an image, blurred by the PSF."""
    image = galsim.ImageF(array, xmin=-margin, ymin=-margin, wcs=jacobian)
    for source, x, y, flux in sources:
        if not flux or not np.isfinite(x + y):
            continue
        # Far from the centre a Kolmogorov profile falls with the power -11/3.
        wing = (7e-4 * abs(flux) / _FAINTEST) ** (3 / 11)
        half = 3 + int((max(wing, 0.8) + source.radius) / PIXEL_SCALE)
        column, row = round(x), round(y)
        bounds = galsim.BoundsI(column - half, column + half, row - half, row + half) & image.bounds
        if not bounds.isDefined():
            continue
        psf = psf_at(x, y)
        shape = galsim.Convolve(source.profile, psf) if source.profile is not None else psf
        (shape * flux).drawImage(
            image[bounds], method="no_pixel", center=galsim.PositionD(x, y), add_to_image=True
        )
