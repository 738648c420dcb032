"""Stamps that alert packets bring with them."""

__all__ = ("ALERT_STAMPS", "AlertStampReader", "alert_triplet")

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from astropy.io import fits
from numpy.typing import NDArray

from ..domain import Box, CutoutsError, SourceBatch, Stamp, Triplet
from ._alert_image import AlertImage, read_alert_image
from ._cut import pad
from ._errors import StampError, Stamps
from .wcs._sky_map import HeaderSkyMap, sky_jacobians

ALERT_STAMPS: Final[Mapping[str, str]] = {
    "template": "cutoutTemplate",
    "science": "cutoutScience",
    "difference": "cutoutDifference",
}
"""Columns that hold the FITS file of each stamp."""

# The stamps of ZTF have no WCS: its pixels are 1.01 arcseconds wide (E. Bellm
# et al., PASP 131, 018002, 2019), east is to the left and north is down.
_ZTF_JACOBIAN: Final = np.array([[-1.01, 0.0], [0.0, -1.01]])


class AlertStampReader:
    """Reads the stamps of sources that bring them with them.

    ``require_difference``: whether a source without a difference stamp has none at all. ``extras``: what
    stamps are to have beside their pixels where the alert has it: ``mask``, ``variance``, ``psf``.
    """

    def __init__(self, *, require_difference: bool = True, extras: Collection[str] = ()) -> None:
        self._require_difference = require_difference
        self._extras = frozenset(extras)

    def read(self, batch: SourceBatch) -> Stamps:
        """Return the stamps of some sources.

        ``batch``: sources with the columns of `ALERT_STAMPS`. ``instrument`` and ``isNegative`` say which
        difference stamps ZTF turned over. Returns: one triplet of each source, as large as its stamps are; or
        why there is none. Raises `CutoutsError` when there are no such columns.
        """
        if not set(ALERT_STAMPS.values()) & set(batch.rows.column_names):
            raise CutoutsError(
                "The sources bring no stamps with them and there is no butler: give "
                "ZooniverseCutoutsTask(butler=...) one."
            )
        results: Stamps = []
        for row in _select(batch.rows).to_pylist():
            try:
                results.append((self._read_one(row),))
            except StampError as error:
                results.append(error)
            except Exception as error:
                # Whatever is wrong with an alert must cost no other one.
                reason = f"the stamps of the alert cannot be read: {type(error).__name__}: {error}"
                results.append(StampError(reason))
        return results

    def _read_one(self, row: Mapping[str, Any]) -> Triplet:
        files = {role: row.get(column) for role, column in ALERT_STAMPS.items()}
        triplet = alert_triplet(
            files,
            row.get("ra"),
            row.get("dec"),
            require_difference=self._require_difference,
            extras=self._extras,
        )
        difference = triplet.difference
        if difference is not None and row.get("instrument") == "ZTF" and row.get("isNegative"):
            # ZTF shows all sources as positive ones: where the reference is
            # brighter the stamp is reference minus science.
            return replace(triplet, difference=replace(difference, array=-difference.array))
        return triplet


