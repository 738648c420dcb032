"""The three images of one detector in one visit, as arrays."""

__all__ = ("DetectorImages", "MaskedPixels", "make_images")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lsst.images import DetectorFrame, SkyProjection

from . import _blemishes
from ._camera import PIXEL_SCALE, READ_NOISE, DetectorLayout, Visit
from ._draw import convolve
from ._population import Sky
from ._psf import MoffatPsf, matching_kernel
from ._scene import Events, draw_scene
from ._wcs import make_sky_projection

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]

_TEMPLATE_SEEING = 0.68
"""Full width at half maximum of the template's PSF, arcseconds."""

_TEMPLATE_DEPTH = 40
"""Number of visits in the template."""


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
class DetectorImages:
    """Science, template and difference of one detector in one visit."""

    visit: Visit
    """The visit."""
    detector: DetectorLayout
    """The detector."""
    projection: SkyProjection[DetectorFrame]
    """From PARENT pixels to the sky."""
    science: MaskedPixels
    """The exposure."""
    template: MaskedPixels
    """The template, on the pixels of the exposure, before it is matched."""
    difference: MaskedPixels
    """The exposure minus the matched template."""
    science_psf: MoffatPsf
    """PSF in the middle of the exposure, and of the difference."""
    template_psf: MoffatPsf
    """PSF of the template."""
    kernel: FloatArray
    """What the template was convolved with to match it."""
    events: Events
    """The truth."""


def make_images(
    sky: Sky, visit: Visit, detector: DetectorLayout, *, streak: bool, seed: int
) -> DetectorImages:
    """Expose a detector to the sky and subtract a template.

    Parameters
    ----------
    sky : `Sky`
        What there is to see.
    visit : `Visit`
        When and where to look.
    detector : `DetectorLayout`
        The detector.
    streak : `bool`
        Whether a satellite passes.
    seed : `int`
        Seed of the noise; other visits and detectors have their own noise.

    Returns
    -------
    images : `DetectorImages`
        Detections are not in the masks yet.
    """
    rng = np.random.default_rng([seed, visit.id, detector.id])
    projection = make_sky_projection(visit, detector)
    science_psf = MoffatPsf(visit.seeing / PIXEL_SCALE, e1=rng.normal(0, 0.02), e2=rng.normal(0, 0.02))
    template_psf = MoffatPsf(_TEMPLATE_SEEING / PIXEL_SCALE)
    kernel = matching_kernel(template_psf, science_psf)
    scene = draw_scene(sky, visit, detector, projection, science_psf, template_psf, rng)
    light, streak_mask = scene.now, np.zeros(scene.now.shape, dtype=bool)
    if streak:
        distance = _blemishes.strip(light.shape, rng, np.radians(rng.uniform(15, 40)))
        # Bright enough to be detected at its glints only.
        noise = np.sqrt(visit.passband.sky_level * visit.passband.nanojansky_per_electron)
        light = light + _blemishes.streak(distance, 1.45 * noise, 1.2 * science_psf.sigma, rng)
        streak_mask = np.abs(distance) < 4 * science_psf.sigma
    science = _expose(light, visit, detector, rng)
    template, no_gap = _coadd(scene.before, visit, rng, gap=detector.id % 2 == 0)
    difference = _subtract(science, template, no_gap, kernel, streak_mask)
    return DetectorImages(
        visit=visit,
        detector=detector,
        projection=projection,
        science=science,
        template=template,
        difference=difference,
        science_psf=science_psf,
        template_psf=template_psf,
        kernel=kernel,
        events=scene.events,
    )


