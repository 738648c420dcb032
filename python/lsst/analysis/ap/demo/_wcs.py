"""Where the pixels of a visit lie on the sky."""

__all__ = ("focal_plane_to_sky", "make_fits_wcs", "make_sky_projection")

import astropy.wcs
import numpy as np
from numpy.typing import NDArray

from lsst.images import Box, DetectorFrame, SkyProjection

from ._camera import INSTRUMENT, PIXEL_SCALE, DetectorLayout, Visit

type FloatArray = NDArray[np.float64]


def _rotated_scale(angle: float) -> FloatArray:
    """Return the CD matrix of pixels turned by an angle, degrees per pixel.

    East is to the left of north, as on the sky seen from inside.
    """
    scale, cos, sin = PIXEL_SCALE / 3600, np.cos(angle), np.sin(angle)
    return scale * np.array([[-cos, sin], [sin, cos]])


def focal_plane_to_sky(visit: Visit, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project the focal plane on the sky by the gnomonic (TAN) projection.

    Parameters
    ----------
    visit : `Visit`
        The pointing.
    x, y : `numpy.ndarray`
        Focal plane positions, arcseconds.

    Returns
    -------
    ra, dec : `numpy.ndarray`
        ICRS degrees.
    """
    wcs = astropy.wcs.WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [visit.ra, visit.dec]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cd = _rotated_scale(visit.rotation)
    ra, dec = wcs.wcs_pix2world(np.asarray(x) / PIXEL_SCALE, np.asarray(y) / PIXEL_SCALE, 0)
    return ra, dec


def make_fits_wcs(visit: Visit, detector: DetectorLayout) -> astropy.wcs.WCS:
    """Return the TAN-SIP WCS of a detector in a visit.

    Parameters
    ----------
    visit : `Visit`
        The pointing.
    detector : `DetectorLayout`
        The detector.

    Returns
    -------
    wcs : `astropy.wcs.WCS`
        Its pixels count from the first pixel of the detector. The polynomial
        bends the corners of a 2000-pixel detector by about half a pixel.
    """
    ra, dec = focal_plane_to_sky(visit, np.array([detector.offset[0]]), np.array([detector.offset[1]]))
    cd = _rotated_scale(visit.rotation) @ np.array(
        [
            [np.cos(detector.yaw), -np.sin(detector.yaw)],
            [np.sin(detector.yaw), np.cos(detector.yaw)],
        ]
    )
    bend = 1 + 0.2 * detector.id
    header = {
        "CTYPE1": "RA---TAN-SIP",
        "CTYPE2": "DEC--TAN-SIP",
        "RADESYS": "ICRS",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRVAL1": float(ra[0]),
        "CRVAL2": float(dec[0]),
        "CRPIX1": (detector.size + 1) / 2,
        "CRPIX2": (detector.size + 1) / 2,
        "CD1_1": cd[0, 0],
        "CD1_2": cd[0, 1],
        "CD2_1": cd[1, 0],
        "CD2_2": cd[1, 1],
        "A_ORDER": 3,
        "B_ORDER": 3,
        "A_2_0": 2.1e-7 * bend,
        "A_1_1": 1.4e-7 * bend,
        "A_0_2": -0.9e-7 * bend,
        "A_3_0": 1.2e-11,
        "B_2_0": 0.8e-7 * bend,
        "B_1_1": -1.1e-7 * bend,
        "B_0_2": 1.9e-7 * bend,
        "B_0_3": -1.7e-11,
    }
    return astropy.wcs.WCS(header)


def make_sky_projection(visit: Visit, detector: DetectorLayout) -> SkyProjection[DetectorFrame]:
    """Return the mapping from PARENT pixels to the sky.

    Parameters
    ----------
    visit : `Visit`
        The pointing.
    detector : `DetectorLayout`
        The detector.

    Returns
    -------
    projection : `lsst.images.SkyProjection`
        Exactly the WCS of `make_fits_wcs`.
    """
    box = Box.factory[
        detector.y_start : detector.y_start + detector.size,
        detector.x_start : detector.x_start + detector.size,
    ]
    frame = DetectorFrame(instrument=INSTRUMENT, visit=visit.id, detector=detector.id, bbox=box)
    return SkyProjection.from_fits_wcs(
        make_fits_wcs(visit, detector), frame, pixel_bounds=box, x0=detector.x_start, y0=detector.y_start
    )