def alert_triplet(
    files: Mapping[str, bytes | None],
    ra: float | None,
    dec: float | None,
    *,
    require_difference: bool = True,
    extras: Collection[str] = (),
) -> Triplet:
    """Return the three stamps of an alert.

    ``files``: the FITS file of the template, the science and the difference stamp, which may be compressed
    with gzip. The first image of each counts. ``ra``, ``dec``: position of the source, ICRS degrees; without
    one the middle of the science stamp is taken for it. ``require_difference``: whether a missing difference
    stamp is an error. ``extras``: what else to read where the files have it: ``mask``, ``variance``, ``psf``.
    Returns: the stamps as they are, where they are squares of one size; others are put around the source into
    the smallest square that holds all. Raises `StampError` when a stamp is missing or cannot be read.
    """
    known = ra is not None and dec is not None and np.isfinite(ra) and np.isfinite(dec)
    if known and abs(dec or 0.0) > 90.0:
        raise StampError(f"has no position: ra = {ra}, dec = {dec}")
    wanted = [
        role for role in ALERT_STAMPS if role != "difference" or require_difference or files.get("difference")
    ]
    images = {role: read_alert_image(role, files.get(role), extras) for role in wanted}
    science = images["science"]
    x, y, jacobian = _source(science, (ra, dec) if known and ra is not None and dec is not None else None)
    side = max(max(image.box.shape) for image in images.values())
    stamps = {role: _square(role, image, x, y, side) for role, image in images.items()}
    return Triplet(
        template=stamps["template"],
        science=stamps["science"],
        difference=stamps.get("difference"),
        sky_jacobian=jacobian,
        position=(science.box.x_start + x, science.box.y_start + y),
    )


def _select(rows: pa.Table) -> pa.Table:
    wanted = {"ra", "dec", "instrument", "isNegative", *ALERT_STAMPS.values()}
    return rows.select([name for name in rows.column_names if name in wanted])


def _square(role: str, image: AlertImage, x: float, y: float, side: int) -> Stamp:
    """Return a square stamp of an image.

    The source is at (x, y), counted from the first pixel.
    """
    if image.box.shape == (side, side):
        return Stamp(image.array, image.box, unit=image.unit, **image.planes)
    box = Box.from_center(image.box.x_start + x, image.box.y_start + y, side)
    if (inside := image.box.intersection(box)) is None:
        raise StampError(f"the {role} stamp does not hold the source")

    def padded(array: NDArray[Any], fill: float) -> NDArray[Any]:
        return pad(array[inside.slices_within(image.box)], inside, box, fill, array.dtype)

    planes = dict(image.planes)
    for name, fill in (("mask", 0), ("variance", np.nan)):
        if planes.get(name) is not None:
            planes[name] = padded(planes[name], fill)
    return Stamp(padded(image.array, np.nan), box, unit=image.unit, **planes)


def _source(
    image: AlertImage, position: tuple[float, float] | None
) -> tuple[float, float, NDArray[np.float64]]:
    """Return where the source is, from the first pixel, and how the sky lies."""
    header = image.header
    center = (image.array.shape[1] - 1) / 2, (image.array.shape[0] - 1) / 2
    try:
        sky_map = HeaderSkyMap(header, 0, 0)
    except Exception:  # no WCS of the sky, or none that astropy understands
        cd = _linear_matrix(header)
        if cd is None:
            return *center, _ZTF_JACOBIAN
        return float(header["CRPIX1"]) - 1, float(header["CRPIX2"]) - 1, cd * 3600.0
    x, y = (np.array([value]) for value in center)
    if position is not None:
        found = sky_map.sky_to_pixel(*(np.array([angle]) for angle in position))
        if np.isfinite(found).all():
            x, y = found
    return float(x[0]), float(y[0]), sky_jacobians(sky_map, x, y)[0]


def _linear_matrix(header: fits.Header) -> NDArray[np.float64] | None:
    """Return the matrix of a WCS that does not name its projection.

    Early alerts of Rubin have one around the source, degrees per pixel.
    """
    keys: list[Any] = [f"CD{i}_{j}" for i in (1, 2) for j in (1, 2)]
    if "CRPIX1" not in header or "CRPIX2" not in header:
        return None
    if any(key in header for key in keys):
        values = [float(header.get(key, 0.0)) for key in keys]
    elif "CDELT1" in header and "CDELT2" in header:
        matrix = [header.get(f"PC{i}_{j}", float(i == j)) for i in (1, 2) for j in (1, 2)]
        values = [float(m) * float(header[f"CDELT{1 + n // 2}"]) for n, m in enumerate(matrix)]
    else:
        return None
    found = np.array(values, dtype=np.float64).reshape(2, 2)
    return found if np.linalg.det(found) else None
