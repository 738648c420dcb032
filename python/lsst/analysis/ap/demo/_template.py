"""The deep template of each detector and band, and its resampling to an exposure."""

__all__ = ("MARGIN", "TEMPLATE_PSF", "Template", "make_template")

from dataclasses import dataclass

import astropy.wcs
import galsim
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline

from ._camera import FULL_WELL, READ_NOISE, Exposure, Passband, tangent_plane
from ._draw import draw_sources, make_psf
from ._sky import Source

type FloatArray = NDArray[np.float32]
type BoolArray = NDArray[np.bool_]

TEMPLATE_PSF = make_psf(0.70)
"""The PSF of the templates."""

MARGIN = 20
"""Pixels by which a template is wider than the detector, on each side, as in the pipelines."""

_DEPTH = 40
"""Number of visits in the template."""

_RESAMPLED_VARIANCE = 0.765
"""Part of the variance of white noise that cubic interpolation leaves: the
mean over all fractions of a pixel of the sum of the squared weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A coadd with north up, wide enough for every dither of a detector."""

    wcs: astropy.wcs.WCS
    """From its pixels to ICRS degrees."""
    coefficients: FloatArray
    """Spline coefficients of the image, nJy per pixel."""
    variance: FloatArray
    """Variance of the image, nJy²."""
    mask: dict[str, BoolArray]
    """Mask planes by name."""

    def resample(self, exposure: Exposure) -> tuple[FloatArray, FloatArray, dict[str, BoolArray]]:
        """Return image, variance and mask on the pixels of an exposure and the margin.

        There are values where the mask says NO_DATA too.
        """
        axis = np.arange(-MARGIN, exposure.detector.size + MARGIN)
        # The mapping is so smooth that a spline through some points has it to 1e-5 pixel.
        knots = np.linspace(axis[0], axis[-1], 9)
        grid = np.stack(np.meshgrid(knots, knots), axis=-1).reshape(-1, 2)
        pixels = self.wcs.wcs_world2pix(exposure.wcs.all_pix2world(grid, 0), 0).T.reshape(2, 9, 9)
        column, row = (RectBivariateSpline(knots, knots, values)(axis, axis) for values in pixels)
        image = ndimage.map_coordinates(
            self.coefficients, (row, column), order=3, prefilter=False, output=np.float32
        )
        nearest = np.rint(row).astype(int), np.rint(column).astype(int)
        mask = {name: plane[nearest] for name, plane in self.mask.items()}
        return image, self.variance[nearest] * np.float32(_RESAMPLED_VARIANCE), mask


def make_template(here: Exposure, passband: Passband, sky: list[Source], seed: int) -> Template:
    """Coadd visits of the time before the demo; detectors of even number have a gap in it."""
    size, scale = here.detector.size, passband.nanojansky_per_electron
    side = int(1.55 * size) + 100
    wcs = tangent_plane(*here.to_sky(size / 2, size / 2), 0.0)
    wcs.wcs.crpix = [side / 2, side / 2]
    jacobian = galsim.AstropyWCS(wcs=wcs).local(image_pos=galsim.PositionD(*wcs.wcs.crpix))
    image = np.zeros((side, side), dtype=np.float32)
    x, y = wcs.wcs_world2pix([source.place for source in sky], 0).T
    flux = [source.steady[passband.name] for source in sky]
    draw_sources(image, jacobian, zip(sky, x, y, flux, strict=True), lambda x, y: TEMPLATE_PSF)

    limit = (FULL_WELL - passband.sky_electrons) * scale
    mask = {"SATURATED": image > limit}
    image = np.minimum(image, limit)
    noise = (passband.sky_electrons + READ_NOISE**2) * scale**2
    variance = ((image * scale + noise) / _DEPTH).astype(np.float32)
    distance = np.full(image.shape, np.inf)
    if here.detector.id % 2 == 0:
        # The gap belongs to the sky: it is the same in every band and visit.
        place = np.random.default_rng([here.detector.id, size])
        angle, offset = place.uniform(0.3, 1.2), place.uniform(-0.2, 0.2) * side
        rows, columns = np.mgrid[:side, :side] - side / 2
        distance = np.abs(rows * np.cos(angle) - columns * np.sin(angle) - offset)
    half = max(4.0, 0.006 * size)
    mask["NO_DATA"] = distance < half
    mask["HIGH_VARIANCE"] = (distance < 4 * half) & ~mask["NO_DATA"]
    variance[mask["HIGH_VARIANCE"]] *= 4
    rng = np.random.default_rng([seed, here.detector.id, ord(passband.name)])
    image += np.sqrt(variance) * rng.standard_normal(image.shape, dtype=np.float32)
    return Template(wcs, ndimage.spline_filter(image, order=3, output=np.float32), variance, mask)
