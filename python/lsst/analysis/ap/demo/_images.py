"""The three images of one detector in one visit, as arrays."""

__all__ = ("DetectorImages", "Events", "MaskedPixels", "make_images")

from dataclasses import dataclass

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray
from scipy import ndimage

from lsst.images import DetectorFrame, SkyProjection

from . import _blemishes, _draw
from ._camera import PIXEL_SCALE, READ_NOISE, DetectorLayout, Visit
from ._psf import MoffatPsf, matching_kernel
from ._sky import Sky
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
class Events:
    """What differs from the template on one detector, as it really is."""

    x: FloatArray
    """Columns counted from the first pixel of the detector."""
    y: FloatArray
    """Rows counted from the first pixel of the detector."""
    flux: FloatArray
    """Flux in excess of the template, nJy."""
    is_mover: BoolArray
    """Whether it is a Solar System object."""


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
    # The exposure's astrometry is wrong by a few hundredths of a pixel.
    offset = rng.normal(0, 0.015, 2)
    light, still, events = _light(sky, visit, detector, projection, science_psf, template_psf, offset, rng)
    streak_mask = np.zeros(light.shape, dtype=bool)
    if streak:
        distance = _blemishes.strip(light.shape, rng, np.radians(rng.uniform(15, 40)))
        noise = np.sqrt(visit.passband.sky_level * visit.passband.nanojansky_per_electron)
        light += _blemishes.streak(distance, 1.45 * noise, 1.2 * science_psf.sigma, rng)
        streak_mask = np.abs(distance) < 4 * science_psf.sigma
    science = _expose(light, visit, detector, rng)
    template, no_gap = _coadd(still, visit, rng, gap=detector.id % 2 == 0)
    difference = _subtract(science, template, no_gap, kernel, streak_mask)
    return DetectorImages(
        visit, detector, projection, science, template, difference, science_psf, template_psf, kernel, events
    )


def _light(
    sky: Sky,
    visit: Visit,
    detector: DetectorLayout,
    projection: SkyProjection[DetectorFrame],
    science_psf: MoffatPsf,
    template_psf: MoffatPsf,
    offset: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, Events]:
    """Draw the sky as the exposure and as the template see it, without noise."""
    size, band = detector.size, visit.passband.name

    def to_pixels(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        if ra.size == 0:  # AST refuses to transform nothing.
            return np.zeros(0), np.zeros(0)
        x, y = projection.sky_to_pixel(SkyCoord(ra, dec, unit="deg"))
        return np.asarray(x) - detector.x_start, np.asarray(y) - detector.y_start

    def moved(
        ra: FloatArray, dec: FloatArray, east: FloatArray, north: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        return to_pixels(ra + east / 3600 / np.cos(np.radians(dec)), dec + north / 3600)

    galaxies, stars = sky.galaxies, sky.stars
    x, y = to_pixels(galaxies.ra, galaxies.dec)
    x_north, y_north = moved(
        galaxies.ra, galaxies.dec, np.sin(galaxies.position_angle), np.cos(galaxies.position_angle)
    )
    near = (np.abs(x - size / 2) < size / 2 + 60) & (np.abs(y - size / 2) < size / 2 + 60)
    blur_free = _draw.draw_galaxies(
        (size, size),
        x[near],
        y[near],
        galaxies.flux(band)[near],
        galaxies.half_light_radius[near] / PIXEL_SCALE,
        galaxies.axis_ratio[near],
        np.arctan2(y_north - y, x_north - x)[near],
        galaxies.bulge_fraction[near],
    )
    light = _draw.convolve(blur_free, science_psf.stamp(40), (offset[0], offset[1]))
    still = _draw.convolve(blur_free, template_psf.stamp(40))

    flux = stars.flux(band)
    x, y = to_pixels(stars.ra, stars.dec)
    _draw.add_stars(still, x, y, flux, template_psf)
    # The PSF widens a little across the focal plane, the kernel does not follow.
    slope = rng.normal(0, 0.004, 2)

    def stretch(x: FloatArray, y: FloatArray) -> FloatArray:
        return np.asarray(1 + slope[0] * (2 * x / size - 1) + slope[1] * (2 * y / size - 1))

    x, y = moved(stars.ra, stars.dec, stars.shift[:, 0], stars.shift[:, 1])
    _draw.add_stars(light, x + offset[0], y + offset[1], flux, science_psf, stretch(x, y))

    variables = sky.variables
    x, y = to_pixels(variables.ra, variables.dec)
    change = variables.flux_change(band, visit.mjd_middle)
    _draw.add_stars(light, x + offset[0], y + offset[1], change, science_psf, stretch(x, y))

    movers, here = sky.movers, np.flatnonzero(sky.movers.visit == visit.id)
    x_move, y_move = to_pixels(movers.ra[here], movers.dec[here])
    half = 0.5 * movers.length[here]
    x_end, y_end = moved(
        movers.ra[here],
        movers.dec[here],
        half * np.sin(movers.position_angle[here]),
        half * np.cos(movers.position_angle[here]),
    )
    flux = movers.flux(band)[here]
    for i in range(here.size):
        way = (2 * (x_end[i] - x_move[i]), 2 * (y_end[i] - y_move[i]))
        _draw.add_trail(light, x_move[i] + offset[0], y_move[i] + offset[1], flux[i], way, science_psf)
    events = Events(
        x=np.append(x, x_move),
        y=np.append(y, y_move),
        flux=np.append(change, flux),
        is_mover=np.append(np.zeros(x.size, dtype=bool), np.ones(here.size, dtype=bool)),
    )
    return light, still, events


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
    still: FloatArray, visit: Visit, rng: np.random.Generator, *, gap: bool
) -> tuple[MaskedPixels, FloatArray]:
    """Turn light into a deep template warped to the pixels of the exposure.

    Also returns the image as it would be without the gap.
    """
    scale, sky_level = visit.passband.nanojansky_per_electron, visit.passband.sky_level
    limit = visit.passband.full_well - sky_level
    saturated = still > limit
    light = np.minimum(still, limit)
    variance = scale**2 * ((light + sky_level) / scale + READ_NOISE**2) / _TEMPLATE_DEPTH
    no_data, shallow = np.zeros((2, *still.shape), dtype=bool)
    if gap:
        distance = np.abs(_blemishes.strip(still.shape, rng, np.radians(rng.uniform(-75, 75))))
        width = max(8.0, 0.012 * still.shape[1])
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
    image = science.image - _draw.convolve(complete_template, kernel)
    filled = np.where(np.isnan(template.variance), np.nanmedian(template.variance), template.variance)
    variance = science.variance + _draw.convolve(filled, kernel**2)
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
