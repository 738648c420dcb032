"""DiaSource rows measured by photutils and GalSim, and what they really are."""

__all__ = ("TRUTH_COLUMNS", "detect", "forced_fluxes", "measure", "recognise", "reliability")

import galsim
import numpy as np
import pandas as pd
from astropy.nddata import extract_array
from numpy.typing import NDArray
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.segmentation import SourceCatalog, detect_sources
from scipy import ndimage
from scipy.signal import oaconvolve

from lsst.images import MaskedImage

from ._camera import EXPOSURE_TIME, PIXEL_SCALE, Exposure
from ._draw import TEMPLATE_PSF, psf_stamp
from ._images import Images

type FloatArray = NDArray[np.float64]

_GROWTH = 3  # pixels by which footprints grow beyond the threshold
_FIT_SIDE = 15  # pixels of the square on which the PSF is fitted
_APERTURE_RADIUS = 12.0  # pixels, that of apFlux in the APDB
TRUTH_COLUMNS = ["diaSourceId", "kind", "isReal", "trueFlux", "number"]
_SAME_NAME = ("bad", "interpolated", "saturated", "suspect", "streak", "injected")
_PLANES = {name: name.upper() for name in _SAME_NAME}
_PLANES |= {"cr": "COSMIC_RAY", "edge": "DETECTION_EDGE", "nodata": "NO_DATA"}
"""Mask planes behind the ``pixelFlags_*`` columns."""


def measure(images: Images, threshold: float) -> pd.DataFrame:
    """Detect and measure everything on a difference image; return a DiaSource a row, not associated yet."""
    exposure, mask = images.exposure, images.difference.mask
    found, labels = detect(images, threshold)
    is_usable = ~(mask.get("NO_DATA") | mask.get("BAD"))[found["y"], found["x"]]
    found = found.loc[is_usable].reset_index(drop=True)
    if found.empty:
        return pd.DataFrame()
    has_both = np.sign(found["snr"]) * -found["snr_other"] > threshold
    is_dipole = has_both & (found["snr_other"].abs() > 0.4 * found["snr"].abs())
    apart = np.hypot(found["x"] - found["x_other"], found["y"] - found["y_other"])
    peak = found[["x", "y"]].to_numpy(dtype=np.float64)
    position, error = _positions(images, peak)
    position[is_dipole] = 0.5 * (peak + found[["x_other", "y_other"]].to_numpy())[is_dipole]
    error[is_dipole] = np.nan
    rows = pd.DataFrame(exposure.columns, index=found.index).assign(
        diaSourceId=exposure.first_id + found.index,
        exposureTime=EXPOSURE_TIME,
        centroid_flag=np.isnan(error[:, 0]) & ~is_dipole,
        snr=found["snr"].abs(),
        isNegative=found["snr"] < 0,
        bboxSize=found["side"],
        isDipole=is_dipole,
        dipoleFitAttempted=has_both,
        dipoleLength=np.where(has_both, PIXEL_SCALE * apart, np.nan),
        dipoleNdata=found["area"].where(has_both, 0),
    )
    rows["ra"], rows["dec"] = exposure.wcs.all_pix2world(position, 0).T
    rows["x"], rows["y"] = (position + exposure.detector.start).T
    rows["xErr"], rows["yErr"] = error.T
    # Rows and columns are turned against north and east; the error is nearly round.
    rows["raErr"] = rows["decErr"] = error.mean(axis=1) * PIXEL_SCALE / 3600
    rows = rows.join(_shapes(images, rows, position)).join(_fluxes(images, position))
    last, center = len(labels) - 1, np.rint(position).astype(int)
    rows["pixelFlags_offimage"] = ((center < 0) | (center > last)).any(axis=1)
    column, row = center.clip(0, last).T
    for name, plane in _PLANES.items():
        pixels = mask.get(plane)
        rows[f"pixelFlags_{name}"] = np.bincount(labels.ravel(), pixels.ravel())[found["label"]] > 0
        if name not in ("bad", "edge"):
            near = ndimage.maximum_filter(pixels, 3)[row, column]
            rows[f"pixelFlags_{name}Center"] = near & ~rows["pixelFlags_offimage"]
    rows["pixelFlags_edge"] |= rows["pixelFlags_offimage"]
    return rows


