"""DiaSource rows from the images of a detector, measured by photutils and GalSim."""

__all__ = ("forced_fluxes", "measure")

import galsim
import numpy as np
import pandas as pd
from astropy.modeling.fitting import LMLSQFitter
from astropy.table import QTable
from numpy.typing import NDArray
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.psf import ImagePSF, PSFPhotometry

from ._camera import EXPOSURE_TIME, PIXEL_SCALE, Exposure
from ._detect import detect
from ._draw import psf_stamp
from ._images import Images, MaskedPixels

type FloatArray = NDArray[np.float64]

_FIT_SIDE = 15
"""Side of the square on which the PSF is fitted, pixels."""

_APERTURE_RADIUS = 12.0
"""Radius of the aperture, pixels; that of ``apFlux`` in the APDB."""

_PLANES = {
    "bad": "BAD",
    "cr": "COSMIC_RAY",
    "edge": "DETECTION_EDGE",
    "nodata": "NO_DATA",
    "interpolated": "INTERPOLATED",
    "saturated": "SATURATED",
    "suspect": "SUSPECT",
    "streak": "STREAK",
    "injected": "INJECTED",
    "injected_template": "INJECTED_TEMPLATE",
}
"""Mask planes behind the ``pixelFlags_*`` columns."""


def measure(images: Images, threshold: float) -> pd.DataFrame:
    """Detect and measure everything on a difference image.

    Returns one DiaSource a row, by APDB column, not associated yet.
    """
    exposure = images.exposure
    found, labels = detect(images, threshold)
    if found.empty:
        return found
    blank = images.difference.mask["NO_DATA"] | images.difference.mask["BAD"]
    found = found[~blank[found["y"], found["x"]]].reset_index(drop=True)
    visit, start = exposure.visit, exposure.detector.start
    has_both = -found["snr_other"] * np.sign(found["snr"]) > threshold
    is_dipole = has_both & (np.abs(found["snr_other"]) > 0.4 * np.abs(found["snr"]))
    rows = pd.DataFrame(
        {
            "diaSourceId": exposure.first_id + np.arange(len(found)),
            "visit": visit.id,
            "detector": exposure.detector.id,
            "band": visit.passband.name,
            "midpointMjdTai": visit.mjd,
            "exposureTime": EXPOSURE_TIME,
            "timeProcessedMjdTai": visit.mjd_begin + 90 / 86400,
            "snr": np.abs(found["snr"]),
            "isNegative": found["snr"] < 0,
            "bboxSize": found["side"],
            "isDipole": is_dipole,
            "dipoleFitAttempted": has_both,
            "pixelFlags": False,
            "glint_trail": False,
        }
    )
    lobes = found["flux"].abs(), found["flux_other"].abs()
    rows["dipoleMeanFlux"] = (0.5 * (lobes[0] + lobes[1])).where(has_both)
    rows["dipoleFluxDiff"] = (found["flux"] + found["flux_other"]).where(has_both)
    rows["dipoleNdata"] = found["area"].where(has_both, 0)
    apart = np.hypot(found["x"] - found["x_other"], found["y"] - found["y_other"])
    rows["dipoleLength"] = (PIXEL_SCALE * apart).where(has_both)

    position, error = _positions(images, found, is_dipole.to_numpy())
    rows["x"], rows["y"] = (position + start).T
    rows["xErr"], rows["yErr"] = error.T
    rows["centroid_flag"] = np.isnan(error[:, 0]) & ~is_dipole
    rows["ra"], rows["dec"] = exposure.wcs.all_pix2world(position, 0).T
    # Rows and columns are turned against north and east; the error is nearly round.
    rows["raErr"] = rows["decErr"] = np.hypot(*error.T) / 2**0.5 * PIXEL_SCALE / 3600
    _measure_fluxes(images, position, rows)
    _measure_shapes(images, position, rows)
    _set_pixel_flags(images.difference, labels, found["label"], position, rows)
    return rows


