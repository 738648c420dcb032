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

from lsst.images import MaskedImage

from ._camera import EXPOSURE_TIME, PIXEL_SCALE, Exposure
from ._detect import detect
from ._draw import psf_stamp
from ._images import Images
from ._template import TEMPLATE_PSF

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
}
"""Mask planes behind the ``pixelFlags_*`` columns."""

_ALWAYS_FALSE = (
    "glint_trail",
    "pixelFlags",
    "pixelFlags_injected_template",
    "pixelFlags_injected_templateCenter",
    "shape_flag_no_pixels",
    "shape_flag_not_contained",
    "shape_flag_parent_source",
)


def measure(images: Images, threshold: float) -> pd.DataFrame:
    """Detect and measure everything on a difference image.

    Returns one DiaSource a row, by APDB column, not associated yet.
    """
    exposure, visit = images.exposure, images.exposure.visit
    found, labels = detect(images, threshold)
    mask = images.difference.mask
    if len(found):
        is_usable = ~(mask.get("NO_DATA") | mask.get("BAD"))[found["y"], found["x"]]
        found = found[is_usable].reset_index(drop=True)
    if found.empty:
        return found
    has_both = np.sign(found["snr"]) * -found["snr_other"] > threshold
    is_dipole = has_both & (found["snr_other"].abs() > 0.4 * found["snr"].abs())
    apart = np.hypot(found["x"] - found["x_other"], found["y"] - found["y_other"])
    position, error = _positions(images, found, is_dipole.to_numpy())
    x, y = (position + exposure.detector.start).T
    ra, dec = exposure.wcs.all_pix2world(position, 0).T
    # Rows and columns are turned against north and east; the error is nearly round.
    sky_error = np.hypot(*error.T) / 2**0.5 * PIXEL_SCALE / 3600
    rows = pd.DataFrame(
        {
            "diaSourceId": exposure.first_id + np.arange(len(found)),
            "visit": visit.id,
            "detector": exposure.detector.id,
            "band": visit.passband.name,
            "midpointMjdTai": visit.mjd,
            "exposureTime": EXPOSURE_TIME,
            "timeProcessedMjdTai": visit.mjd_begin + 90 / 86400,
            "ra": ra,
            "raErr": sky_error,
            "dec": dec,
            "decErr": sky_error,
            "x": x,
            "xErr": error[:, 0],
            "y": y,
            "yErr": error[:, 1],
            "centroid_flag": np.isnan(sky_error) & ~is_dipole,
            "snr": found["snr"].abs(),
            "isNegative": found["snr"] < 0,
            "bboxSize": found["side"],
            "isDipole": is_dipole,
            "dipoleFitAttempted": has_both,
            "dipoleLength": np.where(has_both, PIXEL_SCALE * apart, np.nan),
            "dipoleNdata": found["area"].where(has_both, 0),
        }
    )
    rows[list(_ALWAYS_FALSE)] = False
    _measure_fluxes(images, position, rows)
    _measure_shapes(images, position, rows)
    last, center = len(labels) - 1, np.rint(position).astype(int)
    rows["pixelFlags_offimage"] = ((center < 0) | (center > last)).any(axis=1)
    nine = (center[:, :, None] + np.mgrid[-1:2, -1:2].reshape(2, 9)).clip(0, last)
    for name, plane in _PLANES.items():
        pixels = mask.get(plane)
        rows[f"pixelFlags_{name}"] = np.bincount(labels.ravel(), pixels.ravel())[found["label"]] > 0
        if name not in ("bad", "edge"):
            near = pixels[nine[:, 1], nine[:, 0]].any(axis=1)
            rows[f"pixelFlags_{name}Center"] = near & ~rows["pixelFlags_offimage"]
    rows["pixelFlags_edge"] |= rows["pixelFlags_offimage"]
    return rows


def forced_fluxes(
    image: MaskedImage, psf: galsim.GSObject, exposure: Exposure, position: FloatArray
) -> QTable:
    """Fit the fluxes of points at columns and rows (n, 2) counted from the first of the detector."""
    margin = (len(image.image.array) - exposure.detector.size) // 2
    return _fit(image, psf, exposure, position + margin, None)


