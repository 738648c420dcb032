"""The camera of the demo: its passbands, its detectors, and where it looked when."""

__all__ = (
    "AB_ZERO_POINT",
    "EXPOSURE_TIME",
    "FULL_WELL",
    "INSTRUMENT",
    "PASSBANDS",
    "PIXEL_SCALE",
    "READ_NOISE",
    "Detector",
    "Exposure",
    "Passband",
    "Visit",
    "make_detectors",
    "make_visits",
    "tangent_plane",
)

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import astropy.wcs
import galsim
import numpy as np
from numpy.typing import NDArray

from lsst.images import Box, DetectorFrame, SkyProjection

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
_BORESIGHT = np.array([53.13, -28.1])


@dataclass(frozen=True, slots=True)
class Passband:
    """A filter and how bright the night sky is through it."""

    name: str
    """Band, e.g. ``"r"``; the piece of glass has ``_demo`` behind it."""
    zero_point: float
    """AB magnitude that gives one electron per second."""
    sky_magnitude: float
    """Sky brightness, AB magnitudes per square arcsecond."""

    @property
    def nanojansky_per_electron(self) -> float:
        """Calibration of one visit."""
        return 10 ** (0.4 * (AB_ZERO_POINT - self.zero_point)) / EXPOSURE_TIME

    @property
    def sky_electrons(self) -> float:
        """Sky background of one visit, electrons per pixel."""
        return 10 ** (0.4 * (self.zero_point - self.sky_magnitude)) * PIXEL_SCALE**2 * EXPOSURE_TIME


PASSBANDS = (Passband("r", 28.36, 21.2), Passband("i", 28.17, 20.5), Passband("g", 28.51, 22.2))
"""The filters, in the order in which visits use them. The numbers are those
of the LSST camera, from SMTN-002."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One exposure of the whole focal plane."""

    day_obs: int
    """Observing night as an integer, YYYYMMDD."""
    seq_num: int
    """Sequence number within the night."""
    passband: Passband
    """The filter."""
    mjd_begin: float
    """Beginning of the exposure, MJD TAI, days."""
    boresight: tuple[float, float]
    """Right ascension and declination, ICRS degrees."""
    rotation: float
    """Angle of the focal plane on the sky, degrees."""
    seeing: float
    """Full width at half maximum of the PSF, arcseconds."""

    @property
    def id(self) -> int:
        """Visit ID, the night and the sequence number run together."""
        return self.day_obs * 100_000 + self.seq_num

    @property
    def name(self) -> str:
        """Name of the exposure."""
        return f"{self.day_obs}_{self.seq_num:06d}"

    @property
    def mjd(self) -> float:
        """Middle of the exposure, MJD TAI, days."""
        return self.mjd_begin + 0.5 * EXPOSURE_TIME / 86400


@dataclass(frozen=True, slots=True)
class Detector:
    """A square detector and its place in the focal plane."""

    id: int
    """Detector ID."""
    size: int
    """Pixels per side."""
    start: tuple[int, int]
    """First column and first row, PARENT pixels."""
    offset: tuple[float, float]
    """Position of the centre in the focal plane, pixels."""
    yaw: float
    """Angle of the rows against the focal plane, degrees."""

    @property
    def name(self) -> str:
        """Full name of the detector."""
        return f"D{self.id:02d}"

    @property
    def box(self) -> Box:
        """All pixels, PARENT coordinates."""
        (x, y), size = self.start, self.size
        return Box.factory[y : y + size, x : x + size]


