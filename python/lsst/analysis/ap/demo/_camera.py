"""The camera of the demo: its passbands, its detectors, and where it looked when."""

__all__ = (
    "AB_ZERO_POINT",
    "BORESIGHT",
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

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import astropy.wcs
import galsim
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsst.images import Box, DetectorFrame, SkyProjection

INSTRUMENT = "DemoCam"
PIXEL_SCALE = 0.2  # arcseconds
READ_NOISE = 8.0  # electrons per pixel
FULL_WELL = 120_000.0  # electrons, at which a pixel overflows into its column
EXPOSURE_TIME = 30.0  # seconds
AB_ZERO_POINT = 31.4  # AB magnitude of 1 nJy
BORESIGHT = np.array([53.13, -28.1])  # ICRS degrees
_FIRST_NIGHT, _FIRST_MJD = date(2026, 1, 10), 61050.1877


class Passband(NamedTuple):
    """A filter: its band, the AB magnitude that gives one electron per second, and that of the sky per
    square arcsecond.
    """

    name: str
    zero_point: float
    sky_magnitude: float

    @property
    def nanojansky_per_electron(self) -> float:
        """Flux that gives one electron in an exposure."""
        return 10 ** (0.4 * (AB_ZERO_POINT - self.zero_point)) / EXPOSURE_TIME

    @property
    def sky_electrons(self) -> float:
        """Sky background of one visit, electrons per pixel."""
        return 10 ** (0.4 * (self.zero_point - self.sky_magnitude)) * PIXEL_SCALE**2 * EXPOSURE_TIME


# In the order in which visits use them; the numbers are those of the LSST camera, from SMTN-002.
PASSBANDS = (Passband("r", 28.36, 21.2), Passband("i", 28.17, 20.5), Passband("g", 28.51, 22.2))


@dataclass(frozen=True, slots=True)
class Visit:
    """One exposure of the whole focal plane, its middle at ``mjd``, TAI.

    Angles are in degrees (ICRS) but for ``seeing``, the full width at half maximum of the PSF, arcseconds.
    """

    night: date
    seq_num: int
    passband: Passband
    mjd: float
    boresight: tuple[float, float]
    rotation: float
    seeing: float

    @property
    def day_obs(self) -> int:
        """Observing night, YYYYMMDD."""
        return int(f"{self.night:%Y%m%d}")

    @property
    def id(self) -> int:
        """Visit ID, the night and the sequence number run together."""
        return self.day_obs * 100_000 + self.seq_num


@dataclass(frozen=True, slots=True)
class Detector:
    """A square detector of ``size`` pixels per side, which count from ``start`` (PARENT column and row).

    Its centre is ``offset`` pixels off that of the focal plane, against which its rows are turned by ``yaw``
    degrees.
    """

    id: int
    size: int
    start: tuple[int, int]
    offset: tuple[float, float]
    yaw: float

    @property
    def box(self) -> Box:
        """All pixels, PARENT coordinates."""
        return Box.from_shape((self.size, self.size), start=self.start[::-1])


@dataclass(frozen=True)
class Exposure:
    """One detector in one visit, whose astrometry is wrong by ``shift`` pixels.

    Where not said otherwise pixels count from the first of the detector.
    """

    visit: Visit
    detector: Detector
    shift: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def wcs(self) -> astropy.wcs.WCS:
        """From pixels to ICRS degrees; bends the corners of 2000 pixels by about half a pixel."""
        focal_plane = tangent_plane(self.visit.boresight, self.visit.rotation)
        (center,) = focal_plane.wcs_pix2world([self.detector.offset], 0)
        wcs = tangent_plane(center, self.visit.rotation + self.detector.yaw)
        wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
        wcs.wcs.crpix = (self.detector.size + 1) / 2 + np.array(self.shift)
        a, b = np.zeros((2, 4, 4))
        a[2, 0], a[1, 1], a[0, 2], a[3, 0] = 2.1e-7, 1.4e-7, -0.9e-7, 1.2e-11
        b[2, 0], b[1, 1], b[0, 2], b[0, 3] = 0.8e-7, -1.1e-7, 1.9e-7, -1.7e-11
        wcs.sip = astropy.wcs.Sip(a, b, None, None, wcs.wcs.crpix)
        return wcs

    @cached_property
    def projection(self) -> SkyProjection[DetectorFrame]:
        """The same mapping for PARENT pixels."""
        box, (x, y) = self.detector.box, self.detector.start
        frame = DetectorFrame(**self.data_id, bbox=box)
        return SkyProjection.from_fits_wcs(self.wcs, frame, pixel_bounds=box, x0=x, y0=y)

    @cached_property
    def jacobian(self) -> galsim.JacobianWCS:
        """The shape of the pixels on the sky, as GalSim draws with it."""
        return galsim.AstropyWCS(wcs=self.wcs).local(image_pos=galsim.PositionD(*self.wcs.wcs.crpix))

    @property
    def data_id(self) -> dict[str, Any]:
        """What the butler calls it."""
        return {"instrument": INSTRUMENT, "visit": self.visit.id, "detector": self.detector.id}

    @property
    def columns(self) -> dict[str, Any]:
        """What all sources have in common, by the APDB's columns."""
        visit, detector = self.visit, self.detector
        times = {"midpointMjdTai": visit.mjd, "timeProcessedMjdTai": visit.mjd + 75 / 86400}
        return {"visit": visit.id, "detector": detector.id, "band": visit.passband.name, **times}

    @property
    def first_id(self) -> int:
        """The identifier of the first source: from the highest bit down the nights since 2010 (the rest of
        63 bits), the sequence number (15), the detector (8), and a counter from 1 (22).
        """
        nights = (self.visit.night - date(2010, 1, 1)).days
        return ((nights << 15 | self.visit.seq_num) << 8 | self.detector.id) << 22 | 1

    def to_sky(self, x: float, y: float) -> tuple[float, float]:
        """Return the position of a pixel, ICRS degrees."""
        ra, dec = self.wcs.all_pix2world([[x, y]], 0)[0]
        return float(ra), float(dec)

    def to_pixels(self, sky: ArrayLike) -> NDArray[np.float64]:
        """Return columns and rows (2, n) of positions (n, 2), ICRS degrees.

        Far from the detector, where the polynomial has no inverse, it is left out.
        """
        pixels = self.wcs.wcs_world2pix(sky, 0)
        near = (np.abs(pixels - self.detector.size / 2) < self.detector.size).all(axis=1)
        pixels[near] = self.wcs.all_world2pix(np.asarray(sky)[near], 0)
        return np.asarray(pixels.T)


def tangent_plane(center: ArrayLike, angle: float) -> astropy.wcs.WCS:
    """Return a gnomonic projection around pixel (0, 0), whose rows are turned by an angle, all in degrees.

    At an angle of 0 north is up and east to the left.
    """
    wcs = astropy.wcs.WCS(naxis=2)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.ctype, wcs.wcs.radesys = ["RA---TAN", "DEC--TAN"], "ICRS"
    wcs.wcs.crval, wcs.wcs.crpix = center, [1.0, 1.0]
    wcs.wcs.cd = PIXEL_SCALE / 3600 * np.array([[-cos, sin], [sin, cos]])
    return wcs


def make_visits(count: int, size: int, rng: np.random.Generator) -> list[Visit]:
    """Plan visits: two in every fifth night, 33 minutes apart, in different filters, slightly dithered."""
    visits = []
    for index in range(count):
        nights, again = divmod(index, 2)
        dither = 0.02 * size * PIXEL_SCALE / 3600 * rng.uniform(-1, 1, 2) * (index > 0)
        ra, dec = (BORESIGHT + dither / [np.cos(np.radians(BORESIGHT[1])), 1.0]).tolist()
        mjd = _FIRST_MJD + 5 * nights + again * 33 / 1440 + 0.003 * rng.uniform()
        rotation, seeing = 30.0 + 1.5 * rng.uniform(-1, 1), float(np.clip(rng.normal(0.87, 0.09), 0.76, 1.15))
        night, seq_num = _FIRST_NIGHT + timedelta(days=5 * nights), 112 + 7 * nights + 50 * again
        passband = PASSBANDS[index % len(PASSBANDS)]
        visits.append(Visit(night, seq_num, passband, mjd, (ra, dec), rotation, seeing))
    return visits


def make_detectors(count: int, size: int) -> list[Detector]:
    """Lay the detectors out in a row, each turned and tilted its own way.

    Detector 1 is read out as a window of a larger chip, so its first pixel is not (0, 0).
    """
    pitch, yaws, detectors = 1.03 * size, (0.08, 89.94, 180.11), []
    for index in range(count):
        offset = (index - (count - 1) / 2) * pitch, 0.004 * pitch * (-1) ** index
        start = (1200, 800) if index == 1 else (0, 0)
        detectors.append(Detector(index, size, start, offset, yaws[index % len(yaws)]))
    return detectors
