"""Filling the field of the demo with stars, galaxies and what changes or moves."""

__all__ = ("make_sky",)

import numpy as np
from numpy.typing import NDArray

from ._camera import PIXEL_SCALE, DetectorLayout, Visit
from ._population import Galaxies, Movers, Sky, Stars, Variables
from ._wcs import focal_plane_to_sky

type FloatArray = NDArray[np.float64]


def make_sky(
    visits: list[Visit], detectors: list[DetectorLayout], sources_per_detector: int, rng: np.random.Generator
) -> Sky:
    """Fill the field of the visits with sources.

    Parameters
    ----------
    visits : `list` [`Visit`]
        When the field is observed; the first tells where it is.
    detectors : `list` [`DetectorLayout`]
        The footprint.
    sources_per_detector : `int`
        Number of changing sources on each detector.
    rng : `numpy.random.Generator`
        Source of all randomness.

    Returns
    -------
    sky : `Sky`
        Densities of constant sources are those of a field at moderate
        galactic latitude.
    """
    stars = _make_stars(visits[0], detectors, rng)
    galaxies = _make_galaxies(visits[0], detectors, rng)
    variables = _make_variables(visits, detectors, sources_per_detector, stars, galaxies, rng)
    movers = _make_movers(visits, detectors, rng)
    steady = ~variables.is_transient
    stars = Stars(
        ra=np.append(stars.ra, variables.ra[steady]),
        dec=np.append(stars.dec, variables.dec[steady]),
        magnitude=np.append(stars.magnitude, variables.magnitude[steady]),
        color=np.append(stars.color, variables.color[steady]),
        shift=np.concatenate([stars.shift, np.zeros((steady.sum(), 2))]),
    )
    return Sky(stars, galaxies, variables, movers)


