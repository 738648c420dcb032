"""An exposure and the three images that a pipeline makes of it."""

__all__ = ("Images", "Raw", "Version", "expose", "process")

from dataclasses import dataclass, replace
from typing import NamedTuple

import galsim
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from photutils.psf_matching import TukeyWindow, make_kernel
from scipy import ndimage
from scipy.signal import oaconvolve

from lsst.images import DifferenceImage, VisitImage

from . import _draw
from ._camera import BORESIGHT, FULL_WELL, PIXEL_SCALE, READ_NOISE, Exposure
from ._draw import TEMPLATE_PSF, draw_sources, make_psf, psf_stamp
from ._lsst_images import make_image
from ._sky import Source, injected_sources

type FloatArray = NDArray[np.float64]

_DEPTH = 40  # visits in the template
_MARGIN = 20  # pixels by which a template is wider than the detector, on each side, as in the pipelines


class Version(NamedTuple):
    """What differs between versions of the pipeline: the least signal-to-noise ratio of a detection, the
    factor on all fluxes, the error of the astrometry in x and y (pixels), and the least charge of a pixel of
    a cosmic ray that is noticed (in units of the noise).
    """

    name: str
    threshold: float = 5.0
    calibration: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    cosmic_ray_threshold: float = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What a detector recorded, and the truth about it.

    The charge of each pixel, electrons, and the same without noise and cosmic rays; mask planes, of which
    COSMIC_RAY has all pixels that were hit. What differs from the template is in ``truth``: ``kind``,
    ``number`` in the sky (-1 for what is injected), ``x`` and ``y`` (from the first pixel), ``trueFlux``
    (nJy) and ``reach`` (pixels).
    """

    exposure: Exposure
    psf: galsim.GSObject
    electrons: FloatArray
    expected: FloatArray
    mask: dict[str, NDArray[np.bool_]]
    truth: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Science, template and difference of one detector in one visit, with the astrometry that was found.

    The template is wider by a margin, and not matched yet; ``kernel`` matches it.
    """

    raw: Raw
    exposure: Exposure
    science: VisitImage
    template: DifferenceImage
    difference: DifferenceImage
    kernel: FloatArray


def expose(exposure: Exposure, sky: list[Source], seed: int, *, has_satellite: bool) -> Raw:
    """Expose a detector to the sky, with other noise for each visit and detector."""
    visit, size = exposure.visit, exposure.detector.size
    passband, background = visit.passband, visit.passband.sky_electrons
    rng = np.random.default_rng([seed, visit.id, exposure.detector.id])
    psf = make_psf(visit.seeing, *rng.normal(0, 0.012, 2))
    sources = sky + injected_sources(exposure, rng)
    truth = pd.DataFrame({"kind": [source.kind for source in sources], "number": np.arange(len(sources))})
    truth["x"], truth["y"] = exposure.to_pixels([source.at(visit.mjd) for source in sources])
    truth["trueFlux"] = [source.change(passband.name, visit.mjd) for source in sources]
    truth["reach"] = [source.reach / PIXEL_SCALE for source in sources]
    truth.loc[len(sky) :, "number"] = -1

    # Images are never aligned perfectly.
    x_error, y_error = rng.normal(0, 0.015, 2)
    flux = truth["trueFlux"] + [source.steady[passband.name] for source in sources]
    shining = zip(sources, truth["x"] + x_error, truth["y"] + y_error, flux, strict=True)
    expected = background + draw_sources(size, exposure, shining, psf) / passband.nanojansky_per_electron
    rows, columns = np.mgrid[:size, :size]
    mask = dict.fromkeys(("STREAK", "INJECTED"), np.zeros(expected.shape, dtype=bool))
    for place in truth[len(sky) :].itertuples():
        mask["INJECTED"] = mask["INJECTED"] | (np.hypot(columns - place.x, rows - place.y) < 6)
    if has_satellite:
        # Bright enough to be detected at its glints only.
        width = 1.2 * visit.seeing / 2.355 / PIXEL_SCALE
        streak, mask["STREAK"] = _draw.satellite(size, 1.45 * background**0.5, width, rng)
        expected += streak
    mask["SATURATED"] = _draw.bleed(expected, FULL_WELL)
    mask["SUSPECT"] = (expected > 0.8 * FULL_WELL) & ~mask["SATURATED"]
    electrons = rng.poisson(expected) + rng.normal(0, READ_NOISE, expected.shape)
    mask["COSMIC_RAY"] = _draw.add_cosmic_rays(electrons, rng)
    near = truth["x"].between(-5, size + 4) & truth["y"].between(-5, size + 4)
    truth = truth[near & (truth["trueFlux"] != 0)]
    return Raw(exposure, psf, electrons.clip(max=1.02 * FULL_WELL), expected, mask, truth)


