"""The light of the sky on the pixels of an image, drawn by GalSim, and the deep template."""

__all__ = ("MARGIN", "TEMPLATE_PSF", "draw_sources", "make_psf", "make_template", "psf_stamp")

from collections.abc import Iterable

import galsim
import numpy as np
from numpy.typing import NDArray

from ._camera import BORESIGHT, FULL_WELL, PIXEL_SCALE, READ_NOISE, Exposure
from ._sky import Source

type FloatArray = NDArray[np.float64]

_FAINTEST = 0.3  # nJy per pixel, at which stamps may end: far below any noise here
_DEPTH = 40  # visits in the template
MARGIN = 20  # pixels by which a template is wider than the detector, on each side, as in the pipelines


def make_psf(seeing: float, g1: float = 0.0, g2: float = 0.0) -> galsim.GSObject:
    """Return the PSF of a long exposure through the atmosphere.

    ``seeing`` is its full width at half maximum, arcseconds, of which the
    pixel's own response is a part; ``g1`` and ``g2`` are its reduced shear.
    """
    return galsim.Kolmogorov(fwhm=seeing).shear(g1=g1, g2=g2)


TEMPLATE_PSF = make_psf(0.70)


def psf_stamp(
    psf: galsim.GSObject, exposure: Exposure, side: int, x: float = 0.0, y: float = 0.0
) -> FloatArray:
    """Return the fraction of the flux per pixel of a point so far from the middle of an odd square."""
    shape = {"nx": side, "ny": side, "wcs": exposure.jacobian, "offset": (x, y), "dtype": np.float64}
    return np.asarray(psf.drawImage(method="no_pixel", **shape).array)


def draw_sources(
    side: int,
    exposure: Exposure,
    sources: Iterable[tuple[Source, float, float, float]],
    psf: galsim.GSObject,
) -> FloatArray:
    """Draw sources, blurred by the PSF, on a square of pixels.

    Each source comes with its column and row, counted from the first, and
    its flux, nJy. It may lie off the image.
    """
    image = galsim.ImageD(side, side, xmin=0, ymin=0, wcs=exposure.jacobian)
    for source, x, y, flux in sources:
        if not flux or not np.isfinite(x + y):
            continue
        # Far from the centre a Kolmogorov profile falls with the power -11/3.
        wing = (7e-4 * abs(flux) / _FAINTEST) ** (3 / 11)
        half = 3 + int((max(wing, 0.8) + source.reach) / PIXEL_SCALE)
        column, row = round(x), round(y)
        box = galsim.BoundsI(column - half, column + half, row - half, row + half) & image.bounds
        if box.isDefined():
            shape = flux * (psf if source.profile is None else galsim.Convolve(source.profile, psf))
            center = galsim.PositionD(x, y)
            shape.drawImage(image[box], method="no_pixel", center=center, add_to_image=True)
    return np.asarray(image.array)


def make_template(
    exposure: Exposure, sky: list[Source], seed: int
) -> tuple[FloatArray, FloatArray, dict[str, NDArray[np.bool_]]]:
    """Coadd visits of the time before the demo, on the pixels of an exposure and the margin.

    Returns image, variance and mask. Detectors of even number have a gap, where there are values too.
    """
    passband, detector, side = exposure.visit.passband, exposure.detector, exposure.detector.size + 2 * MARGIN
    scale = passband.nanojansky_per_electron
    x, y = exposure.to_pixels([source.place for source in sky]) + MARGIN
    flux = [source.steady[passband.name] for source in sky]
    image = draw_sources(side, exposure, zip(sky, x, y, flux, strict=True), TEMPLATE_PSF)
    limit = (FULL_WELL - passband.sky_electrons) * scale
    mask = {"SATURATED": image > limit, "NO_DATA": np.zeros(image.shape, dtype=bool)}
    image = np.minimum(image, limit)
    variance = (image * scale + (passband.sky_electrons + READ_NOISE**2) * scale**2) / _DEPTH
    # The noise is nearly the same for every visit, as that of one coadd would be.
    rng = np.random.default_rng([seed, detector.id, ord(passband.name)])
    image += np.sqrt(variance) * rng.standard_normal(image.shape)
    if detector.id % 2 == 0:
        # Along parallels of declination, as edges of patches are, the same in every band and visit, and
        # far from the first source of the first detector. All in arcseconds.
        rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
        _, _, per_column, per_row = exposure.jacobian.getMatrix().ravel()
        north = 3600 * (exposure.wcs.wcs.crval[1] - BORESIGHT[1]) + per_column * columns + per_row * rows
        beyond = (north / detector.size + 0.105) % 0.25 - 0.125
        mask["NO_DATA"] = abs(beyond) < PIXEL_SCALE * max(4.0 / detector.size, 0.006)
    return image, variance, mask
