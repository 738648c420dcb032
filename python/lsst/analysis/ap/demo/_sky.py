"""The sky of the demo: what shines, what changes and what moves."""

__all__ = ("Source", "injected_sources", "make_sky")

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import galsim
import numpy as np

from ._camera import (
    AB_ZERO_POINT,
    EXPOSURE_TIME,
    PIXEL_SCALE,
    Detector,
    Exposure,
    Visit,
    tangent_plane,
)

type Fluxes = dict[str, float]
type Place = tuple[float, float]

_NOTHING: Fluxes = {"g": 0.0, "r": 0.0, "i": 0.0}

_TEMPLATE_AGE = 400.0
"""Days between the visits of the template and the first visit of the demo."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Something in the sky."""

    kind: str
    """What it is, in a word or two."""
    place: Place
    """Right ascension and declination at the epoch, ICRS degrees."""
    steady: Fluxes = field(default_factory=lambda: _NOTHING)
    """Flux that the template holds, by band, nJy."""
    change: Callable[[str, float], float] = lambda band, mjd: 0.0
    """The flux in excess of the template in a band at a time, MJD TAI; nJy."""
    profile: galsim.GSObject | None = None
    """Shape on the sky, of unit flux; a point without one."""
    reach: float = 0.0
    """How far the shape goes, arcseconds."""
    epoch: float = 0.0
    """Time of the position, MJD TAI."""
    rate: tuple[float, float] = (0.0, 0.0)
    """Motion to the east and to the north, arcseconds per day."""

    def at(self, mjd: float) -> Place:
        """Return where it is at a time, MJD TAI; ICRS degrees."""
        east, north = (rate * (mjd - self.epoch) for rate in self.rate)
        return _offset(self.place, east, north)


def make_sky(
    visits: list[Visit], detectors: list[Detector], sources_per_detector: int, rng: np.random.Generator
) -> list[Source]:
    """Fill the field of the visits with sources, as many as at moderate galactic latitude.

    ``sources_per_detector`` of them change on each detector: the first is a
    supernova in a spiral galaxy near the first rows, the next three are at the
    rim, the others are variable stars, active nuclei and supernovae.
    """
    fields = [Exposure(visits[0], detector) for detector in detectors]
    galaxies = [
        _galaxy(place, _power_law(17.0, 25.5, 0.34, rng), rng) for place in _scatter(fields, 37.0, rng)
    ]
    sky = [_star(place, visits[0].mjd, rng) for place in _scatter(fields, 11.0, rng)]
    for here in fields:
        sky += _changing(here, visits, sources_per_detector, galaxies, rng)
        # Bright enough to bleed; fainter on small detectors.
        magnitude = 14.2 - 4.5 * np.log10(np.clip(here.detector.size / 400, 1, 10)) + 0.3 * here.detector.id
        place = here.to_sky(*rng.uniform(0.3, 0.85, 2) * here.detector.size)
        sky.append(Source("star", place, _fluxes(magnitude, 0.2)))
        first_of_nights = {visit.day_obs: visit for visit in reversed(visits)}
        for visit in sorted(first_of_nights.values(), key=lambda visit: visit.id):
            sky += _asteroids(Exposure(visit, here.detector), rng)
    return galaxies + sky


def injected_sources(exposure: Exposure, sky: Sequence[Source], rng: np.random.Generator) -> list[Source]:
    """Return synthetic points to inject into an image, every second one into a galaxy of the sky."""
    hosts = [source for source in sky if source.kind == "galaxy" and source.steady["r"] > 1500]
    injected = []
    for index in range(1 + round(exposure.detector.size / 700)):
        place = exposure.to_sky(*rng.uniform(0.05, 0.95, 2) * exposure.detector.size)
        if index % 2 and hosts:
            place = _inside(_nearest(hosts, place), rng)
        injected.append(Source("injected", place, change=_constant(_fluxes(rng.uniform(20.5, 23.2), 0.1))))
    return injected


