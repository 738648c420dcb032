"""The sky of the demo: what shines, what changes and what moves."""

__all__ = ("Source", "injected_sources", "make_sky")

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import galsim
import numpy as np
from numpy.typing import NDArray

from ._camera import (
    AB_ZERO_POINT,
    EXPOSURE_TIME,
    PASSBANDS,
    PIXEL_SCALE,
    Detector,
    Exposure,
    Visit,
    tangent_plane,
)

type FloatArray = NDArray[np.float64]
type Fluxes = dict[str, float]

_TEMPLATE_AGE = 400.0
"""Days between the visits of the template and the first visit of the demo."""

_BANDS = tuple(passband.name for passband in PASSBANDS)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Something in the sky."""

    kind: str
    """What it is, in a word or two."""

    ra: float
    """At the epoch, ICRS degrees."""

    dec: float
    """At the epoch, ICRS degrees."""

    steady: Fluxes
    """Flux that the template holds, by band, nJy."""

    change: Callable[[str, float], float] | None = None
    """Function of band and MJD TAI: the flux in excess of the template, nJy."""

    profile: galsim.GSObject | None = None
    """Shape on the sky, of unit flux; a point without one."""

    radius: float = 0.0
    """How far the shape reaches, arcseconds."""

    epoch: float = 0.0
    """Time of the position, MJD TAI."""

    rate: tuple[float, float] = (0.0, 0.0)
    """Motion to the east and to the north, arcseconds per day."""

    @property
    def is_moving(self) -> bool:
        """Whether it leaves a trail in an exposure."""
        return self.kind == "asteroid"

    def position(self, mjd: float) -> tuple[float, float]:
        """Return where it is, ICRS degrees."""
        days = mjd - self.epoch
        east, north = days * self.rate[0] / 3600, days * self.rate[1] / 3600
        return self.ra + east / np.cos(np.radians(self.dec)), self.dec + north

    def excess(self, band: str, mjd: float) -> float:
        """Return how much brighter it is than in the template, nJy."""
        return self.change(band, mjd) if self.change else 0.0


def make_sky(
    visits: list[Visit], detectors: list[Detector], sources_per_detector: int, rng: np.random.Generator
) -> list[Source]:
    """Fill the field of the visits with sources."""
    fields = [Exposure(visits[0], detector) for detector in detectors]
    galaxies = [
        _galaxy(*place, _power_law(17.0, 25.5, 0.34, rng), rng) for place in _scatter(fields, 37.0, rng)
    ]
    sky = [_star(*place, visits[0].mjd, rng) for place in _scatter(fields, 11.0, rng)]
    for field in fields:
        sky += _changing(field, visits, sources_per_detector, galaxies, rng)
        # Bright enough to bleed; fainter on small detectors.
        magnitude = 14.2 - 4.5 * np.log10(np.clip(field.detector.size / 400, 1, 10))
        place = _on_detector(field, *rng.uniform(0.3, 0.85, 2) * field.detector.size)
        sky.append(Source("star", *place, _fluxes(magnitude + 0.3 * field.detector.id, 0.2)))
        nights = {visit.day_obs: visit for visit in reversed(visits)}
        for visit in sorted(nights.values(), key=lambda visit: visit.id):
            sky += _asteroids(Exposure(visit, field.detector), rng)
    return galaxies + sky


def injected_sources(
    exposure: Exposure, sky: list[Source], rng: np.random.Generator
) -> tuple[list[Source], list[Source]]:
    """Return synthetic point sources to inject into the images of an exposure."""
    size = exposure.detector.size
    hosts = [source for source in sky if source.kind == "galaxy" and source.steady["r"] > 1500]
    made = []
    for index in range(1 + round(size / 700)):
        place = _on_detector(exposure, *rng.uniform(0.05, 0.95, 2) * size)
        if index % 2 == 1 and hosts:
            place = _inside(_nearest(hosts, place), rng)
        flux = _fluxes(rng.uniform(20.5, 23.2), 0.1)
        made.append(Source("injected", *place, dict.fromkeys(_BANDS, 0.0), partial(_constant, flux)))
    place = _on_detector(exposure, *rng.uniform(0.1, 0.9, 2) * size)
    flux = {band: -value for band, value in _fluxes(rng.uniform(21.0, 22.5), 0.1).items()}
    hole = Source("injected into template", *place, dict.fromkeys(_BANDS, 0.0), partial(_constant, flux))
    return made, [hole] if rng.random() < 0.25 else []


def _fluxes(magnitude: float, color: float) -> Fluxes:
    """Return fluxes of an AB magnitude in r and a colour r - i, nJy.

    The colour g - r is twice as large, about as on the main sequence.
    """
    offsets = {"g": 2 * color, "r": 0.0, "i": -color}
    return {band: float(10 ** (0.4 * (AB_ZERO_POINT - magnitude - offsets[band]))) for band in _BANDS}


def _power_law(bright: float, faint: float, slope: float, rng: np.random.Generator) -> float:
    """Draw a magnitude; the counts grow as 10^(slope m)."""
    return float(np.log10(rng.uniform(10 ** (slope * bright), 10 ** (slope * faint))) / slope)


def _scatter(
    fields: list[Exposure], per_square_arcminute: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Spread positions evenly over the detectors and a margin around them."""
    visit = fields[0].visit
    offsets = np.array([field.detector.offset for field in fields])
    margin = 0.55 * fields[0].detector.size + 60
    low, high = offsets.min(axis=0) - margin, offsets.max(axis=0) + margin
    count = rng.poisson(np.prod(high - low) * (PIXEL_SCALE / 60) ** 2 * per_square_arcminute)
    plane = tangent_plane(*visit.boresight, visit.rotation)
    return [(ra, dec) for ra, dec in plane.wcs_pix2world(rng.uniform(low, high, (count, 2)), 0)]


