"""An exposure and the three images that a pipeline makes of it."""

__all__ = ("Images", "MaskedPixels", "Raw", "Version", "expose", "process")

from dataclasses import dataclass, replace

import galsim
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from photutils.psf_matching import TukeyWindow, make_kernel
from scipy import ndimage
from scipy.signal import oaconvolve

from . import _defects
from ._camera import FULL_WELL, PIXEL_SCALE, READ_NOISE, Exposure
from ._draw import draw_sources, make_psf, psf_stamp
from ._sky import Source, injected_sources
from ._template import MARGIN, TEMPLATE_SEEING, Template

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
    """Least charge of the core of a cosmic ray that is repaired, in units of the noise."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskedPixels:
    """One image with what is known about its pixels."""

    image: FloatArray
    """Surface brightness, nJy per pixel, sky subtracted; NaN without data."""
    variance: FloatArray
    """Variance of the image, nJy²."""
    mask: dict[str, BoolArray]
    """Mask planes by the names of `lsst.images`."""


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
    """Mask planes; COSMIC_RAY has all pixels that were hit."""
    truth: pd.DataFrame
    """What differs from the template: ``kind``, ``number`` in the sky, ``x``
    and ``y`` (from the first pixel), ``flux`` (nJy), ``reach`` (pixels)."""
    holes: list[tuple[Source, float, float, float]]
    """What is injected into the template: source, x, y, flux."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Science, template and difference of one detector in one visit."""

    raw: Raw
    """Of what they were made."""
    exposure: Exposure
    """The detector in a visit, with the astrometry that was found."""
    science: MaskedPixels
    """The exposure, calibrated."""
    template: MaskedPixels
    """The template on the pixels of the exposure and a margin around them, before it is matched."""
    difference: MaskedPixels
    """The exposure minus the matched template."""
    template_psf: galsim.GSObject
    """PSF of the template."""
    kernel: FloatArray
    """What the template was convolved with to match it."""

    @property
    def psf(self) -> galsim.GSObject:
        """PSF of the exposure, and of the difference."""
        return self.raw.psf


def expose(exposure: Exposure, sky: list[Source], seed: int, *, has_satellite: bool) -> Raw:
    """Expose a detector to the sky.

    The noise has a seed of its own for each visit and detector.
    """
    visit, size = exposure.visit, exposure.detector.size
    band, mjd = visit.passband.name, visit.mjd
    rng = np.random.default_rng([seed, visit.id, exposure.detector.id])
    psf = make_psf(visit.seeing, *rng.normal(0, 0.012, 2))
    injected, into_template = injected_sources(exposure, sky, rng)
    sources = sky + injected
    everything = sources + into_template
    x, y = exposure.to_pixels(np.array([source.position(mjd) for source in everything]))
    excess = np.array([source.excess(band, mjd) for source in everything])

    # Images are never aligned perfectly, and the PSF varies over a detector.
    x_error, y_error = rng.normal(0, 0.015, 2)
    slope = rng.normal(0, 0.004, 2)

    def psf_at(x: float, y: float) -> galsim.GSObject:
        return psf.dilate(1 + slope[0] * (2 * x / size - 1) + slope[1] * (2 * y / size - 1))

    light = np.zeros((size, size), dtype=np.float32)
    flux = [source.steady[band] + change for source, change in zip(sources, excess, strict=False)]
    draw_sources(light, exposure.jacobian, zip(sources, x + x_error, y + y_error, flux, strict=False), psf_at)

    background = visit.passband.sky_electrons
    expected = background + light.astype(np.float64) / visit.passband.nanojansky_per_electron
    mask = {name: np.zeros(light.shape, dtype=bool) for name in ("STREAK", "INJECTED", "INJECTED_TEMPLATE")}
    if has_satellite:
        width = 1.2 * visit.seeing / 2.355 / PIXEL_SCALE
        # Bright enough to be detected at its glints only.
        streak, mask["STREAK"] = _defects.satellite(light.shape, 1.45 * background**0.5, width, rng)
        expected += streak
    mask["SATURATED"] = _defects.bleed(expected, FULL_WELL)
    mask["SUSPECT"] = (expected > 0.8 * FULL_WELL) & ~mask["SATURATED"]
    electrons = rng.poisson(expected) + rng.normal(0, READ_NOISE, light.shape)
    mask["COSMIC_RAY"] = _defects.add_cosmic_rays(electrons, rng)
    np.minimum(electrons, 1.02 * FULL_WELL, out=electrons)

    rows, columns = np.mgrid[:size, :size]
    for i in range(len(sky), len(everything)):
        plane = "INJECTED" if i < len(sources) else "INJECTED_TEMPLATE"
        mask[plane] |= np.hypot(columns - x[i], rows - y[i]) < 6
    truth = pd.DataFrame({"kind": [source.kind for source in everything], "x": x, "y": y, "flux": excess})
    truth["number"] = np.arange(len(truth))
    truth["reach"] = [0.5 * source.radius / PIXEL_SCALE * source.is_moving for source in everything]
    is_near = truth["x"].between(-5, size + 4) & truth["y"].between(-5, size + 4)
    first = len(sources)
    holes = list(zip(into_template, x[first:], y[first:], -excess[first:], strict=True))
    return Raw(exposure, psf, electrons, expected, mask, truth[is_near & (excess != 0)], holes)