def _fit(
    image: MaskedImage,
    psf: galsim.GSObject,
    exposure: Exposure,
    position: FloatArray,
    flux: FloatArray | None,
) -> QTable:
    """Fit points, each on its own; from a guess of the flux their positions too."""
    model = ImagePSF(psf_stamp(psf, exposure.jacobian, _FIT_SIDE + 10, 3), oversampling=3)
    model.x_0.fixed = model.y_0.fixed = flux is None
    guess = QTable({"x_init": position[:, 0], "y_init": position[:, 1]})
    guess["flux_init"] = 0.0 if flux is None else flux
    fit = PSFPhotometry(model, _FIT_SIDE, fitter=LMLSQFitter())
    pixels, error = image.image.array, np.sqrt(image.variance.array)
    return fit(pixels, error=error, mask=np.isnan(pixels), init_params=guess)


def _positions(
    images: Images, found: pd.DataFrame, is_dipole: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return centres and their errors: of the lobes of a dipole, of the point otherwise.

    Where the fit runs away it is the peak; that and dipoles have no error.
    """
    peak = found[["x", "y"]].to_numpy(dtype=np.float64)
    middle = 0.5 * (peak + found[["x_other", "y_other"]].to_numpy())
    fits = _fit(images.difference, images.raw.psf, images.exposure, peak, found["flux"].to_numpy())
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
    for column, flag, image, psf in (
        ("templateFlux", "", images.template, TEMPLATE_PSF),
        ("scienceFlux", "forced_PsfFlux_flag", images.science, images.raw.psf),
        ("psfFlux", "psfFlux_flag", images.difference, images.raw.psf),
    ):
        fits = forced_fluxes(image, psf, images.exposure, position)
        rows[column], rows[f"{column}Err"] = fits["flux_fit"], fits["flux_err"]
        if flag:
            rows[f"{flag}_edge"] = is_truncated
            rows[f"{flag}_noGoodPixels"] = np.isnan(fits["flux_fit"])
            rows[flag] = is_truncated | rows[f"{flag}_noGoodPixels"]
    rows["psfNdata"] = fits["n_pixels_fit"]
    rows["psfChi2"] = fits["reduced_chi2"] * (rows["psfNdata"] - 1)
    pixels, variance = images.difference.image.array, images.difference.variance.array
    circle, blank = CircularAperture(position, _APERTURE_RADIUS), np.isnan(pixels)
    sums = aperture_photometry(pixels, circle, error=np.sqrt(variance), mask=blank)
    rows["apFlux"], rows["apFluxErr"] = sums["aperture_sum"], sums["aperture_sum_err"]
    lost = aperture_photometry(blank.astype(np.float64), circle)["aperture_sum"]
    rows["apFlux_flag_apertureTruncated"] = (inset < _APERTURE_RADIUS) | (lost > 0)
    rows["apFlux_flag"] = rows["apFlux_flag_apertureTruncated"]


def _measure_shapes(images: Images, position: FloatArray, rows: pd.DataFrame) -> None:
    """Fill the adaptive moments of all but dipoles, and how they compare with the PSF's."""
    psf = galsim.hsm.FindAdaptiveMom(galsim.Image(psf_stamp(images.raw.psf, images.exposure.jacobian, 31)))
    rows[["ixxPSF", "iyyPSF", "ixyPSF"]] = _moments(psf)
    image = galsim.Image(np.nan_to_num(images.difference.image.array), xmin=0, ymin=0)
    moments = np.full((len(rows), 3), np.nan)
    for i, (x, y) in enumerate(position):
        box = galsim.BoundsI(round(x) - 15, round(x) + 15, round(y) - 15, round(y) + 15) & image.bounds
        if rows["isDipole"][i] or not box.isDefined():
            continue
        stamp, center = image[box] * (-1 if rows["isNegative"][i] else 1), galsim.PositionD(x, y)
        # From too small a guess it does not converge on trails.
        guess = max(psf.moments_sigma, rows["bboxSize"][i] / 4)
        shape = galsim.hsm.FindAdaptiveMom(stamp, guess_centroid=center, guess_sig=guess, strict=False)
        if shape.moments_status == 0:
            moments[i] = _moments(shape)
    rows[["ixx", "iyy", "ixy"]] = moments
    rows["shape_flag"] = np.isnan(moments[:, 0])
    size = np.sqrt((rows["ixx"] + rows["iyy"]) / (rows["ixxPSF"] + rows["iyyPSF"]))
    rows["extendedness"] = (2 * (size - 1.1)).clip(0, 1)


def _moments(shape: galsim.hsm.ShapeData) -> tuple[float, float, float]:
    """Return xx, yy and xy of a size, which is a determinant, and a distortion; pixels²."""
    e1, e2 = shape.observed_shape.e1, shape.observed_shape.e2
    scale = shape.moments_sigma**2 / np.sqrt(1 - e1**2 - e2**2)
    return scale * (1 + e1), scale * (1 - e1), scale * e2
