"""DiaSource rows from the images of a detector."""

__all__ = ("diasource_id", "measure")

from datetime import date
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from ._camera import EXPOSURE_TIME, PIXEL_SCALE, DetectorLayout, Visit
from ._detect import Detection, detect
from ._images import DetectorImages, MaskedPixels
from ._photometry import aperture_flux, fit_point, fit_position, second_moments
from ._reliability import reliability

type BoolArray = NDArray[np.bool_]
type Row = dict[str, Any]

_FLAGGED_PLANES = {
    "cr": "COSMIC_RAY",
    "nodata": "NO_DATA",
    "interpolated": "INTERPOLATED",
    "saturated": "SATURATED",
    "suspect": "SUSPECT",
    "streak": "STREAK",
}
"""Planes behind the ``pixelFlags_*`` columns that have a ``...Center`` twin."""

_COUNTER_BITS = 22


def diasource_id(visit: Visit, detector: DetectorLayout, counter: int) -> int:
    """Pack visit, detector and a counter into one integer.

    Parameters
    ----------
    visit : `Visit`
        The visit.
    detector : `DetectorLayout`
        The detector.
    counter : `int`
        Number of the source on this detector, from 1.

    Returns
    -------
    identifier : `int`
        From the highest bit down: night since 2010 (the rest of 63 bits),
        sequence number (15), detector (8), counter (22).
    """
    night = date(visit.day_obs // 10_000, visit.day_obs // 100 % 100, visit.day_obs % 100)
    packed = ((night - date(2010, 1, 1)).days << 15 | visit.seq_num) << 8 | detector.id
    return packed << _COUNTER_BITS | counter


def measure(images: DetectorImages, rng: np.random.Generator) -> list[Row]:
    """Detect and measure everything on a difference image.

    Sets the DETECTED planes of the three masks.

    Parameters
    ----------
    images : `DetectorImages`
        The images.
    rng : `numpy.random.Generator`
        Gives the scatter of the reliabilities.

    Returns
    -------
    rows : `list` [`dict`]
        One DiaSource each, by APDB column; those not associated yet.
    """
    detections, positive, negative = detect(images.difference, images.science_psf)
    images.difference.mask["DETECTED"] = positive
    images.difference.mask["DETECTED_NEGATIVE"] = negative
    rows: list[Row] = []
    for detection in detections:
        row: Row = {
            "diaSourceId": diasource_id(images.visit, images.detector, len(rows) + 1),
            "visit": images.visit.id,
            "detector": images.detector.id,
            "band": images.visit.passband.name,
            "midpointMjdTai": images.visit.mjd_middle,
            "exposureTime": EXPOSURE_TIME,
            "timeProcessedMjdTai": images.visit.mjd_begin + 90 / 86400,
            "snr": abs(detection.signal_to_noise),
            "isNegative": detection.signal_to_noise < 0,
            "bboxSize": max(detection.footprint.shape),
        }
        x, y = _measure_position(images, detection, row)
        row["x"], row["y"] = x + images.detector.x_start, y + images.detector.y_start
        # Two peaks of a long footprint can lead to the same point.
        if any(np.hypot(row["x"] - other["x"], row["y"] - other["y"]) < 2 for other in rows):
            continue
        _measure_fluxes(images, x, y, row)
        _measure_shape(images, x, y, row)
        _set_pixel_flags(images.difference, detection, x, y, row)
        row["reliability"], row["reliabilityVersion"] = reliability(images.events, row, x, y, rng), "demo"
        rows.append(row)
    _set_sky_positions(images, rows)
    return rows


def _measure_position(images: DetectorImages, detection: Detection, row: Row) -> tuple[float, float]:
    """Find the centre: of the lobes of a dipole, of the point otherwise."""
    opposite = detection.opposite
    row["dipoleFitAttempted"] = opposite is not None
    row["isDipole"] = False
    if opposite is not None:
        ratio = abs(opposite[2] / detection.signal_to_noise)
        row["isDipole"] = ratio > 0.4
        row["dipoleLength"] = PIXEL_SCALE * float(
            np.hypot(opposite[0] - detection.x, opposite[1] - detection.y)
        )
        row["dipoleNdata"] = int(detection.footprint.sum())
    if row["isDipole"] and opposite is not None:
        row["centroid_flag"] = False
        return 0.5 * (detection.x + opposite[0]), 0.5 * (detection.y + opposite[1])
    fit = fit_position(images.difference, images.science_psf, detection.x, detection.y)
    row["centroid_flag"] = fit is None
    if fit is None:
        return float(detection.x), float(detection.y)
    row["xErr"], row["yErr"] = fit[2:]
    # Rows and columns are turned against north and east; the error is nearly round.
    row["raErr"] = row["decErr"] = float(np.hypot(*fit[2:]) / np.sqrt(2)) * PIXEL_SCALE / 3600
    return fit[0], fit[1]


def _measure_fluxes(images: DetectorImages, x: float, y: float, row: Row) -> None:
    """Fill the point, aperture and forced fluxes and their flags."""
    fit = fit_point(images.difference, images.science_psf, x, y)
    row |= {
        "psfFlux": fit.flux,
        "psfFluxErr": fit.error,
        "psfChi2": fit.chi2,
        "psfNdata": fit.pixels,
        "psfFlux_flag": fit.failed or fit.is_truncated,
        "psfFlux_flag_edge": fit.is_truncated,
        "psfFlux_flag_noGoodPixels": fit.failed,
    }
    row["apFlux"], row["apFluxErr"], truncated = aperture_flux(images.difference, x, y)
    row["apFlux_flag"] = row["apFlux_flag_apertureTruncated"] = truncated
    forced = fit_point(images.science, images.science_psf, x, y)
    row |= {
        "scienceFlux": forced.flux,
        "scienceFluxErr": forced.error,
        "forced_PsfFlux_flag": forced.failed or forced.is_truncated,
        "forced_PsfFlux_flag_edge": forced.is_truncated,
        "forced_PsfFlux_flag_noGoodPixels": forced.failed,
    }
    template = fit_point(images.template, images.template_psf, x, y)
    row["templateFlux"], row["templateFluxErr"] = template.flux, template.error


def _measure_shape(images: DetectorImages, x: float, y: float, row: Row) -> None:
    """Fill the second moments and how they compare with the PSF's."""
    moments = second_moments(images.difference, images.science_psf, x, y)
    row["shape_flag"] = moments is None
    row["shape_flag_no_pixels"] = row["shape_flag_not_contained"] = row["shape_flag_parent_source"] = False
    psf = images.science_psf
    row["ixxPSF"], row["iyyPSF"] = psf.sigma**2 * (1 + psf.e1), psf.sigma**2 * (1 - psf.e1)
    row["ixyPSF"] = psf.sigma**2 * psf.e2
    if moments is not None:
        row["ixx"], row["iyy"], row["ixy"] = moments
        size = np.sqrt((moments[0] + moments[1]) / (2 * psf.sigma**2))
        row["extendedness"] = float(np.clip(2 * (size - 1.1), 0, 1))


def _set_pixel_flags(difference: MaskedPixels, detection: Detection, x: float, y: float, row: Row) -> None:
    """Look up the mask planes in the footprint and around the centre."""
    height, width = difference.image.shape
    column, line = round(x), round(y)
    off_image = not (0 <= column < width and 0 <= line < height)
    center = (
        slice(np.clip(line - 1, 0, height - 1), np.clip(line + 1, 0, height - 1) + 1),
        slice(np.clip(column - 1, 0, width - 1), np.clip(column + 1, 0, width - 1) + 1),
    )

    def in_footprint(plane: str) -> bool:
        return bool(difference.mask[plane][detection.box][detection.footprint].any())

    for name, plane in _FLAGGED_PLANES.items():
        row[f"pixelFlags_{name}"] = in_footprint(plane)
        row[f"pixelFlags_{name}Center"] = not off_image and bool(difference.mask[plane][center].any())
    row["pixelFlags_bad"] = in_footprint("BAD")
    row["pixelFlags_edge"] = off_image or in_footprint("DETECTION_EDGE")
    row["pixelFlags_offimage"] = off_image
    row["pixelFlags"] = False
    for name in ("injected", "injectedCenter", "injected_template", "injected_templateCenter"):
        row[f"pixelFlags_{name}"] = False
    row["glint_trail"] = False


def _set_sky_positions(images: DetectorImages, rows: list[Row]) -> None:
    """Turn the pixel positions of all rows into sky positions."""
    if not rows:  # AST refuses to transform nothing.
        return
    x, y = np.array([[row["x"], row["y"]] for row in rows]).T
    sky: SkyCoord = images.projection.pixel_to_sky(x=x, y=y)
    for row, ra, dec in zip(rows, sky.ra.deg, sky.dec.deg, strict=True):
        row["ra"], row["dec"] = float(ra), float(dec)