def process(raw: Raw, template: Template, version: Version) -> Images:
    """Calibrate an exposure and subtract the template; detections are not in the masks yet."""
    exposure = replace(raw.exposure, shift=version.shift)
    science = _calibrate(raw, version)
    image, variance, mask = template.resample(exposure)
    template_psf = make_psf(TEMPLATE_SEEING)
    draw_sources(image, exposure.jacobian, raw.holes, lambda x, y: template_psf, MARGIN)
    image *= version.calibration
    mask["INJECTED_TEMPLATE"] = np.pad(raw.mask["INJECTED_TEMPLATE"], MARGIN)
    # The kernel is as wide as the margin allows.
    stamps = (psf_stamp(psf, exposure.jacobian, 2 * MARGIN + 1) for psf in (template_psf, raw.psf))
    kernel = make_kernel(*stamps, window=TukeyWindow(0.4))
    inner = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    difference = MaskedPixels(
        science.image - oaconvolve(image, kernel, mode="valid"),
        science.variance + oaconvolve(variance, kernel**2, mode="valid"),
        science.mask
        | {
            "STREAK": raw.mask["STREAK"],
            "INJECTED_TEMPLATE": raw.mask["INJECTED_TEMPLATE"],
            "DETECTION_EDGE": _edge(science.image.shape, 10),
            "NO_DATA": ndimage.binary_dilation(mask["NO_DATA"], iterations=2)[inner],
            "HIGH_VARIANCE": mask["HIGH_VARIANCE"][inner],
            "SAT_TEMPLATE": ndimage.binary_dilation(mask["SATURATED"], iterations=3)[inner],
        },
    )
    wide = MaskedPixels(image.astype(np.float64), variance, mask)
    # NaN would have spread in the convolution.
    for pixels in (wide, difference):
        pixels.image[pixels.mask["NO_DATA"]] = np.nan
        pixels.variance[pixels.mask["NO_DATA"]] = np.nan
    return Images(raw, exposure, science, wide, difference, template_psf, kernel)


def _calibrate(raw: Raw, version: Version) -> MaskedPixels:
    """Repair defects, subtract the sky and scale to nJy."""
    passband, detector = raw.exposure.visit.passband, raw.exposure.detector
    bad = np.zeros(raw.electrons.shape, dtype=bool)
    # The defects belong to the detector, not to the visit.
    columns = np.random.default_rng([detector.id, detector.size]).integers(10, detector.size - 12, 2)
    bad[:, columns[0]] = True
    bad[: detector.size // 3, columns[1] : columns[1] + 2] = True
    # Only the cores of bright tracks are found, so that their ends remain.
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
    return MaskedPixels(electrons * scale, (raw.expected + READ_NOISE**2) * scale**2, mask)


def _edge(shape: tuple[int, ...], width: int) -> BoolArray:
    """Return the pixels that are so near to the edge."""
    edge = np.ones(shape, dtype=bool)
    edge[width:-width, width:-width] = False
    return edge