def process(raw: Raw, sky: list[Source], seed: int, version: Version) -> Images:
    """Repair and calibrate an exposure, and subtract the template of the sky."""
    exposure = replace(raw.exposure, shift=version.shift)
    passband, detector, size = exposure.visit.passband, exposure.detector, exposure.detector.size
    bad = np.zeros(raw.electrons.shape, dtype=bool)
    # The defects belong to the detector, not to the visit; the first source is on the other half.
    one, two = np.random.default_rng([detector.id, size]).integers(10, size // 2, 2)
    bad[:, one] = bad[: size // 3, two : two + 2] = True
    # Only the cores of bright tracks are noticed, so that their ends remain.
    noise, hit = np.sqrt(passband.sky_electrons + READ_NOISE**2), raw.mask["COSMIC_RAY"]
    core = hit & (raw.electrons - raw.expected > version.cosmic_ray_threshold * noise)
    repaired = ndimage.binary_dilation(core) & hit
    defects, scale = bad | repaired, passband.nanojansky_per_electron * version.calibration
    image = scale * _fill(raw.electrons - passband.sky_electrons, defects)
    # From the expected counts: a variance that follows the noise biases fits.
    variance = (raw.expected + READ_NOISE**2) * scale**2
    mask = raw.mask | {"BAD": bad, "COSMIC_RAY": repaired, "INTERPOLATED": defects}
    mask["DETECTION_EDGE"] = np.pad(np.zeros((size - 20, size - 20), bool), 10, constant_values=True)
    science = make_image(VisitImage, exposure, image, variance, mask, raw.psf)

    coadd, coadd_variance, coadd_mask = _coadd(exposure, sky, seed)
    coadd *= version.calibration
    # The kernel is as wide as the margin allows.
    stamps = (psf_stamp(psf, exposure, 2 * _MARGIN + 1) for psf in (TEMPLATE_PSF, raw.psf))
    kernel = make_kernel(*stamps, window=TukeyWindow(0.4))
    image = image - oaconvolve(coadd, kernel, mode="valid")
    variance = variance + oaconvolve(coadd_variance, kernel**2, mode="valid")
    for name, plane in (("NO_DATA", "NO_DATA"), ("SAT_TEMPLATE", "SATURATED")):
        wide = ndimage.binary_dilation(coadd_mask[plane], iterations=2)
        mask[name] = wide[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    # Before the convolution NaN would have spread.
    image[mask["NO_DATA"]] = variance[mask["NO_DATA"]] = np.nan
    coadd[coadd_mask["NO_DATA"]] = coadd_variance[coadd_mask["NO_DATA"]] = np.nan
    template = make_image(DifferenceImage, exposure, coadd, coadd_variance, coadd_mask, TEMPLATE_PSF)
    difference = make_image(DifferenceImage, exposure, image, variance, mask, raw.psf)
    return Images(raw, exposure, science, template, difference, kernel)


def _fill(image: FloatArray, defects: NDArray[np.bool_]) -> FloatArray:
    """Return the image, its defective pixels replaced by the mean of the others, weighted with a Gaussian."""
    weight = ndimage.gaussian_filter((~defects).astype(np.float64), 1.2)
    mean = ndimage.gaussian_filter(np.where(defects, 0.0, image), 1.2)
    return np.where(defects, mean / weight.clip(1e-6), image)


def _coadd(
    exposure: Exposure, sky: list[Source], seed: int
) -> tuple[FloatArray, FloatArray, dict[str, NDArray[np.bool_]]]:
    """Return image, variance and mask of visits before the demo, on the pixels of an exposure and the margin.

    Detectors of even number have a gap, where there are values too.
    """
    passband, detector = exposure.visit.passband, exposure.detector
    scale, side = passband.nanojansky_per_electron, detector.size + 2 * _MARGIN
    x, y = exposure.to_pixels([source.place for source in sky]) + _MARGIN
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