def detect(images: Images, threshold: float) -> tuple[pd.DataFrame, NDArray[np.int32]]:
    """Find sources of either sign with a matched filter, and set the DETECTED planes of the difference.

    Returns a row for each footprint, and at each pixel the ``label`` of its footprint, 0 outside. The columns
    ``x``, ``y`` and ``snr`` are those of the strongest peak, ``x_other`` and so on of the strongest of the
    opposite sign, positions counted from the first pixel; ``area`` and ``side`` are the footprint's, pixels.
    """
    image, variance = images.difference.image.array, images.difference.variance.array
    profile = psf_stamp(images.raw.psf, images.exposure, 21)[::-1, ::-1]
    signal = oaconvolve(np.nan_to_num(image), profile, mode="same")
    noise = oaconvolve(np.nan_to_num(variance), profile**2, mode="same")
    # Beside pixels without data the noise would vanish.
    noise = np.sqrt(noise.clip(0.05 * np.nanmedian(variance) * (profile**2).sum()))
    snr = np.where(np.isnan(image), 0.0, signal / noise)
    disk = np.hypot(*np.mgrid[-_GROWTH : _GROWTH + 1, -_GROWTH : _GROWTH + 1]) <= _GROWTH
    either = np.zeros(snr.shape)
    for plane, signed in (("DETECTED", snr), ("DETECTED_NEGATIVE", -snr)):
        footprints = ndimage.binary_dilation(signed > threshold, disk)
        images.difference.mask.set(plane, footprints)
        either[footprints] = 1
    if not either.any():
        return pd.DataFrame(columns=["x", "y"], dtype=int), either.astype(np.int32)
    segments = detect_sources(either, 0.5, n_pixels=1)
    found = SourceCatalog(snr, segments)
    is_negative = found.max_value < -found.min_value
    highest, lowest = found.max_value_index.T[::-1], found.min_value_index.T[::-1]
    table = pd.DataFrame({"label": found.labels, "area": found.area.value.astype(int)})
    table["side"] = [max(box.shape) for box in found.bbox]
    table["x"], table["y"] = x, y = np.where(is_negative, lowest, highest)
    table["x_other"], table["y_other"] = x_other, y_other = np.where(is_negative, highest, lowest)
    table["snr"], table["snr_other"] = snr[y, x], snr[y_other, x_other]
    return table, segments.data


