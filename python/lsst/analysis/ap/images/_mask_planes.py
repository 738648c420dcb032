"""Names of mask planes, as afw has them."""

__all__ = ("afw_plane_name", "mask_planes_of")

from .fits._hdus import Hdu

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

    ``name``: name in either package.
    """
    return AFW_NAMES.get(name, name)


def mask_planes_of(mask: Hdu) -> dict[str, int]:
    """Return the mask planes that a mask's header describes.

    ``mask``: the mask. afw writes ``MP_<name> = bit``, lsst.images ``MSKNnnnn = name`` and ``MSKMnnnn = 1 <<
    bit``. Returns: bit number by afw's name. Raises `ImageFileError` if the header is damaged.
    """
    cards = mask.matching("MP_", "MSKN", "MSKM")
    bits = {name.removeprefix("MP_"): bit for name, bit in cards.items() if name.startswith("MP_")}
    for keyword, name in cards.items():
        if keyword.startswith("MSKN") and isinstance(value := cards.get(f"MSKM{keyword[4:]}"), int):
            bits[AFW_NAMES.get(name, name)] = value.bit_length() - 1
    return {name: bit for name, bit in bits.items() if isinstance(bit, int) and 0 <= bit < 32}
