"""An exposure and the three images that a pipeline makes of it."""

__all__ = ("Images", "Raw", "Version", "expose", "process")

from dataclasses import dataclass, replace

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
from ._draw import draw_sources, make_psf, psf_stamp
from ._lsst_images import make_image
from ._sky import Source, injected_sources
from ._template import MARGIN, TEMPLATE_PSF, Template

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Version:
    """What differs between versions of the pipeline."""

    name: str
    """Last part of the name of the collection."""
    threshold: float = 5.0
    """Least signal-to-noise ratio of a detection."""
    calibration: float = 1.0
    """Factor on all fluxes."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Error of the astrometry in x and y, pixels."""
    cosmic_ray_threshold: float = 12.0
    """Least charge of a pixel of a cosmic ray that is noticed, in units of the noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What a detector recorded, and the truth about it."""

    exposure: Exposure
    """The detector in a visit."""
    psf: galsim.GSObject
    """PSF in the middle of the detector."""
    electrons: FloatArray
    """Charge of each pixel."""
    expected: FloatArray
    """The same without noise and cosmic rays."""
    mask: dict[str, BoolArray]
    """Mask planes by name; COSMIC_RAY has all pixels that were hit."""
    truth: pd.DataFrame
    """What differs from the template: ``kind``, ``number`` in the sky (-1 for what is injected), ``x`` and
    ``y`` (from the first pixel), ``flux`` (nJy), ``reach`` (pixels)."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Science, template and difference of one detector in one visit."""

    raw: Raw
    """Of what they were made."""
    exposure: Exposure
    """The detector in a visit, with the astrometry that was found."""
    science: VisitImage
    """The exposure, calibrated."""
    template: DifferenceImage
    """The template on the pixels of the exposure and a margin, before it is matched."""
    difference: DifferenceImage
    """The exposure minus the matched template."""


def expose(exposure: Exposure, sky: list[Source], seed: int, *, has_satellite: bool) -> Raw:
    """Expose a detector to the sky, with other noise for each visit and detector."""
    visit, size = exposure.visit, exposure.detector.size
    rng = np.random.default_rng([seed, visit.id, exposure.detector.id])
    psf = make_psf(visit.seeing, *rng.normal(0, 0.012, 2))
    sources = sky + injected_sources(exposure, sky, rng)
    truth = pd.DataFrame({"kind": [source.kind for source in sources], "number": np.arange(len(sources))})
    truth["x"], truth["y"] = exposure.to_pixels(np.array([source.at(visit.mjd) for source in sources]))
    truth["flux"] = [source.change(visit.passband.name, visit.mjd) for source in sources]
    truth["reach"] = [source.reach / PIXEL_SCALE for source in sources]

    # Images are never aligned perfectly, and the PSF varies over a detector.
    x_error, y_error = rng.normal(0, 0.015, 2)
    slope = rng.normal(0, 0.004, 2)

    def psf_at(x: float, y: float) -> galsim.GSObject:
        return psf.dilate(1 + slope[0] * (2 * x / size - 1) + slope[1] * (2 * y / size - 1))

    light = np.zeros((size, size), dtype=np.float32)
    flux = truth["flux"] + [source.steady[visit.passband.name] for source in sources]
    shining = zip(sources, truth["x"] + x_error, truth["y"] + y_error, flux, strict=True)
    draw_sources(light, exposure.jacobian, shining, psf_at)

    background = visit.passband.sky_electrons
    expected = background + light.astype(np.float64) / visit.passband.nanojansky_per_electron
    mask = {"STREAK": np.zeros(light.shape, dtype=bool), "INJECTED": np.zeros(light.shape, dtype=bool)}
    if has_satellite:
        width = 1.2 * visit.seeing / 2.355 / PIXEL_SCALE
        # Bright enough to be detected at its glints only.
        streak, mask["STREAK"] = _defects.satellite(size, 1.45 * background**0.5, width, rng)
        expected += streak
    mask["SATURATED"] = _defects.bleed(expected, FULL_WELL)
    mask["SUSPECT"] = (expected > 0.8 * FULL_WELL) & ~mask["SATURATED"]
    electrons = rng.poisson(expected) + rng.normal(0, READ_NOISE, light.shape)
    mask["COSMIC_RAY"] = _defects.add_cosmic_rays(electrons, rng)
    np.minimum(electrons, 1.02 * FULL_WELL, out=electrons)
    rows, columns = np.mgrid[:size, :size]
    for place in truth[truth["kind"] == "injected"].itertuples():
        mask["INJECTED"] |= np.hypot(columns - place.x, rows - place.y) < 6
    truth.loc[truth["kind"] == "injected", "number"] = -1
    near = truth["x"].between(-5, size + 4) & truth["y"].between(-5, size + 4)
    return Raw(exposure, psf, electrons, expected, mask, truth[near & (truth["flux"] != 0)])


