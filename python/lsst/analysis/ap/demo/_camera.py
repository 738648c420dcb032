"""The camera of the demo: its passbands, its detectors and when it looked where."""

__all__ = (
    "AB_ZERO_POINT",
    "EXPOSURE_TIME",
    "FULL_WELL",
    "INSTRUMENT",
    "PASSBANDS",
    "PIXEL_SCALE",
    "READ_NOISE",
    "DetectorLayout",
    "Passband",
    "Visit",
    "make_layout",
    "make_visits",
)

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

INSTRUMENT = "DemoCam"
"""Name of the instrument in the butler and the APDB."""

PIXEL_SCALE = 0.2
"""Side of a pixel, arcseconds."""

READ_NOISE = 8.0
"""Standard deviation of the readout noise, electrons per pixel."""

FULL_WELL = 120_000.0
"""Charge at which a pixel overflows into its column, electrons."""

EXPOSURE_TIME = 30.0
"""Open-shutter time of a visit, seconds."""

AB_ZERO_POINT = 31.4
"""AB magnitude of 1 nJy."""

_FIRST_NIGHT = date(2026, 1, 10)
_FIRST_MJD = 61050.1875
"""TAI, the beginning of the first visit: 04:30 after the first night's midnight."""
_DAYS_BETWEEN_VISITS = 3
_BORESIGHT = (53.13, -28.1)


@dataclass(frozen=True, slots=True)
class Passband:
    """A filter and how bright the night sky is through it."""

    name: str
    """Band, e.g. ``"r"``."""

    physical_filter: str
    """Name of the piece of glass."""

    zero_point: float
    """AB magnitude that gives one electron per second."""

    sky_magnitude: float
    """Sky brightness, AB magnitudes per square arcsecond."""

    @property
    def nanojansky_per_electron(self) -> float:
        """Calibration of one visit, nJy per electron."""
        magnitude_of_one_electron = self.zero_point + 2.5 * np.log10(EXPOSURE_TIME)
        return float(10 ** (0.4 * (AB_ZERO_POINT - magnitude_of_one_electron)))

    @property
    def sky_level(self) -> float:
        """Sky background, nJy per pixel."""
        return float(10 ** (0.4 * (AB_ZERO_POINT - self.sky_magnitude)) * PIXEL_SCALE**2)

    @property
    def full_well(self) -> float:
        """Saturation level, nJy per pixel, sky included."""
        return FULL_WELL * self.nanojansky_per_electron


PASSBANDS = (
    Passband("r", "r_demo", 28.36, 21.2),
    Passband("i", "i_demo", 28.17, 20.5),
)
"""The filters, in the order in which visits use them. The numbers are those
of the LSST camera, from SMTN-002."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One exposure of the whole focal plane."""

    id: int
    """Visit ID, the night and the sequence number run together."""

    day_obs: int
    """Observing night as an integer, YYYYMMDD."""

    seq_num: int
    """Sequence number within the night."""

    passband: Passband
    """The filter."""

    mjd_begin: float
    """Beginning of the exposure, MJD TAI, days."""

    ra: float
    """Right ascension of the boresight, ICRS degrees."""

    dec: float
    """Declination of the boresight, ICRS degrees."""

    rotation: float
    """Angle of the focal plane on the sky, radians."""

    seeing: float
    """Full width at half maximum of the PSF, arcseconds."""

    @property
    def mjd_middle(self) -> float:
        """Middle of the exposure, MJD TAI, days."""
        return self.mjd_begin + 0.5 * EXPOSURE_TIME / 86400


@dataclass(frozen=True, slots=True)
class DetectorLayout:
    """A square detector and its place in the focal plane."""

    id: int
    """Detector ID."""

    size: int
    """Pixels per side."""

    x_start: int
    """First column, PARENT pixels."""

    y_start: int
    """First row, PARENT pixels."""

    offset: tuple[float, float]
    """Position of the centre in the focal plane, arcseconds."""

    yaw: float
    """Angle of the rows against the focal plane, radians."""

    @property
    def name(self) -> str:
        """Full name of the detector."""
        return f"D{self.id:02d}"

    def to_focal_plane(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where pixels lie in the focal plane, without distortion.

        Parameters
        ----------
        x, y : `numpy.ndarray`
            Positions counted from the first pixel of the detector.

        Returns
        -------
        focal_x, focal_y : `numpy.ndarray`
            Arcseconds.
        """
        dx = (x - (self.size - 1) / 2) * PIXEL_SCALE
        dy = (y - (self.size - 1) / 2) * PIXEL_SCALE
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return self.offset[0] + cos * dx - sin * dy, self.offset[1] + sin * dx + cos * dy


def make_visits(count: int, size: int, rng: np.random.Generator) -> list[Visit]:
    """Plan the visits: three nights apart, filters in turn, slightly dithered.

    Parameters
    ----------
    count : `int`
        Number of visits.
    size : `int`
        Pixels per side of a detector, to which the dithers are in proportion.
    rng : `numpy.random.Generator`
        Source of the dithers and the seeing.

    Returns
    -------
    visits : `list` [`Visit`]
        In the order of time.
    """
    visits = []
    for index in range(count):
        night = _FIRST_NIGHT + timedelta(days=_DAYS_BETWEEN_VISITS * index)
        day_obs = night.year * 10_000 + night.month * 100 + night.day
        seq_num = 112 + 23 * index
        dither = 0.02 * size * PIXEL_SCALE / 3600 * rng.uniform(-1, 1, 2) * (index > 0)
        visits.append(
            Visit(
                id=day_obs * 100_000 + seq_num,
                day_obs=day_obs,
                seq_num=seq_num,
                passband=PASSBANDS[index % len(PASSBANDS)],
                mjd_begin=_FIRST_MJD + _DAYS_BETWEEN_VISITS * index + 0.011 * rng.uniform(),
                ra=float(_BORESIGHT[0] + dither[0] / np.cos(np.radians(_BORESIGHT[1]))),
                dec=float(_BORESIGHT[1] + dither[1]),
                rotation=float(np.radians(30.0 + 1.5 * rng.uniform(-1, 1))),
                seeing=float(np.clip(rng.normal(0.85, 0.07), 0.74, 1.1)),
            )
        )
    return visits


def make_layout(count: int, size: int) -> list[DetectorLayout]:
    """Lay the detectors out in a row, each turned and tilted its own way.

    Parameters
    ----------
    count : `int`
        Number of detectors.
    size : `int`
        Pixels per side.

    Returns
    -------
    detectors : `list` [`DetectorLayout`]
        Detector IDs from 0 up. Detector 1 is read out as a window of a
        larger chip, so its first pixel is not (0, 0).
    """
    pitch = 1.03 * size * PIXEL_SCALE
    yaws = np.radians([0.08, 180.11, 89.94])
    return [
        DetectorLayout(
            id=index,
            size=size,
            x_start=1200 if index == 1 else 0,
            y_start=800 if index == 1 else 0,
            offset=((index - (count - 1) / 2) * pitch, 0.004 * pitch * (-1) ** index),
            yaw=float(yaws[index % len(yaws)]),
        )
        for index in range(count)
    ]
