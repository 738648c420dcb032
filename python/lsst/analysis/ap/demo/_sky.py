"""The sky of the demo: what shines, what changes and what moves."""

__all__ = ("Source", "injected_sources", "make_sky")

from collections.abc import Callable
from dataclasses import dataclass, field

import galsim
import numpy as np
from numpy.random import Generator

from ._camera import AB_ZERO_POINT, EXPOSURE_TIME, PIXEL_SCALE, Detector, Exposure, Visit, tangent_plane

type Fluxes = dict[str, float]
type Place = tuple[float, float]
type Change = Callable[[str, float], float]

_TEMPLATE_AGE = 400.0  # days between the visits of the template and the first visit of the demo
_VARIABLES = {"active nucleus": ((19.8, 21.5), (60.0, 300.0)), "variable star": ((17.5, 21.8), (0.3, 20.0))}
"""What varies: limits of its AB magnitude in r, and of its period in days."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Something in the sky.

    It is at ``place`` at ``epoch``, ICRS degrees and MJD TAI, and moves at ``rate`` to the east and north,
    arcseconds per day. The template holds its ``steady`` flux by band; ``change`` tells the flux in excess
    of that in a band at a time; both nJy. Its ``profile`` has unit flux and goes ``reach`` arcseconds far;
    without one it is a point.
    """

    kind: str
    place: Place
    steady: Fluxes = field(default_factory=lambda: dict.fromkeys("gri", 0.0))
    change: Change = lambda band, mjd: 0.0
    profile: galsim.GSObject | None = None
    reach: float = 0.0
    epoch: float = 0.0
    rate: tuple[float, float] = (0.0, 0.0)

    def at(self, mjd: float) -> Place:
        """Return where it is at a time, MJD TAI; ICRS degrees."""
        east, north = (rate * (mjd - self.epoch) for rate in self.rate)
        return _offset(self.place, east, north)


def make_sky(visits: list[Visit], detectors: list[Detector], changing: int, rng: Generator) -> list[Source]:
    """Fill the field of the visits with sources, as many as at moderate galactic latitude.

    ``changing`` of them change on each detector: the first is a supernova in a spiral galaxy near the first
    rows, the next three are at the rim, the others are variable stars, active nuclei and supernovae.
    """
    fields = [Exposure(visits[0], detector) for detector in detectors]
    places = _scatter(fields, 37.0, rng)
    galaxies = [_galaxy(place, _power_law(17.0, 25.5, 0.34, rng), rng) for place in places]
    sky = [_star(place, visits[0].mjd, rng) for place in _scatter(fields, 11.0, rng)]
    for here in fields:
        sky += _changing(here, visits, changing, galaxies, rng)
        # Bright enough to bleed; fainter on small detectors.
        magnitude = 14.2 - 4.5 * np.log10(np.clip(here.detector.size / 400, 1, 10)) + 0.3 * here.detector.id
        place = here.to_sky(*rng.uniform(0.3, 0.85, 2) * here.detector.size)
        sky.append(Source("star", place, _fluxes(magnitude, 0.2)))
        for visit in visits[::2]:  # the first of each night
            sky += _asteroids(Exposure(visit, here.detector), rng)
    return galaxies + sky


def injected_sources(exposure: Exposure, rng: Generator) -> list[Source]:
    """Return synthetic points to inject into an image."""
    size = exposure.detector.size
    places = [exposure.to_sky(*rng.uniform(0.05, 0.95, 2) * size) for _ in range(1 + round(size / 700))]
    return [Source("injected", place, change=_constant(rng.uniform(20.5, 23.2), 0.1)) for place in places]


def _fluxes(magnitude: float, color: float) -> Fluxes:
    """Return fluxes of an AB magnitude in r and a colour r - i, nJy.

    The colour g - r is twice as large, about as on the main sequence.
    """
    magnitudes = {"g": magnitude + 2 * color, "r": magnitude, "i": magnitude - color}
    return {band: float(10 ** (0.4 * (AB_ZERO_POINT - value))) for band, value in magnitudes.items()}


