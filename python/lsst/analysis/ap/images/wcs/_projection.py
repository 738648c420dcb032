"""The WCS of a file of lsst.images."""

__all__ = ("is_lsst_images", "read_projection", "read_shared_projection")

import json
from functools import lru_cache
from typing import IO, Any, cast

import numpy as np

from ..fits._bytes import ByteStream
from ..fits._errors import ImageFileError
from ..fits._hdus import HduList
from ..fits._tile_table import ARRAY_TYPES
from ._ast_text import check_ast_text
from ._sky_map import LsstSkyMap, ProjectionSkyMap, SkyMap

FORMAT = 1
"""FMTVER of the files whose layout is known."""

VERSION = 1
"""Version of the schemas ``sky_projection`` and ``transform`` that is known."""


def is_lsst_images(hdus: HduList) -> bool:
    """Return whether lsst.images wrote a file.

    Parameters
    ----------
    hdus : `HduList`
        The file.

    Returns
    -------
    is_lsst_images : `bool`
        Whether its primary header says where the description of the image is.
    """
    return hdus.primary.value("JSONADDR") is not None


def read_projection(hdus: HduList) -> SkyMap:
    """Return the exact WCS of an image.

    Only the projection is parsed, where the layout is known, and images with
    the same projection share it: those of a detector mostly do. A newer
    layout is left to lsst.images.

    Parameters
    ----------
    hdus : `HduList`
        A file that lsst.images wrote.

    Returns
    -------
    sky_map : `SkyMap`
        The mapping between the sky and PARENT pixels.

    Raises
    ------
    ImageFileError
        Raised if the image has no projection.
    """
    tree = json.loads(_read_tree(hdus)) if hdus.primary.value("FMTVER") == FORMAT else {}
    if "sky_projection" in tree and tree["sky_projection"] is None:
        raise ImageFileError(hdus.source.name, "has no WCS: it was written without a sky_projection")
    if (texts := _find_texts(tree.get("sky_projection"))) is not None:
        return read_shared_projection(texts)
    return _read_with_lsst_images(hdus)


def _find_texts(projection: Any) -> tuple[str, ...] | None:
    """Return the AST text of each step of a projection in JSON, if that is all there is."""
    if projection is None:
        return None
    transform = projection["pixel_to_sky"]
    if not projection["min_read_version"] == transform["min_read_version"] == VERSION:
        return None
    mappings, frames = transform["mappings"], transform["frames"]
    if frames[-1] != "ICRS" or len(frames) != len(mappings) + 1 or not mappings:
        return None
    if not all(isinstance(mapping.get("ast"), str) for mapping in mappings):
        return None  # some only point to what the archive has elsewhere
    return tuple(mapping["ast"] for mapping in mappings)


def _read_tree(hdus: HduList) -> bytes:
    """Return the description of the image: the first cell of a table of bytes."""
    hdu = hdus.at(hdus.primary.integer("JSONADDR"), -2)
    data = hdu.source.read(hdu.data_start, hdu.data_start + hdu.data_size)
    pointer = np.dtype(ARRAY_TYPES[str(hdu.value("TFORM1")).strip().lstrip("1")[:1]])
    length, offset = np.frombuffer(data, pointer, 2).tolist()
    start = hdu.integer("THEAP", hdu.integer("NAXIS1") * hdu.integer("NAXIS2")) + offset
    return data[start : start + length]


@lru_cache(maxsize=4)
def read_shared_projection(texts: tuple[str, ...]) -> SkyMap:
    """Read a projection.

    Parameters
    ----------
    texts : `tuple` [`str`, ...]
        AST text of each step from PARENT pixels to the sky.

    Returns
    -------
    sky_map : `SkyMap`
        The mapping; the same for the same text, while few are in use.
    """
    return ProjectionSkyMap(texts)


def _read_with_lsst_images(hdus: HduList) -> SkyMap:
    """Return the WCS of an image whose layout only lsst.images knows."""
    from lsst.images.serialization import open_archive

    with open_archive(cast(IO[bytes], ByteStream(hdus.source)), format="fits") as archive:
        _check_projection(archive.get_tree())
        projection = archive.get_component("sky_projection")
    if projection is None:
        raise ImageFileError(hdus.source.name, "has no WCS: it was written without a sky_projection")
    return LsstSkyMap(projection)


def _check_projection(tree: Any) -> None:
    """Check the AST text of a projection, as far as this layout is known."""
    transform = getattr(getattr(tree, "sky_projection", None), "pixel_to_sky", None)
    for mapping in getattr(transform, "mappings", ()):
        if isinstance(text := getattr(mapping, "ast", None), str):
            check_ast_text(text)
