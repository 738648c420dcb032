"""Names of mask planes, as afw has them."""

__all__ = ("afw_plane_name", "mask_planes_from_header")

from typing import Any

from astropy.io.fits import Header

AFW_NAMES = {
    "SATURATED": "SAT",
    "INTERPOLATED": "INTRP",
    "COSMIC_RAY": "CR",
    "DETECTION_EDGE": "EDGE",
    "UNMASKED_NAN": "UNMASKEDNAN",
}
"""Mask planes that lsst.images names otherwise than afw
(`lsst.images.get_legacy_visit_image_mask_planes`)."""


def afw_plane_name(name: str) -> str:
    """Return afw's name of a mask plane.

    Parameters
    ----------
    name : `str`
        Name in either package.

    Returns
    -------
    name : `str`
        Name in afw.
    """
    return AFW_NAMES.get(name, name)


def mask_planes_from_header(header: Header) -> dict[str, int]:
    """Return the mask planes that a mask's header describes.

    Parameters
    ----------
    header : `astropy.io.fits.Header`
        Header of the mask extension: afw writes ``MP_<name> = bit``,
        lsst.images ``MSKNnnnn = name`` and ``MSKMnnnn = 1 << bit``.

    Returns
    -------
    planes : `dict` [`str`, `int`]
        Bit number by afw's name.
    """
    planes: dict[str, int] = {}
    for keyword in header:
        if keyword.startswith("MP_"):
            _add(planes, keyword.removeprefix("MP_"), header[keyword])
    for keyword in header:
        if keyword.startswith("MSKN") and (mask := header.get(f"MSKM{keyword[4:]}")):
            _add(planes, afw_plane_name(str(header[keyword])), int(mask).bit_length() - 1)
    return planes


def _add(planes: dict[str, int], name: str, bit: Any) -> None:
    if isinstance(bit, int) and 0 <= bit < 32:
        planes[name] = bit
