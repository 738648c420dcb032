"""The deep template of each detector and band, and its resampling to an exposure."""

__all__ = ("MARGIN", "TEMPLATE_SEEING", "Template", "make_template")

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

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]

TEMPLATE_SEEING = 0.70
"""Full width at half maximum of the template's PSF, arcseconds."""

MARGIN = 20
"""Pixels by which a template is wider than the detector, on each side, as in the pipelines."""

_DEPTH = 40
"""Number of visits in the template."""

_RESAMPLED_VARIANCE = 0.765
"""Part of the variance of white noise that is left by cubic interpolation:
the mean over all fractions of a pixel of the sum of the squared weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A coadd with north up, wide enough for every dither of a detector."""

    wcs: astropy.wcs.WCS
    """From its pixels to ICRS degrees."""

    coefficients: NDArray[np.float32]
    """Spline coefficients of the image, nJy per pixel."""

    variance: NDArray[np.float32]
    """Variance of the image, nJy²."""

    saturated: BoolArray
    """Pixels that were full in the visits."""

    no_data: BoolArray
    """Pixels in no visit."""

    shallow: BoolArray
    """Pixels in a quarter of the visits."""

    def resample(self, exposure: Exposure) -> tuple[NDArray[np.float32], FloatArray, dict[str, BoolArray]]:
        """Return image, variance and mask planes on the pixels of an exposure and a margin.

        They are as if there were data everywhere.
        """
        axis = np.arange(-MARGIN, exposure.detector.size + MARGIN)
        # The mapping is so smooth that a spline through some points has it to 1e-5 pixel.
        knots = np.linspace(axis[0], axis[-1], 9)
        x, y = np.meshgrid(knots, knots)
        ra_dec = exposure.wcs.all_pix2world(np.stack([x.ravel(), y.ravel()], axis=1), 0)
        pixels = self.wcs.wcs_world2pix(ra_dec, 0).T.reshape(2, 9, 9)
        column, row = (RectBivariateSpline(knots, knots, values)(axis, axis) for values in pixels)
        nearest = np.rint(row).astype(int), np.rint(column).astype(int)
        image = ndimage.map_coordinates(
            self.coefficients, (row, column), order=3, prefilter=False, output=np.float32
        )
        mask = {
            "SATURATED": self.saturated[nearest],
            "NO_DATA": self.no_data[nearest],
            "HIGH_VARIANCE": self.shallow[nearest],
        }
        return image, self.variance[nearest] * _RESAMPLED_VARIANCE, mask


def make_template(field: Exposure, passband: Passband, sky: list[Source], seed: int) -> Template:
    """Coadd visits of the time before the demo.

    ``field`` says where the detector is. Detectors of even number have a gap.
    """
    rng = np.random.default_rng([seed, field.detector.id, ord(passband.name)])
    middle = (field.detector.size - 1) / 2
    wcs = tangent_plane(*field.wcs.all_pix2world([[middle, middle]], 0)[0], 0.0)
    side = int(1.55 * field.detector.size) + 100
    wcs.wcs.crpix = [side / 2 + 0.5] * 2
    jacobian = galsim.AstropyWCS(wcs=wcs).local(image_pos=galsim.PositionD(side / 2, side / 2))
    psf = make_psf(TEMPLATE_SEEING)
    image = np.zeros((side, side), dtype=np.float32)
    x, y = wcs.wcs_world2pix([(source.ra, source.dec) for source in sky], 0).T
    fluxes = [source.steady[passband.name] for source in sky]
    held = [entry for entry in zip(sky, x, y, fluxes, strict=True) if entry[3] > 0]
    draw_sources(image, jacobian, held, lambda x, y: psf)

    scale = passband.nanojansky_per_electron
    limit = (FULL_WELL - passband.sky_electrons) * scale
    saturated = image > limit
    np.minimum(image, limit, out=image)
    variance = (image * scale + (passband.sky_electrons + READ_NOISE**2) * scale**2) / _DEPTH
    no_data, shallow = np.zeros((2, side, side), dtype=bool)
    if field.detector.id % 2 == 0:
        # The gap belongs to the sky: it is the same in every band and visit.
        place = np.random.default_rng([field.detector.id, field.detector.size])
        angle, offset = place.uniform(0.3, 1.2), place.uniform(-0.2, 0.2) * side
        rows, columns = np.mgrid[:side, :side] - side / 2
        distance = np.abs(rows * np.cos(angle) - columns * np.sin(angle) - offset)
        width = max(8.0, 0.012 * field.detector.size)
        no_data, shallow = distance < width / 2, (distance < 2 * width) & (distance >= width / 2)
        variance[shallow] *= 4
    image += np.sqrt(variance) * rng.standard_normal(image.shape, dtype=np.float32)
    return Template(
        wcs,
        ndimage.spline_filter(image, order=3, output=np.float32),
        variance.astype(np.float32),
        saturated,
        no_data,
        shallow,
    )
