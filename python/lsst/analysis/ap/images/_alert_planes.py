"""What the file of an alert's stamp has beside the image."""

__all__ = ("read_planes",)

from collections.abc import Collection, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..domain import Box
from ._mask_planes import mask_planes_from_header
from .fits._hdu import Hdu
from .fits._planes import is_image, plane_shape, read_plane

# Names of the extensions that astropy.nddata.CCDData writes.
_MASK: Final = "MASK"
_UNCERTAINTY: Final = "UNCERT"
_PSF: Final = "PSFIMAGE"


def read_planes(
    hdus: Iterable[Hdu], shape: tuple[int, int], wanted: Collection[str], largest: int
) -> dict[str, Any]:
    """Return what stands beside the image of a stamp.

    Parameters
    ----------
    hdus : iterable of `Hdu`
        The units of the file.
    shape : `tuple` [`int`, `int`]
        Rows and columns of the image. What has another shape, but for the
        PSF, is not of this image.
    wanted : `~collections.abc.Collection` [`str`]
        Those of ``mask``, ``variance`` and ``psf`` that somebody wants.
    largest : `int`
        Most pixels on a side of an image of a PSF.

    Returns
    -------
    planes : `dict` [`str`, `object`]
        Fields of a `~lsst.analysis.ap.domain.Stamp`, as far as the file has
        them. A mask whose header does not name its planes has planes
        ``BIT0`` and so on.
    """
    planes: dict[str, Any] = {}
    for hdu in hdus:
        if not is_image(hdu):
            continue
        fits = plane_shape(hdu) == shape
        if hdu.name == _MASK and "mask" in wanted and fits:
            mask = _whole(hdu).astype(np.int64).astype(np.uint32)
            named = mask_planes_from_header(hdu.header)
            planes |= {"mask": mask, "mask_planes": named or _unnamed(mask)}
        elif hdu.name == _UNCERTAINTY and "variance" in wanted and fits:
            kind = str(hdu.value("UTYPE", "")).strip()
            planes["variance"] = _variance(_whole(hdu), kind)
        elif hdu.name == _PSF and "psf" in wanted and max(plane_shape(hdu)) <= largest:
            planes["psf"] = _whole(hdu).astype(np.float64)
    return planes


def _whole(hdu: Hdu) -> NDArray[Any]:
    height, width = plane_shape(hdu)
    (array,) = read_plane(hdu, [Box(0, width, 0, height)])
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