@dataclass(frozen=True)
class Exposure:
    """One detector in one visit: which pixel sees which part of the sky.

    Where not said otherwise pixels count from the first of the detector.
    """

    visit: Visit
    """The visit."""
    detector: Detector
    """The detector."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Error of the astrometry in x and y, pixels."""

    @cached_property
    def wcs(self) -> astropy.wcs.WCS:
        """From pixels to ICRS degrees; bends the corners of 2000 pixels by about half a pixel."""
        focal_plane = tangent_plane(*self.visit.boresight, self.visit.rotation)
        ra, dec = focal_plane.wcs_pix2world([self.detector.offset], 0)[0]
        wcs = tangent_plane(ra, dec, self.visit.rotation + self.detector.yaw)
        wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
        wcs.wcs.crpix = (self.detector.size + 1) / 2 + np.array(self.shift)
        bend, a, b = 1 + 0.2 * self.detector.id, np.zeros((4, 4)), np.zeros((4, 4))
        a[2, 0], a[1, 1], a[0, 2], a[3, 0] = 2.1e-7 * bend, 1.4e-7 * bend, -0.9e-7 * bend, 1.2e-11
        b[2, 0], b[1, 1], b[0, 2], b[0, 3] = 0.8e-7 * bend, -1.1e-7 * bend, 1.9e-7 * bend, -1.7e-11
        wcs.sip = astropy.wcs.Sip(a, b, None, None, wcs.wcs.crpix)
        return wcs

    @cached_property
    def projection(self) -> SkyProjection[DetectorFrame]:
        """The same mapping for PARENT pixels."""
        box, (x, y) = self.detector.box, self.detector.start
        frame = DetectorFrame(instrument=INSTRUMENT, visit=self.visit.id, detector=self.detector.id, bbox=box)
        return SkyProjection.from_fits_wcs(self.wcs, frame, pixel_bounds=box, x0=x, y0=y)

    @cached_property
    def jacobian(self) -> galsim.JacobianWCS:
        """The shape of the pixels on the sky, as GalSim draws with it."""
        return galsim.AstropyWCS(wcs=self.wcs).local(image_pos=galsim.PositionD(*self.wcs.wcs.crpix))

    @property
    def first_id(self) -> int:
        """The identifier of the first source.

        From the highest bit down: night since 2010 (the rest of 63 bits),
        sequence number (15), detector (8), counter from 1 (22).
        """
        day_obs = self.visit.day_obs
        nights = (date(day_obs // 10_000, day_obs // 100 % 100, day_obs % 100) - date(2010, 1, 1)).days
        return ((nights << 15 | self.visit.seq_num) << 8 | self.detector.id) << 22 | 1

    def to_sky(self, x: float, y: float) -> tuple[float, float]:
        """Return the position of a pixel, ICRS degrees."""
        ra, dec = self.wcs.all_pix2world([[x, y]], 0)[0]
        return float(ra), float(dec)

    def to_pixels(self, sky: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return columns and rows (2, n) of positions (n, 2), ICRS degrees.

        Far from the detector, where the polynomial has no inverse, it is left out.
        """
        pixels = self.wcs.wcs_world2pix(sky, 0)
        near = (np.abs(pixels - self.detector.size / 2) < self.detector.size).all(axis=1)
        pixels[near] = self.wcs.all_world2pix(sky[near], 0)
        return np.asarray(pixels.T)


def tangent_plane(ra: float, dec: float, angle: float) -> astropy.wcs.WCS:
    """Return a gnomonic projection around pixel (0, 0), whose rows are turned by an angle, all in degrees.

    At an angle of 0 north is up and east to the left.
    """
    wcs = astropy.wcs.WCS(naxis=2)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cd = PIXEL_SCALE / 3600 * np.array([[-cos, sin], [sin, cos]])
    return wcs


def make_visits(count: int, size: int, rng: np.random.Generator) -> list[Visit]:
    """Plan visits: two in every fifth night, 33 minutes apart, in different filters, slightly dithered."""
    visits = []
    for index in range(count):
        nights, again = divmod(index, 2)
        night = _FIRST_NIGHT + timedelta(days=5 * nights)
        dither = 0.02 * size * PIXEL_SCALE / 3600 * rng.uniform(-1, 1, 2) * (index > 0)
        ra, dec = _BORESIGHT + dither / [math.cos(math.radians(_BORESIGHT[1])), 1.0]
        visits.append(
            Visit(
                day_obs=night.year * 10_000 + night.month * 100 + night.day,
                seq_num=112 + 7 * nights + 50 * again,
                passband=PASSBANDS[index % len(PASSBANDS)],
                mjd_begin=_FIRST_MJD + 5 * nights + again * 33 / 1440 + 0.003 * rng.uniform(),
                boresight=(float(ra), float(dec)),
                rotation=30.0 + 1.5 * rng.uniform(-1, 1),
                seeing=float(np.clip(rng.normal(0.87, 0.09), 0.76, 1.15)),
            )
        )
    return visits


def make_detectors(count: int, size: int) -> list[Detector]:
    """Lay the detectors out in a row, each turned and tilted its own way.

    Detector 1 is read out as a window of a larger chip, so its first pixel is not (0, 0).
    """
    pitch, yaws = 1.03 * size, (0.08, 89.94, 180.11)
    return [
        Detector(
            id=index,
            size=size,
            start=(1200, 800) if index == 1 else (0, 0),
            offset=((index - (count - 1) / 2) * pitch, 0.004 * pitch * (-1) ** index),
            yaw=yaws[index % len(yaws)],
        )
        for index in range(count)
    ]