def _on_detector(exposure: Exposure, x: float, y: float) -> tuple[float, float]:
    """Return the sky position of a pixel, counted from the first."""
    ra, dec = exposure.wcs.all_pix2world([[x, y]], 0)[0]
    return float(ra), float(dec)


def _star(ra: float, dec: float, mjd: float, rng: np.random.Generator) -> Source:
    """Make a star; a few have a proper motion that leaves a dipole."""
    magnitude = _power_law(15.0, 25.2, 0.20, rng)
    color = float(np.clip(rng.normal(0.15 + 0.06 * (magnitude - 16), 0.2), -0.2, 1.8))
    spread = 0.08 if rng.random() < 0.025 else 0.0025
    east, north = rng.normal(0, spread, 2) / _TEMPLATE_AGE
    return Source("star", ra, dec, _fluxes(magnitude, color), epoch=mjd - _TEMPLATE_AGE, rate=(east, north))


def _galaxy(
    ra: float, dec: float, magnitude: float, rng: np.random.Generator, axis_ratio: float | None = None
) -> Source:
    """Make a galaxy of a disk and a bulge; bright ones have knots of young stars."""
    color = float(np.clip(rng.normal(0.35, 0.2), -0.1, 1.2))
    radius = float(0.32 * 10 ** (0.11 * (25 - magnitude) + rng.normal(0, 0.12)))
    axis_ratio = axis_ratio or float(np.clip(rng.beta(3.0, 2.0), 0.18, 1.0))
    bulge = float(rng.beta(0.8, 2.0))
    angle = rng.uniform(0, 180) * galsim.degrees
    disk = galsim.Exponential(half_light_radius=radius)
    if magnitude < 20.5:
        seed = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
        knots = galsim.RandomKnots(50, profile=disk, rng=seed)
        disk = 0.75 * disk + 0.25 * knots
    profile = (1 - bulge) * disk.shear(q=axis_ratio, beta=angle)
    if magnitude < 23.5:
        core = galsim.Sersic(2.5, half_light_radius=0.35 * radius)
        profile += bulge * core.shear(q=np.sqrt(axis_ratio), beta=angle)
    else:
        profile = profile.withFlux(1.0)
    fluxes = _fluxes(magnitude, color)
    # An exponential disk falls by e in 0.6 half-light radii; end it far below the noise.
    reach = radius * (1.5 + 0.6 * np.log(1 + fluxes["i"] / radius**2))
    return Source("galaxy", ra, dec, fluxes, profile=profile, radius=reach)


def _changing(
    field: Exposure, visits: list[Visit], count: int, galaxies: list[Source], rng: np.random.Generator
) -> list[Source]:
    """Make supernovae, variable stars and active nuclei on a detector.

    Galaxies are added for some of them to be in.
    """
    first, last, size = visits[0].mjd, visits[-1].mjd, field.detector.size
    # On the left, on the right just outside, and on the upper side.
    rim = [(1.0, rng.uniform(0.3, 0.9) * size), (size + 0.4, 0.5 * size), (0.4 * size, size - 4.0)]
    sources = []
    for index in range(count):
        color, place = rng.normal(0.12, 0.1), _on_detector(field, *rng.uniform(0.03, 0.97, 2) * size)
        near = partial(_nearest, [galaxy for galaxy in galaxies if galaxy.steady["r"] > 2000])
        kind = index % 4 if index > 3 else -1
        if index == 0:
            place = _on_detector(field, 0.6 * size, 26.0)
            galaxies.append(_galaxy(*place, 19.4, rng, axis_ratio=0.55))
            place = place[0] + 0.8 / 3600, place[1] + 0.7 / 3600
            sources.append(_supernova(place, 20.3, 0.05, first + 3, rng))
        elif index <= len(rim):
            place = _on_detector(field, *rim[index - 1])
            sources.append(_supernova(place, rng.uniform(19.8, 20.8), color, first + 5, rng))
        elif kind == 0:
            flux, period = _fluxes(rng.uniform(17.5, 21.8), color), 10 ** rng.uniform(-0.5, 1.3)
            change = partial(_swing, flux, rng.uniform(0.1, 0.6), first + rng.uniform(0, 20), period)
            sources.append(Source("variable star", *place, flux, change))
        elif kind == 2:
            host, flux, period = near(place), _fluxes(rng.uniform(19.8, 21.5), color), rng.uniform(60, 300)
            change = partial(_swing, flux, rng.uniform(0.2, 0.6), first + period * rng.uniform(), period)
            sources.append(Source("active nucleus", host.ra, host.dec, flux, change))
        else:
            if rng.random() < 0.75:
                place = _inside(near(place), rng)
            maximum = rng.uniform(first - 10, last + 4)
            sources.append(_supernova(place, rng.triangular(20.3, 22.8, 23.6), color, maximum, rng))
    return sources


