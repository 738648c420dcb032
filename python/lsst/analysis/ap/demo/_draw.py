"""The light on the pixels of an image: what GalSim draws, and what a detector and a satellite do to it."""

__all__ = ("TEMPLATE_PSF", "add_cosmic_rays", "bleed", "draw_sources", "make_psf", "psf_stamp", "satellite")

from collections.abc import Iterable

import galsim
import numpy as np
from numpy.typing import NDArray

from ._camera import PIXEL_SCALE, Exposure
from ._sky import Source

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]

_FAINTEST = 0.3  # nJy per pixel, at which stamps may end: far below any noise here


def make_psf(seeing: float, g1: float = 0.0, g2: float = 0.0) -> galsim.GSObject:
    """Return the PSF of a long exposure through the atmosphere, sheared by ``g1`` and ``g2``.

    The pixel's own response is a part of ``seeing``, its full width at half maximum, arcseconds.
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
    """Draw sources, each with its column, its row (from the first, on the image or off) and its flux in nJy,
    blurred by the PSF, on a square of pixels.
    """
    image = galsim.ImageD(side, side, xmin=0, ymin=0, wcs=exposure.jacobian)
    for source, x, y, flux in sources:
        if not flux or not np.isfinite(x + y):
            continue
        # Far from the centre a Kolmogorov profile falls with the power -11/3.
        wing = (7e-4 * abs(flux) / _FAINTEST) ** (3 / 11)
        half = 3 + int((max(wing, 0.8) + source.reach) / PIXEL_SCALE)
        box = galsim.BoundsI(galsim.PositionI(round(x), round(y))).withBorder(half) & image.bounds
        if box.isDefined():
            shape = flux * (psf if source.profile is None else galsim.Convolve(source.profile, psf))
            shape.drawImage(image[box], method="no_pixel", center=(x, y), add_to_image=True)
    return np.asarray(image.array)


def satellite(
    size: int, brightness: float, width: float, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Draw the streak of a tumbling satellite through the middle half of a square image.

    ``brightness`` is that on its axis at the brightest, ``width`` the standard deviation across, pixels. The
    second array has the pixels within four of those.
    """
    middle, angle = rng.uniform(0.25, 0.75, 2) * size, np.radians(rng.uniform(15, 75))
    y, x = np.mgrid[:size, :size] - middle[:, None, None]
    across = y * np.cos(angle) - x * np.sin(angle)
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / rng.uniform(110, 170)
    glint = (0.45 + 0.35 * np.sin(phase) + 0.2 * np.sin(2.7 * phase)).clip(0.05)
    return brightness * glint * np.exp(-0.5 * (across / width) ** 2), np.abs(across) < 4 * width


def bleed(electrons: FloatArray, full_well: float) -> BoolArray:
    """Let charge over the full well run along its column, in place; return the full pixels.

    Half of it goes up from the brightest pixel and half down; what reaches the end of the column is lost.
    """
    for column in np.flatnonzero((electrons > full_well).any(axis=0)):
        pixels = electrons[:, column]
        peak, excess = pixels.argmax(), (pixels - full_well).clip(0).sum()
        np.minimum(pixels, full_well, out=pixels)
        for way in (pixels[peak:], pixels[:peak][::-1]):
            room = full_well - way
            way += np.clip(0.5 * excess - (np.cumsum(room) - room), 0, room)
    return np.asarray(electrons >= 0.999 * full_well)


def add_cosmic_rays(electrons: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Add straight tracks, sharper than any star, in place; return the pixels that were hit."""
    rows, columns = electrons.shape
    image = galsim.ImageD(columns, rows, xmin=0, ymin=0, scale=1.0)
    deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
    for _ in range(3 + rng.poisson(8e-6 * electrons.size)):
        length = 1.0 + rng.exponential(6.0)
        # Silicon gives 80 electrons per micrometre of the way; pixels have 10 micrometres.
        track = galsim.Box(length, 0.3) * (length * rng.lognormal(np.log(800), 0.6))
        center = rng.uniform(0, columns), rng.uniform(0, rows)
        track = track.rotate(rng.uniform(0, 180) * galsim.degrees)
        track.drawImage(image, method="phot", rng=deviate, center=center, add_to_image=True)
    electrons += image.array
    return np.asarray(image.array > 0)