def _positions(images: Images, peak: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit points near some peaks; return columns and rows (n, 2) and their errors, pixels.

    Steps of Gauss and Newton in flux and position. Where they run away the position is the peak and has no
    error.
    """
    position = peak.copy()
    for _ in range(5):
        pixels, variance, profile = _stamps(images.difference, images.raw.psf, images.exposure, position)
        noise, count = np.sqrt(variance), len(peak)
        basis = np.stack([profile, *np.gradient(profile, axis=(2, 1))], axis=1) / noise[:, None]
        basis, data = np.nan_to_num(basis).reshape(count, 3, -1), np.nan_to_num(pixels / noise)
        covariance = np.linalg.pinv(basis @ basis.swapaxes(1, 2))
        flux, *shift = (covariance @ basis @ data.reshape(count, -1, 1))[..., 0].T
        position -= np.nan_to_num(np.stack(shift, axis=1) / flux[:, None]).clip(-1, 1)
    error = np.sqrt(covariance.diagonal(axis1=1, axis2=2)[:, 1:]) / abs(flux[:, None])
    ran_away = np.hypot(*(position - peak).T) > 3
    position[ran_away], error[ran_away] = peak[ran_away], np.nan
    return position, error


def _shapes(images: Images, rows: pd.DataFrame, position: FloatArray) -> pd.DataFrame:
    """Return the adaptive moments of all but dipoles, and how they compare with the PSF's, by column."""
    psf = galsim.hsm.FindAdaptiveMom(galsim.Image(psf_stamp(images.raw.psf, images.exposure, 31)))
    image = galsim.Image(np.nan_to_num(images.difference.image.array), xmin=0, ymin=0)
    table = pd.DataFrame(np.nan, index=rows.index, columns=["ixx", "iyy", "ixy"])
    for i, center in enumerate(galsim.PositionD(x, y) for x, y in position):
        if not rows["isDipole"][i]:
            stamp = image[galsim.BoundsI(center.round()).withBorder(15) & image.bounds]
            stamp = stamp * (-1 if rows["isNegative"][i] else 1)
            # From too small a guess it does not converge on trails.
            guess = max(psf.moments_sigma, rows["bboxSize"][i] / 4)
            shape = galsim.hsm.FindAdaptiveMom(stamp, guess_centroid=center, guess_sig=guess, strict=False)
            if shape.moments_status == 0:
                table.loc[i] = _moments(shape)
    table["ixxPSF"], table["iyyPSF"], table["ixyPSF"] = _moments(psf)
    table["shape_flag"] = np.isnan(table["ixx"])
    size = np.sqrt((table["ixx"] + table["iyy"]) / (table["ixxPSF"] + table["iyyPSF"]))
    return table.assign(extendedness=(2 * (size - 1.1)).clip(0, 1))


def _moments(shape: galsim.hsm.ShapeData) -> tuple[float, float, float]:
    """Return xx, yy and xy, pixels²."""
    # For a size that is a determinant, and a shear that keeps the area.
    shear = shape.observed_shape.getMatrix()
    (xx, xy), (_, yy) = shape.moments_sigma**2 * shear @ shear
    return xx, yy, xy


def _stamps(
    image: MaskedImage, psf: galsim.GSObject, exposure: Exposure, position: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return pixels, variance and PSF around columns and rows (n, 2), NaN where there are no data."""
    margin, nearest = (len(image.image.array) - exposure.detector.size) // 2, np.rint(position)
    pixels, variance = (
        np.stack([extract_array(plane.array, (_FIT_SIDE, _FIT_SIDE), at) for at in nearest[:, ::-1] + margin])
        for plane in (image.image, image.variance)
    )
    profiles = [psf_stamp(psf, exposure, _FIT_SIDE, *offset) for offset in position - nearest]
    return pixels, variance, np.stack(profiles)


def forced_fluxes(
    image: MaskedImage, psf: galsim.GSObject, exposure: Exposure, position: FloatArray
) -> tuple[FloatArray, ...]:
    """Fit the fluxes of points at columns and rows (n, 2), counted from the first of the detector.

    Returns flux, error (nJy), chi-squared and number of pixels, (n,) each.
    """
    pixels, variance, profile = _stamps(image, psf, exposure, position)
    weight = profile / variance
    norm = np.nansum(weight * profile, axis=(1, 2))
    norm[norm == 0] = np.nan
    flux = np.nansum(weight * pixels, axis=(1, 2)) / norm
    chi2 = np.nansum((pixels - flux[:, None, None] * profile) ** 2 / variance, axis=(1, 2))
    return flux, norm**-0.5, chi2, np.isfinite(pixels).sum(axis=(1, 2))


def _fluxes(images: Images, position: FloatArray) -> pd.DataFrame:
    """Return the point, aperture and forced fluxes and their flags, by column."""
    exposure, rows = images.exposure, pd.DataFrame(index=range(len(position)))
    inset = np.minimum(position, exposure.detector.size - 1 - position).min(axis=1)
    is_truncated = np.rint(inset) < _FIT_SIDE // 2
    for column, flag, image, psf in (
        ("templateFlux", "", images.template, TEMPLATE_PSF),
        ("scienceFlux", "forced_PsfFlux_flag", images.science, images.raw.psf),
        ("psfFlux", "psfFlux_flag", images.difference, images.raw.psf),
    ):
        flux, error, chi2, count = forced_fluxes(image, psf, exposure, position)
        rows[column], rows[f"{column}Err"] = flux, error
        if flag:
            rows[f"{flag}_edge"], rows[f"{flag}_noGoodPixels"] = is_truncated, np.isnan(flux)
            rows[flag] = is_truncated | np.isnan(flux)
    rows["psfChi2"], rows["psfNdata"] = chi2, count
    pixels, variance = images.difference.image.array, images.difference.variance.array
    circle, blank = CircularAperture(position, _APERTURE_RADIUS), np.isnan(pixels)
    sums = aperture_photometry(pixels, circle, error=np.sqrt(variance), mask=blank)
    rows["apFlux"], rows["apFluxErr"] = sums["aperture_sum"], sums["aperture_sum_err"]
    lost = aperture_photometry(blank.astype(np.float64), circle)["aperture_sum"]
    rows["apFlux_flag_apertureTruncated"] = rows["apFlux_flag"] = (inset < _APERTURE_RADIUS) | (lost > 0)
    return rows


def recognise(images: Images, rows: pd.DataFrame) -> pd.DataFrame:
    """Tell what each DiaSource is: ``kind``, ``isReal``, ``trueFlux`` and ``number`` of `DemoPaths.truth`."""
    pixels = rows[["x", "y"]].to_numpy() - images.exposure.detector.start
    column, row = np.rint(pixels).astype(int).clip(0, images.exposure.detector.size - 1).T
    kinds = {
        "cosmic ray": ndimage.maximum_filter(images.raw.mask["COSMIC_RAY"], 5)[row, column],
        "satellite": rows["pixelFlags_streakCenter"],
        "bright star": rows["pixelFlags_saturated"],
        "defect": rows["pixelFlags_bad"],
        "dipole": rows["isDipole"],
    }
    kind = np.select(list(kinds.values()), list(kinds), "residual")
    table = pd.DataFrame({"kind": kind, "isReal": False, "trueFlux": 0.0, "number": -1}, index=rows.index)
    truth = images.raw.truth
    if len(truth):
        apart = np.hypot(*(pixels.T[:, :, None] - truth[["x", "y"]].to_numpy().T[:, None, :]))
        is_seen = np.abs(truth["trueFlux"].to_numpy()) > 2 * rows["psfFluxErr"].to_numpy()[:, None]
        apart[~is_seen | (apart > 3 + 0.5 * truth["reach"].to_numpy())] = np.inf
        table["isReal"] = np.isfinite(apart.min(axis=1))
        cause = truth.iloc[apart.argmin(axis=1)].set_index(rows.index)
        table.update(cause.loc[table["isReal"], ["kind", "trueFlux", "number"]])
    return table


def reliability(rows: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw scores between 0 and 1 for sources that were recognised: mostly high for what is really there.

    The logistic function of a score that grows with the signal-to-noise ratio of a real source and falls with
    each thing that is wrong with it.
    """
    real = rng.normal(1.0, 1.3, len(rows)) + 1.1 * np.log(rows["snr"] / 6)
    score = np.where(rows["isReal"], real, rng.normal(-2.4, 1.5, len(rows)))
    score -= 2.0 * rows["isDipole"]
    score -= 1.5 * (rows["pixelFlags_saturated"] | rows["pixelFlags_suspect"])
    score -= 1.0 * (rows["pixelFlags_edge"] | rows["pixelFlags_cr"])
    return np.asarray(1 / (1 + np.exp(-score.clip(-7, 7))))