def _expose(
    light: FloatArray, visit: Visit, detector: DetectorLayout, rng: np.random.Generator
) -> MaskedPixels:
    """Turn light into the calibrated image that a detector gives."""
    scale, sky_level = visit.passband.nanojansky_per_electron, visit.passband.sky_level
    full_well = visit.passband.full_well
    collected = light.clip(-0.5 * sky_level) + sky_level
    saturated = _blemishes.bleed(collected, full_well)
    suspect = (collected > 0.8 * full_well) & ~saturated
    electrons = rng.poisson(collected / scale).astype(np.float64)
    electrons += rng.normal(0, READ_NOISE, light.shape)
    rays = _blemishes.cosmic_rays(light.shape, rng)
    electrons += rays
    image = np.minimum(electrons * scale, 1.02 * full_well) - sky_level
    # From the expected counts: a variance that follows the noise biases fits.
    variance = scale**2 * (collected / scale + READ_NOISE**2)
    # Repair finds the core of a bright track only, so its ends remain.
    noise = np.sqrt(sky_level / scale + READ_NOISE**2)
    found = ndimage.binary_dilation(rays > 12 * noise) & (rays > 1.5 * noise)
    bad = np.zeros(light.shape, dtype=bool)
    # The defects belong to the detector, not to the visit.
    columns = np.random.default_rng([detector.id, light.shape[1]]).integers(10, light.shape[1] - 12, 2)
    bad[:, columns[0]] = True
    bad[: light.shape[0] // 3, columns[1] : columns[1] + 2] = True
    _blemishes.interpolate_rows(image, bad | found)
    edge = np.ones(light.shape, dtype=bool)
    edge[5:-5, 5:-5] = False
    return MaskedPixels(
        image,
        variance,
        {
            "BAD": bad,
            "SATURATED": saturated,
            "SUSPECT": suspect,
            "COSMIC_RAY": found,
            "INTERPOLATED": bad | found,
            "DETECTION_EDGE": edge,
        },
    )


def _coadd(
    before: FloatArray, visit: Visit, rng: np.random.Generator, *, gap: bool
) -> tuple[MaskedPixels, FloatArray]:
    """Turn light into a deep template warped to the pixels of the exposure.

    Also returns the image as it would be without the gap.
    """
    scale, sky_level = visit.passband.nanojansky_per_electron, visit.passband.sky_level
    limit = visit.passband.full_well - sky_level
    saturated = before > limit
    light = np.minimum(before, limit)
    variance = scale**2 * ((light + sky_level) / scale + READ_NOISE**2) / _TEMPLATE_DEPTH
    no_data, shallow = np.zeros((2, *before.shape), dtype=bool)
    if gap:
        distance = np.abs(_blemishes.strip(before.shape, rng, np.radians(rng.uniform(-75, 75))))
        width = max(8.0, 0.012 * before.shape[1])
        no_data, shallow = distance < width / 2, distance < 2 * width
    variance[shallow] *= 4
    noise, variance = _blemishes.warped_noise(np.sqrt(variance), np.radians(rng.uniform(2, 40)), rng)
    complete = light + noise
    mask = {"SATURATED": saturated, "NO_DATA": no_data, "HIGH_VARIANCE": shallow & ~no_data}
    blank = np.where(no_data, np.nan, complete)
    return MaskedPixels(blank, np.where(no_data, np.nan, variance), mask), complete


def _subtract(
    science: MaskedPixels,
    template: MaskedPixels,
    complete_template: FloatArray,
    kernel: FloatArray,
    streak: BoolArray,
) -> MaskedPixels:
    """Subtract the matched template from the exposure."""
    # Convolving NaN would spread it over the whole image, so the pixels of
    # the gap are filled for the convolution and blanked after it.
    no_data = ndimage.binary_dilation(template.mask["NO_DATA"], iterations=2)
    image = science.image - convolve(complete_template, kernel)
    filled = np.where(np.isnan(template.variance), np.nanmedian(template.variance), template.variance)
    variance = science.variance + convolve(filled, kernel**2)
    image[no_data] = np.nan
    variance[no_data] = np.nan
    half = kernel.shape[0] // 2
    edge = np.ones(image.shape, dtype=bool)
    edge[half:-half, half:-half] = False
    mask = dict(science.mask)
    mask["DETECTION_EDGE"] = edge
    mask["NO_DATA"] = no_data
    mask["HIGH_VARIANCE"] = template.mask["HIGH_VARIANCE"]
    mask["SAT_TEMPLATE"] = ndimage.binary_dilation(template.mask["SATURATED"], iterations=3)
    mask["STREAK"] = streak
    return MaskedPixels(image, variance, mask)