def _fluxes(magnitude: float, color: float) -> Fluxes:
    """Return fluxes of an AB magnitude in r and a colour r - i, nJy.

    The colour g - r is twice as large, about as on the main sequence.
    """
    magnitudes = {"g": magnitude + 2 * color, "r": magnitude, "i": magnitude - color}
    return {band: float(10 ** (0.4 * (AB_ZERO_POINT - value))) for band, value in magnitudes.items()}


def _power_law(bright: float, faint: float, slope: float, rng: np.random.Generator) -> float:
    """Draw a magnitude; the counts grow as 10^(slope m)."""
    return float(np.log10(rng.uniform(10 ** (slope * bright), 10 ** (slope * faint))) / slope)


def _scatter(fields: list[Exposure], per_square_arcminute: float, rng: np.random.Generator) -> list[Place]:
    """Spread positions evenly over the detectors and a margin around them."""
    visit, offsets = fields[0].visit, np.array([here.detector.offset for here in fields])
    margin = 0.55 * fields[0].detector.size + 60
    low, high = offsets.min(axis=0) - margin, offsets.max(axis=0) + margin
    count = rng.poisson(np.prod(high - low) * (PIXEL_SCALE / 60) ** 2 * per_square_arcminute)
    plane = tangent_plane(*visit.boresight, visit.rotation)
    return [(ra, dec) for ra, dec in plane.wcs_pix2world(rng.uniform(low, high, (count, 2)), 0)]


def _star(place: Place, mjd: float, rng: np.random.Generator) -> Source:
    """Make a star; a few have a proper motion that leaves a dipole."""
    magnitude = _power_law(15.0, 25.2, 0.20, rng)
    color = np.clip(rng.normal(0.15 + 0.06 * (magnitude - 16), 0.2), -0.2, 1.8)
    east, north = rng.normal(0, 0.08 if rng.random() < 0.025 else 0.0025, 2) / _TEMPLATE_AGE
    return Source("star", place, _fluxes(magnitude, color), epoch=mjd - _TEMPLATE_AGE, rate=(east, north))


def _galaxy(place: Place, magnitude: float, rng: np.random.Generator) -> Source:
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
    here: Exposure, visits: list[Visit], count: int, galaxies: list[Source], rng: np.random.Generator
) -> list[Source]:
    """Make what changes on a detector, and add a galaxy for the first to be in."""
    first, last, size = visits[0].mjd, visits[-1].mjd, here.detector.size
    # On the left side, on the right side just outside, and on the upper side.
    rim = [(1.0, rng.uniform(0.3, 0.9) * size), (size + 0.4, 0.5 * size), (0.4 * size, size - 4.0)]
    galaxies.append(_galaxy(here.to_sky(0.6 * size, 26.0), 19.4, rng))
    sources = [_supernova(_offset(galaxies[-1].place, 0.8, 0.7), 20.3, 0.05, first + 3, rng)]
    sources += [
        _supernova(here.to_sky(*place), rng.uniform(19.8, 20.8), 0.1, first + 5, rng) for place in rim
    ]
    hosts = [galaxy for galaxy in galaxies if galaxy.steady["r"] > 2000]
    for index in range(len(sources), count):
        place = here.to_sky(*rng.uniform(0.03, 0.97, 2) * size)
        if index % 4 == 0:
            kind, period, fluxes = (
                "variable star",
                10 ** rng.uniform(-0.5, 1.3),
                _fluxes(rng.uniform(17.5, 21.8), 0.1),
            )
        elif index % 4 == 2:
            kind, period, fluxes = (
                "active nucleus",
                rng.uniform(60, 300),
                _fluxes(rng.uniform(19.8, 21.5), 0.1),
            )
            place = _nearest(hosts, place).place
        else:
            if rng.random() < 0.75:
                place = _inside(_nearest(hosts, place), rng)
            magnitude, maximum = rng.triangular(20.3, 22.8, 23.6), rng.uniform(first - 10, last + 4)
            sources.append(_supernova(place, magnitude, rng.normal(0.12, 0.1), maximum, rng))
            continue
        change = partial(_swing, fluxes, rng.uniform(0.1, 0.6), first + period * rng.uniform(), period)
        sources.append(Source(kind, place, fluxes, change))
    return sources[:count]