def _power_law(bright: float, faint: float, slope: float, rng: Generator) -> float:
    """Draw a magnitude; the counts grow as 10^(slope m)."""
    return float(np.log10(rng.uniform(10 ** (slope * bright), 10 ** (slope * faint))) / slope)


def _scatter(fields: list[Exposure], per_square_arcminute: float, rng: Generator) -> list[Place]:
    """Spread positions evenly over the detectors and a margin around them."""
    visit, offsets = fields[0].visit, np.array([here.detector.offset for here in fields])
    margin = 0.55 * fields[0].detector.size + 60
    low, high = offsets.min(axis=0) - margin, offsets.max(axis=0) + margin
    count = rng.poisson(np.prod(high - low) * (PIXEL_SCALE / 60) ** 2 * per_square_arcminute)
    plane = tangent_plane(visit.boresight, visit.rotation)
    return [(ra, dec) for ra, dec in plane.wcs_pix2world(rng.uniform(low, high, (count, 2)), 0)]


def _star(place: Place, mjd: float, rng: Generator) -> Source:
    """Make a star; a few have a proper motion that leaves a dipole."""
    magnitude = _power_law(15.0, 25.2, 0.20, rng)
    color = np.clip(rng.normal(0.15 + 0.06 * (magnitude - 16), 0.2), -0.2, 1.8)
    east, north = rng.normal(0, 0.08 if rng.random() < 0.025 else 0.0025, 2) / _TEMPLATE_AGE
    return Source("star", place, _fluxes(magnitude, color), epoch=mjd - _TEMPLATE_AGE, rate=(east, north))


def _galaxy(place: Place, magnitude: float, rng: Generator) -> Source:
    """Make a galaxy of a disk and a bulge; bright ones have knots of young stars."""
    fluxes = _fluxes(magnitude, np.clip(rng.normal(0.35, 0.2), -0.1, 1.2))
    radius = 0.32 * 10 ** (0.11 * (25 - magnitude) + rng.normal(0, 0.12))
    axis_ratio, bulge = np.clip(rng.beta(3.0, 2.0), 0.18, 1.0), rng.beta(0.8, 2.0)
    disk = galsim.Exponential(half_light_radius=radius)
    if magnitude < 20.5:
        deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
        disk = 0.75 * disk + 0.25 * galsim.RandomKnots(50, profile=disk, rng=deviate)
    shape = disk.shear(q=axis_ratio, beta=rng.uniform(0, 180) * galsim.degrees)
    if magnitude < 23.5:
        shape = (1 - bulge) * shape + bulge * galsim.Sersic(2.5, half_light_radius=0.35 * radius)
    # A disk falls by a factor e in 0.6 half-light radii; it may end far below the noise.
    reach = radius * (1.5 + 0.6 * np.log(1 + fluxes["i"] / radius**2))
    return Source("galaxy", place, fluxes, profile=shape, reach=reach)


def _changing(
    here: Exposure, visits: list[Visit], count: int, galaxies: list[Source], rng: Generator
) -> list[Source]:
    """Make what changes on a detector, and add a galaxy for the first to be in."""
    first, last, size = visits[0].mjd, visits[-1].mjd, here.detector.size
    bright = [galaxy for galaxy in galaxies if galaxy.steady["r"] > 1000]
    places = here.to_pixels(np.reshape([galaxy.place for galaxy in bright], (-1, 2))) / size
    hosts = [bright[i] for i in rng.permutation(len(bright)) if (abs(places[:, i] - 0.5) < 0.5).all()]
    galaxies.append(_galaxy(here.to_sky(0.6 * size, 26.0), 19.4, rng))
    sources = [_supernova(_offset(galaxies[-1].place, 0.8, 0.7), 20.3, 0.05, first + 3, rng)]
    # On the left side, on the right side just outside, and on the upper side.
    for place in (1.0, rng.uniform(0.3, 0.9) * size), (size + 0.4, 0.5 * size), (0.4 * size, size - 4.0):
        sources.append(_supernova(here.to_sky(*place), rng.uniform(19.8, 20.8), 0.1, first + 5, rng))
    for index in range(len(sources), count):
        place = here.to_sky(*rng.uniform(0.03, 0.97, 2) * size)
        if index % 4 == 2 and hosts:
            sources.append(_variable("active nucleus", hosts.pop().place, first, rng))
        elif index % 2 == 0:
            sources.append(_variable("variable star", place, first, rng))
        else:
            if hosts and rng.random() < 0.75:
                host = hosts.pop()
                place = _offset(host.place, *rng.normal(0, 0.12 * host.reach, 2))
            magnitude, maximum = rng.triangular(20.3, 22.8, 23.6), rng.uniform(first - 10, last + 4)
            sources.append(_supernova(place, magnitude, rng.normal(0.12, 0.1), maximum, rng))
    return sources[:count]


