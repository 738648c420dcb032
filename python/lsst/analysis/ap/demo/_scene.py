"""The sky as an exposure and as the template see it, before any noise."""

__all__ = ("Events", "Scene", "draw_scene")

from dataclasses import dataclass

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from lsst.images import DetectorFrame, SkyProjection

from ._camera import PIXEL_SCALE, DetectorLayout, Visit
from ._draw import add_stars, add_trail, convolve, draw_galaxies
from ._population import Galaxies, Movers, Sky
from ._psf import MoffatPsf

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]


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
class Scene:
    """Light on the pixels of a detector, nJy per pixel, without sky."""

    now: FloatArray
    """During the exposure, blurred by its PSF."""
    before: FloatArray
    """In the template, blurred by the template's PSF."""
    events: Events
    """What makes the one differ from the other."""


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Positions counted from the first pixel of a detector."""

    projection: SkyProjection[DetectorFrame]
    detector: DetectorLayout

    def at(self, ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where sky positions lie."""
        if ra.size == 0:  # AST refuses to transform nothing.
            return np.zeros(0), np.zeros(0)
        x, y = self.projection.sky_to_pixel(SkyCoord(ra, dec, unit="deg"))
        return np.asarray(x) - self.detector.x_start, np.asarray(y) - self.detector.y_start

    def near(
        self, ra: FloatArray, dec: FloatArray, east: FloatArray, north: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return where positions some arcseconds off lie."""
        return self.at(ra + east / 3600 / np.cos(np.radians(dec)), dec + north / 3600)


def draw_scene(
    sky: Sky,
    visit: Visit,
    detector: DetectorLayout,
    projection: SkyProjection[DetectorFrame],
    science_psf: MoffatPsf,
    template_psf: MoffatPsf,
    rng: np.random.Generator,
) -> Scene:
    """Draw the sky on the pixels of a detector, now and in the template.

    Parameters
    ----------
    sky : `Sky`
        What there is to see.
    visit : `Visit`
        When to look.
    detector : `DetectorLayout`
        The detector.
    projection : `lsst.images.SkyProjection`
        From PARENT pixels to the sky.
    science_psf : `MoffatPsf`
        PSF of the exposure in the middle of the detector.
    template_psf : `MoffatPsf`
        PSF of the template.
    rng : `numpy.random.Generator`
        Gives the imperfections: a misregistration of some hundredths of a
        pixel, and a PSF that varies over the detector by some thousandths.

    Returns
    -------
    scene : `Scene`
        The light.
    """
    size, band = detector.size, visit.passband.name
    pixels = _Pixels(projection, detector)
    x_error, y_error = rng.normal(0, 0.015, 2)
    slope = rng.normal(0, 0.004, 2)

    def stretch(x: FloatArray, y: FloatArray) -> FloatArray:
        return np.asarray(1 + slope[0] * (2 * x / size - 1) + slope[1] * (2 * y / size - 1))

    galaxies = _galaxies(sky.galaxies, band, size, pixels)
    now = convolve(galaxies, science_psf.stamp(40), (x_error, y_error))
    before = convolve(galaxies, template_psf.stamp(40))

    stars = sky.stars
    x, y = pixels.at(stars.ra, stars.dec)
    add_stars(before, x, y, stars.flux(band), template_psf)
    x, y = pixels.near(stars.ra, stars.dec, stars.shift[:, 0], stars.shift[:, 1])
    add_stars(now, x + x_error, y + y_error, stars.flux(band), science_psf, stretch(x, y))

    variables = sky.variables
    x, y = pixels.at(variables.ra, variables.dec)
    change = variables.flux_change(band, visit.mjd_middle)
    add_stars(now, x + x_error, y + y_error, change, science_psf, stretch(x, y))

    movers = sky.movers
    here = movers.visit == visit.id
    x_mover, y_mover = (place[here] for place in pixels.at(movers.ra, movers.dec))
    flux = movers.flux(band)[here]
    ways = np.stack(_ways(movers, pixels), axis=1)[here]
    for x_i, y_i, flux_i, way in zip(x_mover, y_mover, flux, ways, strict=True):
        add_trail(now, x_i + x_error, y_i + y_error, flux_i, (way[0], way[1]), science_psf)
    events = Events(
        x=np.append(x, x_mover),
        y=np.append(y, y_mover),
        flux=np.append(change, flux),
        is_mover=np.arange(x.size + x_mover.size) >= x.size,
    )
    return Scene(now, before, events)


def _galaxies(galaxies: Galaxies, band: str, size: int, pixels: _Pixels) -> FloatArray:
    """Draw the galaxies on and around the detector, not blurred yet."""
    x, y = pixels.at(galaxies.ra, galaxies.dec)
    x_tip, y_tip = pixels.near(
        galaxies.ra, galaxies.dec, np.sin(galaxies.position_angle), np.cos(galaxies.position_angle)
    )
    angle = np.arctan2(y_tip - y, x_tip - x)
    close = (np.abs(x - size / 2) < size / 2 + 60) & (np.abs(y - size / 2) < size / 2 + 60)
    return draw_galaxies(
        (size, size),
        x[close],
        y[close],
        galaxies.flux(band)[close],
        galaxies.half_light_radius[close] / PIXEL_SCALE,
        galaxies.axis_ratio[close],
        angle[close],
        galaxies.bulge_fraction[close],
    )


def _ways(movers: Movers, pixels: _Pixels) -> tuple[FloatArray, FloatArray]:
    """Return how far the movers go in x and y during the exposure."""
    east = 0.5 * movers.length * np.sin(movers.position_angle)
    north = 0.5 * movers.length * np.cos(movers.position_angle)
    x_start, y_start = pixels.near(movers.ra, movers.dec, -east, -north)
    x_end, y_end = pixels.near(movers.ra, movers.dec, east, north)
    return x_end - x_start, y_end - y_start
