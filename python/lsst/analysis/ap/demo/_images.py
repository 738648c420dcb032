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

from . import _defects
from ._camera import FULL_WELL, PIXEL_SCALE, READ_NOISE, Exposure
from ._draw import MARGIN, TEMPLATE_PSF, draw_sources, make_psf, make_template, psf_stamp
from ._lsst_images import make_image
from ._sky import Source, injected_sources

type FloatArray = NDArray[np.float64]


class Version(NamedTuple):
    """What differs between versions of the pipeline.

    The least signal-to-noise ratio of a detection, the factor on all fluxes, the error of the astrometry in x
    and y, pixels, and the least charge of a pixel of a cosmic ray that is noticed, in units of the noise.
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
    ``number`` in the sky (-1 for what is injected), ``x`` and ``y`` (from the first pixel), ``flux`` (nJy)
    and ``reach`` (pixels).
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
    truth["flux"] = [source.change(passband.name, visit.mjd) for source in sources]
    truth["reach"] = [source.reach / PIXEL_SCALE for source in sources]
    is_injected = truth["kind"] == "injected"
    truth.loc[is_injected, "number"] = -1

    # Images are never aligned perfectly.
    x_error, y_error = rng.normal(0, 0.015, 2)
    flux = truth["flux"] + [source.steady[passband.name] for source in sources]
    shining = zip(sources, truth["x"] + x_error, truth["y"] + y_error, flux, strict=True)
    expected = background + draw_sources(size, exposure, shining, psf) / passband.nanojansky_per_electron
    rows, columns = np.mgrid[:size, :size]
    mask = dict.fromkeys(("STREAK", "INJECTED"), np.zeros(expected.shape, dtype=bool))
    for place in truth[is_injected].itertuples():
        mask["INJECTED"] = mask["INJECTED"] | (np.hypot(columns - place.x, rows - place.y) < 6)
    if has_satellite:
        # Bright enough to be detected at its glints only.
        width = 1.2 * visit.seeing / 2.355 / PIXEL_SCALE
        streak, mask["STREAK"] = _defects.satellite(size, 1.45 * background**0.5, width, rng)
        expected += streak
    mask["SATURATED"] = _defects.bleed(expected, FULL_WELL)
    mask["SUSPECT"] = (expected > 0.8 * FULL_WELL) & ~mask["SATURATED"]
    electrons = rng.poisson(expected) + rng.normal(0, READ_NOISE, expected.shape)
    mask["COSMIC_RAY"] = _defects.add_cosmic_rays(electrons, rng)
    near = truth["x"].between(-5, size + 4) & truth["y"].between(-5, size + 4)
    truth = truth[near & (truth["flux"] != 0)]
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
    image = raw.electrons - passband.sky_electrons
    _defects.fill(image, bad | repaired)
    scale = passband.nanojansky_per_electron * version.calibration
    image *= scale
    # From the expected counts: a variance that follows the noise biases fits.
    variance = (raw.expected + READ_NOISE**2) * scale**2
    mask = raw.mask | {"BAD": bad, "COSMIC_RAY": repaired, "INTERPOLATED": bad | repaired}
    inner = np.zeros((size - 20, size - 20), dtype=bool)
    mask["DETECTION_EDGE"] = np.pad(inner, 10, constant_values=True)
    science = make_image(VisitImage, exposure, image, variance, mask, raw.psf)

    coadd, coadd_variance, coadd_mask = make_template(exposure, sky, seed)
    coadd *= version.calibration
    # The kernel is as wide as the margin allows.
    stamps = (psf_stamp(psf, exposure, 2 * MARGIN + 1) for psf in (TEMPLATE_PSF, raw.psf))
    kernel = make_kernel(*stamps, window=TukeyWindow(0.4))
    image = image - oaconvolve(coadd, kernel, mode="valid")
    variance = variance + oaconvolve(coadd_variance, kernel**2, mode="valid")
    wide = {name: ndimage.binary_dilation(plane, iterations=2) for name, plane in coadd_mask.items()}
    for name, plane in (("NO_DATA", "NO_DATA"), ("SAT_TEMPLATE", "SATURATED")):
        mask[name] = wide[plane][MARGIN:-MARGIN, MARGIN:-MARGIN]
    # Before the convolution NaN would have spread.
    image[mask["NO_DATA"]] = variance[mask["NO_DATA"]] = np.nan
    coadd[coadd_mask["NO_DATA"]] = coadd_variance[coadd_mask["NO_DATA"]] = np.nan
    template = make_image(DifferenceImage, exposure, coadd, coadd_variance, coadd_mask, TEMPLATE_PSF)
    difference = make_image(DifferenceImage, exposure, image, variance, mask, raw.psf)
    return Images(raw, exposure, science, template, difference, kernel)