def _asteroids(exposure: Exposure, rng: Generator) -> list[Source]:
    """Send some asteroids over a detector in one night; every third night one is fast."""
    visit, size, made = exposure.visit, exposure.detector.size, []
    for index in range(1 + round(size / 1000)):
        is_fast = index == 0 and (visit.day_obs + exposure.detector.id) % 3 == 0
        # Arcseconds per day: of one that passes the Earth, or of the main belt.
        speed = 1440 * (rng.uniform(8.0, 13.0) if is_fast else rng.uniform(0.3, 0.8))
        angle, trail = rng.uniform(0, 2 * np.pi), speed * EXPOSURE_TIME / 86400
        place = exposure.to_sky(*rng.uniform(0.15, 0.85, 2) * size)
        flux = _constant(20.0 if is_fast else rng.triangular(20.3, 22.3, 23.2), 0.13)
        # GalSim's first axis points to the west.
        shape = galsim.Box(trail, 0.02).rotate((np.pi - angle) * galsim.radians)
        rate = speed * np.cos(angle), speed * np.sin(angle)
        made.append(
            Source(
                "asteroid", place, change=flux, profile=shape, reach=0.5 * trail, epoch=visit.mjd, rate=rate
            )
        )
    return made


def _offset(place: Place, east: float, north: float) -> Place:
    """Move a position by some arcseconds."""
    ra, dec = place
    return ra + east / 3600 / np.cos(np.radians(dec)), dec + north / 3600


def _constant(magnitude: float, color: float) -> Change:
    """Return the light curve of what shines evenly and is not in the template."""
    fluxes = _fluxes(magnitude, color)
    return lambda band, mjd: fluxes[band]


def _supernova(place: Place, magnitude: float, color: float, maximum: float, rng: Generator) -> Source:
    """Make a supernova, which the template does not hold; redder bands are later and slower.

    The shape of the light curve is that of Bazin et al. (2009, A&A 499, 653),
    whose maximum is ``peak`` days after the middle of its rise.
    """
    fluxes, rise, fall = _fluxes(magnitude, color), rng.uniform(2, 4), rng.uniform(12, 30)

    def change(band: str, mjd: float) -> float:
        lateness = {"g": -1.0, "r": 0.0, "i": 1.0}[band]
        slow = fall * (1 + 0.25 * lateness)
        peak = rise * np.log(slow / rise - 1)
        days = np.array([mjd - maximum - lateness + peak, peak])
        now, most = np.exp(-days / slow) / (1 + np.exp(-np.clip(days / rise, -50, 50)))
        return float(fluxes[band] * now / most)

    return Source("supernova", place, change=change)


def _variable(kind: str, place: Place, first: float, rng: Generator) -> Source:
    """Make what varies around the mean that the template holds, more in the blue."""
    magnitudes, periods = _VARIABLES[kind]
    fluxes, amplitude = _fluxes(rng.uniform(*magnitudes), 0.1), rng.uniform(0.1, 0.6)
    period = np.exp(rng.uniform(*np.log(periods)))
    epoch = first + period * rng.uniform()

    def change(band: str, mjd: float) -> float:
        phase = 2 * np.pi * (mjd - epoch) / period
        wave = np.sin(phase) + 0.35 * np.sin(2 * phase) + 0.15 * np.sin(3 * phase)
        return float(fluxes[band] * amplitude * {"g": 1.2, "r": 1.0, "i": 0.8}[band] * wave)

    return Source(kind, place, fluxes, change)