def forced_fluxes(
    pixels: MaskedPixels, psf: galsim.GSObject, exposure: Exposure, position: FloatArray
) -> QTable:
    """Fit the fluxes of points at positions (n, 2), columns and rows counted from the first."""
    return _fit(pixels, psf, exposure, position, np.zeros(len(position)), is_fixed=True)


def _fit(
    pixels: MaskedPixels,
    psf: galsim.GSObject,
    exposure: Exposure,
    position: FloatArray,
    flux: FloatArray,
    *,
    is_fixed: bool,
) -> QTable:
    """Fit points, each on its own, from a guess."""
    model = ImagePSF(psf_stamp(psf, exposure.jacobian, _FIT_SIDE + 10, 3), oversampling=3)
    model.x_0.fixed = model.y_0.fixed = is_fixed
    guess = QTable({"x_init": position[:, 0], "y_init": position[:, 1], "flux_init": flux})
    fit = PSFPhotometry(model, _FIT_SIDE, fitter=LMLSQFitter())
    blank = np.isnan(pixels.image)
    return fit(pixels.image, error=np.sqrt(pixels.variance), mask=blank, init_params=guess)


def _positions(
    images: Images, found: pd.DataFrame, is_dipole: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return centres and their errors: of the lobes of a dipole, of the point otherwise.

    Where the fit runs away it is the peak; it and dipoles have no error.
    """
    peak = found[["x", "y"]].to_numpy(dtype=np.float64)
    middle = 0.5 * (peak + found[["x_other", "y_other"]].to_numpy())
    fits = _fit(
        images.difference, images.psf, images.exposure, peak, found["flux"].to_numpy(), is_fixed=False
    )
    position, error = (np.stack([fits[f"x_{what}"], fits[f"y_{what}"]], axis=1) for what in ("fit", "err"))
    ran_away = ~(np.hypot(*(position - peak).T) < 3)
    position[ran_away] = peak[ran_away]
    position[is_dipole] = middle[is_dipole]
    error[ran_away | is_dipole] = np.nan
    return position, error


def _measure_fluxes(images: Images, position: FloatArray, rows: pd.DataFrame) -> None:
    """Fill the point, aperture and forced fluxes and their flags."""
    inset = np.minimum(position, images.exposure.detector.size - 1 - position).min(axis=1)
    is_truncated = np.rint(inset) < _FIT_SIDE // 2
    for column, flag, pixels, psf in (
        ("psfFlux", "psfFlux_flag", images.difference, images.psf),
        ("scienceFlux", "forced_PsfFlux_flag", images.science, images.psf),
        ("templateFlux", None, images.template, images.template_psf),
    ):
        margin = (len(pixels.image) - images.exposure.detector.size) // 2
        fits = forced_fluxes(pixels, psf, images.exposure, position + margin)
        rows[column], rows[f"{column}Err"] = fits["flux_fit"], fits["flux_err"]
        if flag:
            rows[f"{flag}_edge"] = is_truncated
            rows[f"{flag}_noGoodPixels"] = np.isnan(fits["flux_fit"])
            rows[flag] = is_truncated | rows[f"{flag}_noGoodPixels"]
        if column == "psfFlux":
            rows["psfNdata"] = fits["n_pixels_fit"]
            rows["psfChi2"] = fits["reduced_chi2"] * (rows["psfNdata"] - 1)
    image, blank = images.difference.image, np.isnan(images.difference.image)
    circle = CircularAperture(position, _APERTURE_RADIUS)
    error = np.sqrt(images.difference.variance)
    sums = aperture_photometry(image, circle, error=error, mask=blank)
    rows["apFlux"], rows["apFluxErr"] = sums["aperture_sum"], sums["aperture_sum_err"]
    lost = aperture_photometry(blank.astype(np.float64), circle)["aperture_sum"]
    rows["apFlux_flag_apertureTruncated"] = (inset < _APERTURE_RADIUS) | (lost > 0)
    rows["apFlux_flag"] = rows["apFlux_flag_apertureTruncated"]


def _measure_shapes(images: Images, position: FloatArray, rows: pd.DataFrame) -> None:
    """Fill the adaptive moments, and for what is long and narrow those of a trail."""
    psf = galsim.hsm.FindAdaptiveMom(galsim.Image(psf_stamp(images.psf, images.exposure.jacobian, 31)))
    rows[["ixxPSF", "iyyPSF", "ixyPSF"]] = _moments(psf)
    image = galsim.Image(np.nan_to_num(images.difference.image), xmin=0, ymin=0)
    moments = np.full((len(rows), 3), np.nan)
    for i, (x, y) in enumerate(position):
        box = galsim.BoundsI(round(x) - 15, round(x) + 15, round(y) - 15, round(y) + 15) & image.bounds
        if rows["isDipole"][i] or not box.isDefined():
            continue
        stamp = image[box] * (-1 if rows["isNegative"][i] else 1)
        shape = galsim.hsm.FindAdaptiveMom(
            stamp, guess_centroid=galsim.PositionD(x, y), guess_sig=psf.moments_sigma, strict=False
        )
        if shape.moments_status == 0:
            moments[i] = _moments(shape)
    rows[["ixx", "iyy", "ixy"]] = moments
    rows["shape_flag"] = np.isnan(moments[:, 0])
    rows["shape_flag_no_pixels"] = rows["shape_flag_not_contained"] = rows["shape_flag_parent_source"] = False
    size = np.sqrt((rows["ixx"] + rows["iyy"]) / (rows["ixxPSF"] + rows["iyyPSF"]))
    rows["extendedness"] = (2 * (size - 1.1)).clip(0, 1)

    # A uniform trail of length L adds L²/12 to the variance along it.
    turn = np.arctan2(2 * rows["ixy"], rows["ixx"] - rows["iyy"]) / 2
    spread = np.hypot(rows["ixx"] - rows["iyy"], 2 * rows["ixy"])
    is_trail = (spread > 0.8 * (rows["ixxPSF"] + rows["iyyPSF"])) & (rows["snr"] > 10)
    (east_x, east_y), (north_x, north_y) = images.exposure.wcs.wcs.cd
    angle = np.arctan2(
        east_x * np.cos(turn) + east_y * np.sin(turn), north_x * np.cos(turn) + north_y * np.sin(turn)
    )
    for column, values in (
        ("trailLength", PIXEL_SCALE * np.sqrt(12 * spread)),
        ("trailAngle", np.degrees(angle) % 180),
        ("trailFlux", rows["apFlux"]),
        ("trailRa", rows["ra"]),
        ("trailDec", rows["dec"]),
    ):
        rows[column] = values.where(is_trail)


def _moments(shape: galsim.hsm.ShapeData) -> tuple[float, float, float]:
    """Return xx, yy and xy of a size, which is a determinant, and a distortion; pixels²."""
    e1, e2 = shape.observed_shape.e1, shape.observed_shape.e2
    scale = shape.moments_sigma**2 / np.sqrt(1 - e1**2 - e2**2)
    return scale * (1 + e1), scale * (1 - e1), scale * e2


def _set_pixel_flags(
    difference: MaskedPixels,
    labels: NDArray[np.int32],
    label: pd.Series,
    position: FloatArray,
    rows: pd.DataFrame,
) -> None:
    """Look up the mask planes in the footprints and around the centres."""
    last = len(labels) - 1
    center = np.rint(position).astype(int)
    off = ((center < 0) | (center > last)).any(axis=1)
    nine = (center[:, :, None] + np.mgrid[-1:2, -1:2].reshape(2, 9)).clip(0, last)
    inside = np.flatnonzero(labels)
    for name, plane in _PLANES.items():
        pixels = difference.mask[plane]
        hits = np.bincount(labels.flat[inside], pixels.flat[inside])
        rows[f"pixelFlags_{name}"] = hits[label] > 0
        if name not in ("bad", "edge"):
            rows[f"pixelFlags_{name}Center"] = ~off & pixels[nine[:, 1], nine[:, 0]].any(axis=1)
    rows["pixelFlags_offimage"] = off
    rows["pixelFlags_edge"] |= off
