"""The mapping between the sky and PARENT pixels, whoever wrote it."""

__all__ = (
    "AfwSkyMap",
    "HeaderSkyMap",
    "LsstSkyMap",
    "SkyMap",
    "positions_of",
    "sky_jacobians",
    "unit_vectors",
)

import re
import warnings
from typing import Any, Protocol

import numpy as np
from astropy.coordinates import ICRS, SkyCoord
from astropy.io.fits import Header
from astropy.wcs import WCS, FITSFixedWarning, NoConvergence
from astropy.wcs.utils import wcs_to_celestial_frame
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

FURTHER_AXIS = re.compile(
    r"(CTYPE|CRPIX|CRVAL|CUNIT|CDELT|CROTA|NAXIS)[3-9]|(CD|PC)([3-9]_[1-9]|[1-9]_[3-9])|PV[3-9]_\d+"
)
"""Cards of axes beyond the two of an image."""


class SkyMap(Protocol):
    """Two-way mapping between ICRS degrees and PARENT pixels, vectorised."""

    def sky_to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return the pixels that sky positions fall on.

        ``ra``, ``dec``: ICRS degrees, shape (N,). Returns: PARENT pixels, shape (N,); NaN where undefined.
        """
        ...

    def pixel_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the sky positions of pixels.

        ``x``, ``y``: PARENT pixels, shape (N,). Returns: ICRS degrees, shape (N,).
        """
        ...


class HeaderSkyMap:
    """The WCS of a FITS header, for files that have no better one.

    ``header``: header of the image extension. ``x0``, ``y0``: PARENT position of the first pixel of the
    image. Raises `ValueError` if the header has no celestial WCS of the first two axes.

    What astropy knows how to mend is mended: units such as ``DEG``, the PV cards of SCAMP beside or without
    SIP.
    """

    def __init__(self, header: Header, x0: int, y0: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            self._wcs = WCS(_plane_header(header))
        if not self._wcs.has_celestial:
            raise ValueError("neither the file's archive nor its header has a celestial WCS")
        self._longitude_first = self._wcs.wcs.lng == 0
        self._frame = wcs_to_celestial_frame(self._wcs)
        self._x0 = x0
        self._y0 = y0

    def sky_to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        sky = SkyCoord(ra, dec, unit="deg", frame=ICRS).transform_to(self._frame).spherical
        world = (sky.lon.deg, sky.lat.deg) if self._longitude_first else (sky.lat.deg, sky.lon.deg)
        try:
            x, y = self._wcs.all_world2pix(*world, 0, tolerance=1e-9, maxiter=50)
        except NoConvergence as error:
            # Far outside of the image the distortion cannot be inverted; those
            # positions are off the image, the others have their answer.
            solution = np.array(error.best_solution, dtype=np.float64)
            for failed in (error.divergent, error.slow_conv):
                if failed is not None:
                    solution[failed] = np.nan
            x, y = solution.T
        return x + self._x0, y + self._y0

    def pixel_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        lon, lat = self._wcs.all_pix2world(x - self._x0, y - self._y0, 0)
        if not self._longitude_first:
            lon, lat = lat, lon
        sky = SkyCoord(lon, lat, unit="deg", frame=self._frame).transform_to(ICRS())
        return sky.ra.deg, sky.dec.deg


def _plane_header(header: Header) -> Header:
    """Return a copy of a header, which astropy may change, without further axes.

    Images have one pixel there; astropy refuses distortions in three dimensions.
    """
    plane = header.copy()
    for keyword in header:
        if FURTHER_AXIS.fullmatch(keyword):
            plane.remove(keyword)
    for keyword in ("NAXIS", "WCSAXES"):
        if keyword in plane:
            plane[keyword] = 2
    return plane


class LsstSkyMap:
    """The projection of an `lsst.images` object in memory.

    ``projection``: its pixel frame is PARENT pixels.
    """

    def __init__(self, projection: Any) -> None:
        self._projection = projection

    def sky_to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        pixels = self._projection.sky_to_pixel(SkyCoord(ra, dec, unit="deg", frame=ICRS))
        x, y = np.array([pixels.x, pixels.y], dtype=np.float64)
        # What AST calls undefined is a number here, -DBL_MAX.
        undefined = (np.abs(x) > 1e300) | (np.abs(y) > 1e300)
        x[undefined] = y[undefined] = np.nan
        return x, y

    def pixel_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        sky = self._projection.pixel_to_sky(x=x, y=y)
        return sky.ra.deg, sky.dec.deg


class AfwSkyMap:
    """The WCS of an afw Exposure in memory.

    ``sky_wcs``: its pixels are PARENT pixels.
    """

    def __init__(self, sky_wcs: Any) -> None:
        self._sky_wcs = sky_wcs

    def sky_to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        x, y = self._sky_wcs.skyToPixelArray(_writable(ra), _writable(dec), degrees=True)
        return x, y

    def pixel_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        ra, dec = self._sky_wcs.pixelToSkyArray(_writable(x), _writable(y), degrees=True)
        return ra, dec


def sky_jacobians(sky_map: SkyMap, x: Floats, y: Floats) -> Floats:
    """Return how the sky moves with the pixels at some positions.

    ``x``, ``y``: PARENT pixels, shape (N,). Returns: arcseconds per pixel, shape (N, 2, 2): ``[[d(east)/dx,
    d(east)/dy], [d(north)/dx, d(north)/dy]]`` in the plane that touches the sphere at the source. Central
    differences over one pixel of the unit vectors of `pixel_to_sky`.
    """
    if not len(x):
        return np.empty((0, 2, 2))
    ra, dec = sky_map.pixel_to_sky(
        np.concatenate([x, x + 0.5, x - 0.5, x, x]), np.concatenate([y, y, y, y + 0.5, y - 0.5])
    )
    vectors, at = unit_vectors(ra, dec).reshape(5, -1, 3), np.radians(ra[: len(x)])
    east = np.stack([-np.sin(at), np.cos(at), np.zeros_like(at)], axis=-1)
    north = np.cross(vectors[0], east)
    steps = np.stack([vectors[1] - vectors[2], vectors[3] - vectors[4]], axis=-1)
    basis = np.stack([east, north], axis=-2)
    return np.asarray(np.degrees(basis @ steps) * 3600.0)


def _writable(values: Floats) -> Floats:
    # afw's bindings take contiguous double arrays only.
    return np.array(values, dtype=np.float64, ndmin=1)


def unit_vectors(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.float64]:
    """Return unit vectors, shape (..., 3), of positions in degrees."""
    alpha, delta = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=-1)


def positions_of(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return right ascension, from 0 to 360, and declination, in degrees, of vectors of any length."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))
