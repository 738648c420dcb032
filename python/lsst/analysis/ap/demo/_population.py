"""The kinds of sources in the sky, each kind a set of columns."""

__all__ = ("Galaxies", "Movers", "Sky", "Stars", "Variables", "flux_in")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._camera import AB_ZERO_POINT

type FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """Point sources of constant brightness; all arrays have one element each."""

    ra: FloatArray
    """ICRS degrees."""
    dec: FloatArray
    """ICRS degrees."""
    magnitude: FloatArray
    """AB magnitude in r."""
    color: FloatArray
    """r - i."""
    shift: FloatArray
    """How far each moved since the template was observed, arcseconds east and
    north, shape (n, 2)."""

    def flux(self, band: str) -> FloatArray:
        """Return the fluxes in a band.

        Parameters
        ----------
        band : `str`
            Name of the band, ``"r"`` or ``"i"``.

        Returns
        -------
        flux : `numpy.ndarray`
            Fluxes, nJy.
        """
        return flux_in(band, self.magnitude, self.color)


@dataclass(frozen=True, slots=True, eq=False)
class Galaxies:
    """Galaxies of constant brightness, each a disk and a bulge."""

    ra: FloatArray
    """ICRS degrees."""
    dec: FloatArray
    """ICRS degrees."""
    magnitude: FloatArray
    """AB magnitude in r."""
    color: FloatArray
    """r - i."""
    half_light_radius: FloatArray
    """Of the disk along the major axis, arcseconds."""
    axis_ratio: FloatArray
    """Minor over major axis."""
    position_angle: FloatArray
    """Of the major axis, radians from north through east."""
    bulge_fraction: FloatArray
    """Part of the flux that is in the bulge."""

    def flux(self, band: str) -> FloatArray:
        """Return the fluxes in a band.

        Parameters
        ----------
        band : `str`
            Name of the band, ``"r"`` or ``"i"``.

        Returns
        -------
        flux : `numpy.ndarray`
            Fluxes, nJy.
        """
        return flux_in(band, self.magnitude, self.color)


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """Point sources whose brightness differs from that in the template.

    Transients rise and decline exponentially from nothing; the others swing
    around the mean that the template holds.
    """

    ra: FloatArray
    """ICRS degrees."""
    dec: FloatArray
    """ICRS degrees."""
    magnitude: FloatArray
    """AB magnitude in r, at maximum of a transient, in the mean otherwise."""
    color: FloatArray
    """r - i."""
    is_transient: NDArray[np.bool_]
    """Whether the source is absent from the template."""
    epoch: FloatArray
    """Time of maximum of a transient, of mean brightness otherwise, MJD."""
    rise: FloatArray
    """e-folding time of the rise of a transient, days."""
    decline: FloatArray
    """e-folding time of the decline of a transient, days."""
    amplitude: FloatArray
    """Half the range of the brightness of a variable, as a fraction."""
    period: FloatArray
    """Period of a variable, days."""

    def flux_change(self, band: str, mjd: float) -> FloatArray:
        """Return how much brighter each source is than in the template.

        Parameters
        ----------
        band : `str`
            Name of the band, ``"r"`` or ``"i"``.
        mjd : `float`
            Time, MJD TAI, days.

        Returns
        -------
        change : `numpy.ndarray`
            Fluxes, nJy; negative where it is fainter.
        """
        age = mjd - self.epoch
        transient = np.exp(np.where(age < 0, age / self.rise, -age / self.decline))
        swing = self.amplitude * np.sin(2 * np.pi * age / self.period)
        return flux_in(band, self.magnitude, self.color) * np.where(self.is_transient, transient, swing)


@dataclass(frozen=True, slots=True, eq=False)
class Movers:
    """Solar System objects that cross the field in one visit."""

    visit: NDArray[np.int64]
    """The visit in which each is there."""
    ra: FloatArray
    """At the middle of the exposure, ICRS degrees."""
    dec: FloatArray
    """At the middle of the exposure, ICRS degrees."""
    magnitude: FloatArray
    """AB magnitude in r."""
    length: FloatArray
    """Way made during the exposure, arcseconds."""
    position_angle: FloatArray
    """Of the motion, radians from north through east."""

    def flux(self, band: str) -> FloatArray:
        """Return the fluxes in a band, of the colour of sunlight.

        Parameters
        ----------
        band : `str`
            Name of the band, ``"r"`` or ``"i"``.

        Returns
        -------
        flux : `numpy.ndarray`
            Fluxes, nJy.
        """
        return flux_in(band, self.magnitude, np.full(self.magnitude.shape, 0.11))


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Everything in the field."""

    stars: Stars
    """Point sources; the mean brightness of variable ones is among them."""
    galaxies: Galaxies
    """Extended sources."""
    variables: Variables
    """What changes."""
    movers: Movers
    """What moves."""


def flux_in(band: str, magnitude: FloatArray, color: FloatArray) -> FloatArray:
    """Turn magnitudes and colours into fluxes.

    Parameters
    ----------
    band : `str`
        Name of the band, ``"r"`` or ``"i"``.
    magnitude : `numpy.ndarray`
        AB magnitudes in r.
    color : `numpy.ndarray`
        Colours r - i.

    Returns
    -------
    flux : `numpy.ndarray`
        Fluxes, nJy.

    Raises
    ------
    ValueError
        Raised for another band.
    """
    if band not in ("r", "i"):
        raise ValueError(f"The demo sky has colours for the bands r and i, not {band!r}")
    return np.asarray(10 ** (0.4 * (AB_ZERO_POINT - magnitude + color * (band == "i"))))
