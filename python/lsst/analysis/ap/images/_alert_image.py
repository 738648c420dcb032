"""The file of an alert's stamp: the image, and what stands beside it."""

__all__ = ("AlertImage", "read_alert_image")

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from ..domain import Box
from ._errors import StampError
from .fits._bytes import MemoryBytes
from .fits._codecs import inflate_member
from .fits._errors import ImageFileError
from .fits._hdus import Hdu, HduList
from .fits._plane import Plane, mask_planes_of
from .fits._planes import read_plane

MAX_SIDE: Final = 2000
"""Pixels; the stamps of alerts have about a hundred. Those of differing sizes
are put into squares, so a long one would take a lot of memory."""

_MAX_BYTES: Final = 2**26
"""Neither is the file of a stamp larger than this: image, variance and mask."""

# Names of the extensions that astropy.nddata.CCDData writes.
_MASK: Final = "MASK"
_UNCERTAINTY: Final = "UNCERT"
_PSF: Final = "PSFIMAGE"


@dataclass(frozen=True, eq=False)
class AlertImage:
    """The image of a stamp's file."""

    array: NDArray[np.float32]
    """Its pixels."""
    box: Box
    """Where they lie, PARENT pixels."""
    header: fits.Header
    """Its header."""
    unit: str | None
    """Unit of the pixels."""
    planes: Mapping[str, Any]
    """What else there is, as fields of a `~lsst.analysis.ap.domain.Stamp`."""


def read_alert_image(role: str, content: bytes | None, extras: Collection[str]) -> AlertImage:
    """Return the first image of a FITS file.

    ``content``: the file, gzipped or not. ``extras``: those of ``mask``, ``variance`` and ``psf`` that
    somebody wants. Returns: the image. A mask whose header does not name its planes has planes ``BIT0`` and
    so on. Raises `StampError` if there is none, or it is damaged.
    """
    if not content:
        raise StampError(f"the alert has no {role} stamp")
    try:
        if content[:2] == b"\x1f\x8b":
            content = _inflate(content)
        hdus = HduList(MemoryBytes(content, f"the {role} stamp of the alert"))
        for hdu in hdus:
            if hdu.is_image:
                return _read(hdu, hdus if extras else (), extras)
    except ImageFileError as error:
        raise StampError(str(error)) from error
    except ValueError as error:
        raise StampError(f"the {role} stamp of the alert {error}") from error
    raise StampError(f"the {role} stamp of the alert has no image")


def _inflate(data: bytes) -> bytes:
    """Inflate a gzip file, which may have several members."""
    inflated = b""
    while data.rstrip(b"\0"):
        member, data = inflate_member(data, _MAX_BYTES, len(inflated))
        inflated += member
    return inflated


def _read(hdu: Hdu, others: Iterable[Hdu], extras: Collection[str]) -> AlertImage:
    plane = Plane.of(hdu)
    height, width = plane.shape
    if max(width, height) > MAX_SIDE:
        raise ImageFileError(
            hdu.source.name, f"has {width}x{height} pixels; more than {MAX_SIDE} on a side are no stamp"
        )
    array = _whole(plane)
    # The header counts the pixel before the first one of the stamp.
    x0, y0 = (hdu.number(keyword, -1) + 1 for keyword in ("CUTMINX", "CUTMINY"))
    if max(abs(x0), abs(y0)) > 2**31:
        raise ImageFileError(hdu.source.name, f"begins at an impossible pixel: {x0}, {y0}")
    box = Box(int(x0), int(x0) + width, int(y0), int(y0) + height)
    planes = _read_others(others, plane.shape, extras)
    return AlertImage(np.ascontiguousarray(array, np.float32), box, hdu.header, plane.unit, planes)


def _read_others(hdus: Iterable[Hdu], shape: tuple[int, int], wanted: Collection[str]) -> dict[str, Any]:
    """Return what stands beside the image of a stamp, as fields of a stamp.

    What has another shape, but for the PSF, is not of this image.
    """
    planes: dict[str, Any] = {}
    for hdu in hdus:
        if not hdu.is_image:
            continue
        plane = Plane.of(hdu)
        is_alike = plane.shape == shape
        if hdu.name == _MASK and "mask" in wanted and is_alike:
            mask = _whole(plane).astype(np.int64).astype(np.uint32)
            planes |= {"mask": mask, "mask_planes": mask_planes_of(hdu) or _unnamed(mask)}
        elif hdu.name == _UNCERTAINTY and "variance" in wanted and is_alike:
            planes["variance"] = _variance(_whole(plane), hdu.text("UTYPE"))
        elif hdu.name == _PSF and "psf" in wanted and max(plane.shape) <= MAX_SIDE:
            planes["psf"] = _whole(plane).astype(np.float64)
    return planes


def _whole(plane: Plane) -> NDArray[Any]:
    height, width = plane.shape
    (array,) = read_plane(plane, [Box(0, width, 0, height)])
    return array


def _unnamed(mask: NDArray[np.uint32]) -> dict[str, int]:
    """Return names for the bits that are set."""
    bits = int(np.bitwise_or.reduce(mask, axis=None))
    return {f"BIT{bit}": bit for bit in range(32) if bits >> bit & 1}


def _variance(values: NDArray[Any], kind: str) -> NDArray[np.float32] | None:
    """Return variances; `None` for a kind of uncertainty that is not known."""
    values = values.astype(np.float32)
    with np.errstate(divide="ignore"):
        kinds = {
            "VarianceUncertainty": values,
            "StdDevUncertainty": values**2,
            "InverseVariance": 1 / values,
        }
    return kinds.get(kind)