def process(raw: Raw, template: Template, version: Version) -> Images:
    """Calibrate an exposure and subtract the template."""
    exposure = replace(raw.exposure, shift=version.shift)
    image, variance, mask = _calibrate(raw, version)
    science = make_image(VisitImage, exposure, image, variance, mask, raw.psf)
    coadd, coadd_variance, coadd_mask = template.resample(exposure)
    coadd *= version.calibration
    # The kernel is as wide as the margin allows.
    stamps = (psf_stamp(psf, exposure.jacobian, 2 * MARGIN + 1) for psf in (TEMPLATE_PSF, raw.psf))
    kernel = make_kernel(*stamps, window=TukeyWindow(0.4))
    image -= oaconvolve(coadd, kernel, mode="valid")
    variance += oaconvolve(coadd_variance, kernel**2, mode="valid")
    inner = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    mask |= {
        "STREAK": raw.mask["STREAK"],
        "DETECTION_EDGE": _edge(image.shape, 10),
        "NO_DATA": ndimage.binary_dilation(coadd_mask["NO_DATA"], iterations=2)[inner],
        "HIGH_VARIANCE": coadd_mask["HIGH_VARIANCE"][inner],
        "SAT_TEMPLATE": ndimage.binary_dilation(coadd_mask["SATURATED"], iterations=3)[inner],
    }
    # Before the convolution NaN would have spread.
    image[mask["NO_DATA"]] = variance[mask["NO_DATA"]] = np.nan
    coadd[coadd_mask["NO_DATA"]] = coadd_variance[coadd_mask["NO_DATA"]] = np.nan
    warped = make_image(DifferenceImage, exposure, coadd, coadd_variance, coadd_mask, TEMPLATE_PSF)
    difference = make_image(DifferenceImage, exposure, image, variance, mask, raw.psf, kernel)
    return Images(raw, exposure, science, warped, difference)


def _calibrate(raw: Raw, version: Version) -> tuple[FloatArray, FloatArray, dict[str, BoolArray]]:
    """Repair defects, subtract the sky and scale to nJy."""
    passband, detector = raw.exposure.visit.passband, raw.exposure.detector
    bad = np.zeros(raw.electrons.shape, dtype=bool)
    # The defects belong to the detector, not to the visit.
    columns = np.random.default_rng([detector.id, detector.size]).integers(10, detector.size - 12, 2)
    bad[:, columns[0]] = True
    bad[: detector.size // 3, columns[1] : columns[1] + 2] = True
    # Only the cores of bright tracks are noticed, so that their ends remain.
    noise = np.sqrt(passband.sky_electrons + READ_NOISE**2)
    hit = raw.mask["COSMIC_RAY"]
    core = hit & (raw.electrons - raw.expected > version.cosmic_ray_threshold * noise)
    found = ndimage.binary_dilation(core) & hit
    electrons = raw.electrons - passband.sky_electrons
    _defects.fill(electrons, bad | found)
    mask = {plane: raw.mask[plane] for plane in ("SATURATED", "SUSPECT", "INJECTED")}
    mask |= {"BAD": bad, "COSMIC_RAY": found, "INTERPOLATED": bad | found}
    mask["DETECTION_EDGE"] = _edge(electrons.shape, 5)
    scale = passband.nanojansky_per_electron * version.calibration
    # From the expected counts: a variance that follows the noise biases fits.
    return electrons * scale, (raw.expected + READ_NOISE**2) * scale**2, mask


def _edge(shape: tuple[int, ...], width: int) -> BoolArray:
    """Return the pixels that are so near to the edge."""
    edge = np.ones(shape, dtype=bool)
    edge[width:-width, width:-width] = False
    return edge