def _scatter(
    visit: Visit, detectors: list[DetectorLayout], per_square_arcminute: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Spread sources evenly over the detectors and a margin around them."""
    half = detectors[0].size * PIXEL_SCALE / 2
    margin = 0.1 * half + 12.0
    x_offsets, y_offsets = np.array([detector.offset for detector in detectors]).T
    low = np.array([x_offsets.min() - half - margin, y_offsets.min() - half - margin])
    high = np.array([x_offsets.max() + half + margin, y_offsets.max() + half + margin])
    count = rng.poisson(np.prod(high - low) / 3600 * per_square_arcminute)
    x, y = rng.uniform(low, high, (count, 2)).T
    return focal_plane_to_sky(visit, x, y)


def _power_law_magnitudes(
    bright: float, faint: float, slope: float, count: int, rng: np.random.Generator
) -> FloatArray:
    """Draw magnitudes whose counts grow as 10^(slope m)."""
    low, high = 10 ** (slope * bright), 10 ** (slope * faint)
    return np.asarray(np.log10(rng.uniform(low, high, count)) / slope)


def _make_stars(visit: Visit, detectors: list[DetectorLayout], rng: np.random.Generator) -> Stars:
    ra, dec = _scatter(visit, detectors, 11.0, rng)
    magnitude = _power_law_magnitudes(15.0, 25.2, 0.20, ra.size, rng)
    color = np.clip(rng.normal(0.15 + 0.06 * (magnitude - 16), 0.2), -0.2, 1.8)
    # Where the images are not aligned a star leaves a dipole; a few stars of
    # high proper motion leave an obvious one.
    shift = rng.normal(0, 0.0025, (ra.size, 2))
    fast = rng.random(ra.size) < 0.02
    shift[fast] += rng.normal(0, 0.06, (fast.sum(), 2))
    # One star bright enough to bleed on every detector; fainter on small ones.
    size = detectors[0].size
    brightest = 14.2 - 4.5 * np.log10(np.clip(size / 400, 1, 10))
    x, y = rng.uniform(0.15 * size, 0.85 * size, (2, len(detectors)))
    bright = [
        focal_plane_to_sky(visit, *detector.to_focal_plane(x[i : i + 1], y[i : i + 1]))
        for i, detector in enumerate(detectors)
    ]
    return Stars(
        ra=np.append(ra, [position[0] for position in bright]),
        dec=np.append(dec, [position[1] for position in bright]),
        magnitude=np.append(magnitude, brightest + 0.3 * np.arange(len(detectors))),
        color=np.append(color, np.full(len(detectors), 0.2)),
        shift=np.concatenate([shift, np.zeros((len(detectors), 2))]),
    )


def _make_galaxies(visit: Visit, detectors: list[DetectorLayout], rng: np.random.Generator) -> Galaxies:
    ra, dec = _scatter(visit, detectors, 70.0, rng)
    magnitude = _power_law_magnitudes(17.0, 26.2, 0.34, ra.size, rng)
    return Galaxies(
        ra=ra,
        dec=dec,
        magnitude=magnitude,
        color=np.clip(rng.normal(0.35, 0.2, ra.size), -0.1, 1.2),
        half_light_radius=0.32 * 10 ** (0.11 * (25 - magnitude) + rng.normal(0, 0.12, ra.size)),
        axis_ratio=np.clip(rng.beta(3.0, 2.0, ra.size), 0.18, 1.0),
        position_angle=rng.uniform(0, np.pi, ra.size),
        bulge_fraction=rng.beta(0.8, 2.0, ra.size),
    )


def _make_variables(
    visits: list[Visit],
    detectors: list[DetectorLayout],
    per_detector: int,
    stars: Stars,
    galaxies: Galaxies,
    rng: np.random.Generator,
) -> Variables:
    """Put transients, variable stars and active nuclei on every detector.

    The last four of each detector are transients on its rim, one of them just
    outside; with the dithers this holds for the first visit.
    """
    size = detectors[0].size
    ra, dec, on_rim = [], [], []
    for detector in detectors:
        x, y = rng.uniform(0, size, (2, per_detector))
        rim = np.arange(per_detector) >= per_detector - 4
        # One side each: left, right, bottom, top.
        sides = np.arange(4 - rim.sum(), 4)
        inset = np.array([1.0, 3.0, 7.0, -1.4])[sides]
        along = rng.uniform(0.1, 0.9, rim.sum()) * size
        across = np.where(sides % 2 == 0, inset, size - 1 - inset)
        x[rim] = np.where(sides < 2, across, along)
        y[rim] = np.where(sides < 2, along, across)
        ra_here, dec_here = focal_plane_to_sky(visits[0], *detector.to_focal_plane(x, y))
        ra.append(ra_here)
        dec.append(dec_here)
        on_rim.append(rim)
    rim = np.concatenate(on_rim)
    count = rim.size
    draw = rng.random(count)
    is_transient = rim | (draw < 0.55)
    is_nucleus = ~is_transient & (draw < 0.7)
    magnitude = np.where(
        is_transient, rng.triangular(20.3, 23.6, 24.3, count), rng.uniform(17.5, 22.0, count)
    )
    magnitude[rim] = rng.uniform(19.8, 21.0, rim.sum())
    magnitude[is_nucleus] = rng.uniform(19.5, 22.0, is_nucleus.sum())
    sky_ra, sky_dec = np.concatenate(ra), np.concatenate(dec)
    hosted = is_nucleus | (is_transient & ~rim & (rng.random(count) < 0.65))
    _move_to_hosts(sky_ra, sky_dec, hosted, is_nucleus, galaxies, rng)
    first, last = visits[0].mjd_middle, visits[-1].mjd_middle
    epoch = rng.uniform(first - 12, last + 5, count)
    epoch[rim] = first
    return Variables(
        ra=sky_ra,
        dec=sky_dec,
        magnitude=magnitude,
        color=np.clip(rng.normal(0.15, 0.25, count), -0.3, 1.0),
        is_transient=is_transient,
        epoch=epoch,
        rise=rng.uniform(2, 8, count),
        decline=rng.uniform(8, 40, count),
        amplitude=np.clip(rng.lognormal(np.log(0.15), 0.6, count), 0.03, 0.8),
        period=np.where(is_nucleus, rng.uniform(40, 300, count), 10 ** rng.uniform(-0.5, 1.3, count)),
    )


def _move_to_hosts(
    ra: FloatArray,
    dec: FloatArray,
    hosted: NDArray[np.bool_],
    central: NDArray[np.bool_],
    galaxies: Galaxies,
    rng: np.random.Generator,
) -> None:
    """Move each hosted source into the galaxy nearest to it, of the brighter ones."""
    candidates = np.flatnonzero(galaxies.magnitude < 23.0)
    if candidates.size == 0:
        return
    for index in np.flatnonzero(hosted):
        cos_dec = np.cos(np.radians(dec[index]))
        distance2 = ((galaxies.ra[candidates] - ra[index]) * cos_dec) ** 2 + (
            galaxies.dec[candidates] - dec[index]
        ) ** 2
        host = candidates[np.argmin(distance2)]
        offset = rng.normal(0, 0.6 * galaxies.half_light_radius[host], 2) / 3600
        offset *= not central[index]
        ra[index] = galaxies.ra[host] + offset[0] / cos_dec
        dec[index] = galaxies.dec[host] + offset[1]


def _make_movers(visits: list[Visit], detectors: list[DetectorLayout], rng: np.random.Generator) -> Movers:
    """Send some asteroids over each detector, one of the first visit's fast."""
    ra, dec, visit_ids, fast = [], [], [], []
    for visit_index, visit in enumerate(visits):
        for detector_index, detector in enumerate(detectors):
            count = 1 + round(detector.size / 1000)
            x, y = rng.uniform(0.15, 0.85, (2, count)) * detector.size
            sky = focal_plane_to_sky(visit, *detector.to_focal_plane(x, y))
            ra.append(sky[0])
            dec.append(sky[1])
            visit_ids.append(np.full(count, visit.id))
            fast.append((np.arange(count) == 0) & (detector_index == visit_index % len(detectors)))
    is_fast = np.concatenate(fast)
    return Movers(
        visit=np.concatenate(visit_ids),
        ra=np.concatenate(ra),
        dec=np.concatenate(dec),
        magnitude=np.where(is_fast, 20.2, rng.triangular(20.5, 23.3, 23.6, is_fast.size)),
        length=np.where(is_fast, rng.uniform(4.0, 6.5, is_fast.size), rng.uniform(0.15, 0.4, is_fast.size)),
        position_angle=rng.uniform(0, 2 * np.pi, is_fast.size),
    )