def _asteroids(exposure: Exposure, rng: np.random.Generator) -> list[Source]:
    """Send some asteroids over a detector in one night; every third night one is fast."""
    visit, size, made = exposure.visit, exposure.detector.size, []
    for index in range(1 + round(size / 1000)):
        is_fast = index == 0 and (visit.day_obs + exposure.detector.id) % 3 == 0
        # Arcseconds per day: of one that passes the Earth, or of the main belt.
        speed = 1440 * (rng.uniform(8.0, 13.0) if is_fast else rng.uniform(0.3, 0.8))
        angle, trail = rng.uniform(0, 2 * np.pi), speed * EXPOSURE_TIME / 86400
        made.append(
            Source(
                "asteroid",
                exposure.to_sky(*rng.uniform(0.15, 0.85, 2) * size),
                change=_constant(_fluxes(20.0 if is_fast else rng.triangular(20.3, 22.3, 23.2), 0.13)),
                # GalSim's first axis points to the west.
                profile=galsim.Box(trail, 0.02).rotate((np.pi - angle) * galsim.radians),
                reach=0.5 * trail,
                epoch=visit.mjd,
                rate=(speed * np.cos(angle), speed * np.sin(angle)),
            )
        )
    return made


def _offset(place: Place, east: float, north: float) -> Place:
    """Move a position by some arcseconds."""
    ra, dec = place
    return ra + east / 3600 / np.cos(np.radians(dec)), dec + north / 3600


def _nearest(candidates: list[Source], place: Place) -> Source:
    """Return the source that is nearest to a position."""
    cos_dec = np.cos(np.radians(place[1]))
    return min(candidates, key=lambda s: np.hypot((s.place[0] - place[0]) * cos_dec, s.place[1] - place[1]))


def _inside(host: Source, rng: np.random.Generator) -> Place:
    """Return a position in a galaxy."""
    return _offset(host.place, *rng.normal(0, 0.12 * host.reach, 2))


def _constant(fluxes: Fluxes) -> Callable[[str, float], float]:
    """Return the light curve of what shines evenly and is not in the template."""
    return lambda band, mjd: fluxes[band]


def _supernova(
    place: Place, magnitude: float, color: float, maximum: float, rng: np.random.Generator
) -> Source:
    """Make a supernova, which the template does not hold."""
    change = partial(
        _rise_and_fall, _fluxes(magnitude, color), maximum, rng.uniform(2, 4), rng.uniform(12, 30)
    )
    return Source("supernova", place, change=change)


def _rise_and_fall(fluxes: Fluxes, maximum: float, rise: float, fall: float, band: str, mjd: float) -> float:
    """Follow the light curve of a supernova; redder bands are later and slower.

    The shape is that of Bazin et al. (2009, A&A 499, 653), whose maximum is
    ``peak`` days after the middle of its rise.
    """
    lateness = {"g": -1.0, "r": 0.0, "i": 1.0}[band]
    fall *= 1 + 0.25 * lateness
    peak = rise * np.log(fall / rise - 1)
    days = np.array([mjd - maximum - lateness + peak, peak])
    now, most = np.exp(-days / fall) / (1 + np.exp(-np.clip(days / rise, -50, 50)))
    return float(fluxes[band] * now / most)


def _swing(fluxes: Fluxes, amplitude: float, epoch: float, period: float, band: str, mjd: float) -> float:
    """Vary around the mean that the template holds, more in the blue."""
    phase = 2 * np.pi * (mjd - epoch) / period
    wave = np.sin(phase) + 0.35 * np.sin(2 * phase) + 0.15 * np.sin(3 * phase)
    return float(fluxes[band] * amplitude * {"g": 1.2, "r": 1.0, "i": 0.8}[band] * wave)
