"""Stamps that alert packets bring with them."""

__all__ = ("ALERT_STAMPS", "AlertStampReader", "alert_triplet")

import gzip
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from astropy.io import fits
from numpy.typing import NDArray

from ..domain import Box, CutoutsError, SourceBatch, Stamp, Triplet
from ._errors import StampError
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
    """Reads the stamps of sources that bring them with them."""

    def read(self, batch: SourceBatch) -> list[tuple[Triplet, ...] | StampError]:
        """Return the stamps of some sources.

        Parameters
        ----------
        batch : `SourceBatch`
            Sources with the columns of `ALERT_STAMPS`.

        Returns
        -------
        triplets : `list` [`tuple` [`Triplet`] or `StampError`]
            One triplet of each source, as large as its stamps are; or why
            there is none.

        Raises
        ------
        CutoutsError
            Raised when there are no such columns.
        """
        if not set(ALERT_STAMPS.values()) & set(batch.rows.column_names):
            raise CutoutsError(
                "The sources bring no stamps with them and there is no butler: give "
                "ZooniverseCutoutsTask(butler=...) one."
            )
        results: list[tuple[Triplet, ...] | StampError] = []
        for row in _select(batch.rows).to_pylist():
            files = {role: row.get(column) for role, column in ALERT_STAMPS.items()}
            try:
                results.append((alert_triplet(files, row["ra"], row["dec"]),))
            except StampError as error:
                results.append(error)
        return results


def alert_triplet(files: Mapping[str, bytes | None], ra: float | None, dec: float | None) -> Triplet:
    """Return the three stamps of an alert.

    Parameters
    ----------
    files : `~collections.abc.Mapping` [`str`, `bytes`]
        The FITS file of the template, the science and the difference stamp,
        which may be compressed with gzip. The first image of each counts.
    ra, dec : `float` or `None`
        Position of the source, ICRS degrees.

    Returns
    -------
    triplet : `Triplet`
        The stamps as they are, where they are squares of one size; others
        are put around the source into the smallest square that holds all.

    Raises
    ------
    StampError
        Raised when a stamp is missing or cannot be read.
    """
    images = {role: _open(role, files.get(role)) for role in ALERT_STAMPS}
    x, y, jacobian = _source(*images["science"], ra, dec)
    side = max(max(array.shape) for array, _ in images.values())
    stamps = {}
    for role, (array, header) in images.items():
        # The header counts the pixel before the first one of the stamp.
        x0, y0 = int(header.get("CUTMINX", -1)) + 1, int(header.get("CUTMINY", -1)) + 1
        there = Box(x0, x0 + array.shape[1], y0, y0 + array.shape[0])
        if there.shape == (side, side):
            stamps[role] = Stamp(array, there)
            continue
        box = Box.from_center(x0 + x, y0 + y, side)
        if (inside := there.intersection(box)) is None:
            raise StampError(f"the {role} stamp does not hold the source")
        padded = np.full(box.shape, np.nan, np.float32)
        padded[inside.slices_within(box)] = array[inside.slices_within(there)]
        stamps[role] = Stamp(padded, box)
    science = images["science"][1]
    origin = int(science.get("CUTMINX", -1)) + 1, int(science.get("CUTMINY", -1)) + 1
    return Triplet(**stamps, sky_jacobian=jacobian, position=(origin[0] + x, origin[1] + y))


def _select(rows: pa.Table) -> pa.Table:
    wanted = {"ra", "dec", *ALERT_STAMPS.values()}
    return rows.select([name for name in rows.column_names if name in wanted])


def _open(role: str, content: bytes | None) -> tuple[NDArray[np.float32], fits.Header]:
    """Return the first image of a FITS file, and its header."""
    if not content:
        raise StampError(f"the alert has no {role} stamp")
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        with fits.open(io.BytesIO(content), memmap=False) as hdus:
            for hdu in hdus:
                if getattr(hdu, "is_image", False) and hdu.data is not None and hdu.data.ndim == 2:
                    return np.ascontiguousarray(hdu.data, dtype=np.float32), hdu.header.copy()
    except Exception as error:  # astropy raises whatever a damaged file leads to
        raise StampError(f"the {role} stamp of the alert cannot be read: {error}") from error
    raise StampError(f"the {role} stamp of the alert has no image")


def _source(
    array: NDArray[np.float32], header: fits.Header, ra: float | None, dec: float | None
) -> tuple[float, float, NDArray[np.float64]]:
    """Return where the source is, from the first pixel, and how the sky lies."""
    center = (array.shape[1] - 1) / 2, (array.shape[0] - 1) / 2
    try:
        sky_map = HeaderSkyMap(header, 0, 0)
    except Exception:  # no WCS of the sky, or none that astropy understands
        cd = _linear_matrix(header)
        if cd is None:
            return *center, _ZTF_JACOBIAN
        return float(header["CRPIX1"]) - 1, float(header["CRPIX2"]) - 1, cd * 3600.0
    x, y = (np.array([value]) for value in center)
    if ra is not None and dec is not None and np.isfinite(ra) and np.isfinite(dec):
        found = sky_map.sky_to_pixel(np.array([ra]), np.array([dec]))
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
