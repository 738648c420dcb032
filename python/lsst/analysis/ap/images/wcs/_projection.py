"""The WCS of a file of lsst.images."""

__all__ = ("read_projection", "read_shared_projection")

import json
from functools import lru_cache
from typing import IO, Any, cast

import numpy as np

from ..fits._errors import ImageFileError
from ..fits._hdus import HduList
from ..fits._stream import ByteStream
from ..fits._tile_table import ARRAY_TYPES
from ._ast_text import check_ast_text
from ._sky_map import LsstSkyMap, ProjectionSkyMap, SkyMap

FORMAT = 1
"""FMTVER of the files whose layout is known."""

VERSION = 1
"""Version of the schemas ``sky_projection`` and ``transform`` that is known."""


def read_projection(hdus: HduList) -> SkyMap | None:
    """Return the exact WCS of an image of lsst.images.

    Only the projection is parsed, where the layout is known, and images with the same projection share it:
    those of a detector mostly do. A newer layout is left to lsst.images.

    Returns: the mapping between the sky and PARENT pixels; `None` where another package wrote the file: the
    primary header does not say where the description of the image is. Raises `ImageFileError` if the image
    has no projection.
    """
    address = hdus.primary.value("JSONADDR")
    if address is None:
        return None
    tree: dict[str, Any] = {}
    if hdus.primary.value("FMTVER") == FORMAT:
        hdu = hdus.at(hdus.primary.integer("JSONADDR"), -2)
        # The description is the first cell of a table of bytes.
        pointer = np.dtype(ARRAY_TYPES[hdu.text("TFORM1").lstrip("1")[:1]])
        heap = hdu.integer("THEAP", hdu.integer("NAXIS1") * hdu.integer("NAXIS2"))
        data = hdu.source.read(hdu.data_start, hdu.data_start + hdu.data_size)
        length, offset = np.frombuffer(data, pointer, 2).tolist()
        tree = json.loads(data[heap + offset : heap + offset + length])
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
    texts = [mapping.get("ast") for mapping in mappings]
    if any(not isinstance(text, str) for text in texts):
        return None  # some only point to what the archive has elsewhere
    return tuple(texts)


@lru_cache(maxsize=4)
def read_shared_projection(texts: tuple[str, ...]) -> SkyMap:
    """Read a projection.

    ``texts``: AST text of each step from PARENT pixels to the sky. Returns: the mapping; the same for the
    same text, while few are in use.
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