def _asteroids(exposure: Exposure, rng: np.random.Generator) -> list[Source]:
    """Send some asteroids over a detector in one night; every third night one is fast."""
    made = []
    for index in range(1 + round(exposure.detector.size / 1000)):
        place = _on_detector(exposure, *rng.uniform(0.15, 0.85, 2) * exposure.detector.size)
        # Arcseconds per minute: of the main belt, or of one that passes the Earth.
        is_fast = index == 0 and (exposure.visit.day_obs + exposure.detector.id) % 3 == 0
        speed = rng.uniform(8.0, 13.0) if is_fast else rng.uniform(0.3, 0.8)
        angle = rng.uniform(0, 2 * np.pi)
        fluxes = _fluxes(20.0 if is_fast else rng.triangular(20.3, 22.3, 23.2), 0.13)
        made.append(
            Source(
                "asteroid",
                *place,
                dict.fromkeys(_BANDS, 0.0),
                partial(_constant, fluxes),
                # GalSim's axes are west and north.
                galsim.Box(speed * EXPOSURE_TIME / 60, 0.02).rotate(
                    np.arctan2(np.cos(angle), -np.sin(angle)) * galsim.radians
                ),
                0.5 * speed * EXPOSURE_TIME / 60,
                exposure.visit.mjd,
                (1440 * speed * np.sin(angle), 1440 * speed * np.cos(angle)),
            )
        )
    return made


def _nearest(candidates: list[Source], place: tuple[float, float]) -> Source:
    """Return the source that is nearest to a position."""
    cos_dec = np.cos(np.radians(place[1]))
    return min(candidates, key=lambda s: np.hypot((s.ra - place[0]) * cos_dec, s.dec - place[1]))


def _inside(host: Source, rng: np.random.Generator) -> tuple[float, float]:
    """Return a position in a galaxy."""
    east, north = rng.normal(0, 0.12 * host.radius, 2) / 3600
    return host.ra + east / np.cos(np.radians(host.dec)), host.dec + north


def _supernova(
    place: tuple[float, float], magnitude: float, color: float, maximum: float, rng: np.random.Generator
) -> Source:
    """Make a supernova that the template does not hold."""
    change = partial(
        _rise_and_fall, _fluxes(magnitude, color), maximum, rng.uniform(2.0, 4.0), rng.uniform(12, 30)
    )
    return Source("supernova", *place, dict.fromkeys(_BANDS, 0.0), change)


def _constant(fluxes: Fluxes, band: str, mjd: float) -> float:
    """Shine evenly."""
    return fluxes[band]


def _rise_and_fall(fluxes: Fluxes, maximum: float, rise: float, fall: float, band: str, mjd: float) -> float:
    """Follow the light curve of a supernova (Bazin et al. 2009, A&A 499, 653).

    Redder bands are later and slower.
    """
    lateness = {"g": -1.0, "r": 0.0, "i": 1.0}[band]
    fall *= 1 + 0.25 * lateness
    shape = partial(_bazin, rise=rise, fall=fall)
    peak = rise * np.log(fall / rise - 1)
    return float(fluxes[band] * shape(mjd - maximum - lateness + peak) / shape(peak))


def _bazin(days: float, rise: float, fall: float) -> float:
    return float(np.exp(-days / fall) / (1 + np.exp(-np.clip(days / rise, -50, 50))))


def _swing(fluxes: Fluxes, amplitude: float, epoch: float, period: float, band: str, mjd: float) -> float:
    """Vary around the mean that the template holds, more in the blue."""
    phase = 2 * np.pi * (mjd - epoch) / period
    wave = np.sin(phase) + 0.35 * np.sin(2 * phase) + 0.15 * np.sin(3 * phase)
    return float(fluxes[band] * amplitude * {"g": 1.2, "r": 1.0, "i": 0.8}[band] * wave)
