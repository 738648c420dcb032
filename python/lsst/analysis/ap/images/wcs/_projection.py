"""The WCS of a file of lsst.images."""

__all__ = ("is_lsst_images", "read_projection", "read_shared_projection")

import io
import json
from functools import lru_cache
from typing import IO, Any, cast

import numpy as np

from ..fits._bytes import ByteStream
from ..fits._errors import ImageFileError
from ..fits._hdus import HduList
from ..fits._tile_table import ARRAY_TYPES
from ._ast_text import check_ast_text
from ._sky_map import LsstSkyMap, SkyMap

FORMAT = 1
"""FMTVER of the files whose layout is known."""


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
    the same projection share it: those of a detector mostly do.

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
    if (text := _find_projection(hdus)) is not None:
        return read_shared_projection(text)
    from lsst.images.serialization import open_archive

    with open_archive(cast(IO[bytes], ByteStream(hdus.source)), format="fits") as archive:
        _check_projection(archive.get_tree())
        projection = archive.get_component("sky_projection")
    if projection is None:
        raise ImageFileError(hdus.source.name, "has no WCS: it was written without a sky_projection")
    return LsstSkyMap(projection)


def _find_projection(hdus: HduList) -> str | None:
    """Return the projection as JSON, if nothing else of the file belongs to it."""
    if hdus.primary.value("FMTVER") != FORMAT:
        return None
    projection = json.loads(_read_tree(hdus)).get("sky_projection")
    if projection is None or "schema_url" not in projection:
        return None
    if not all("ast" in mapping for mapping in projection["pixel_to_sky"]["mappings"]):
        return None  # some only point to what the archive has elsewhere
    # Nobody asks for it, and it would have AST text of its own.
    projection.pop("fits_approximation", None)
    return json.dumps(projection)


def _read_tree(hdus: HduList) -> bytes:
    """Return the description of the image: the first cell of a table of bytes."""
    hdu = hdus.at(hdus.primary.integer("JSONADDR"), -2)
    data = hdu.source.read(hdu.data_start, hdu.data_start + hdu.data_size)
    pointer = np.dtype(ARRAY_TYPES[str(hdu.value("TFORM1")).strip().lstrip("1")[:1]])
    length, offset = np.frombuffer(data, pointer, 2).tolist()
    start = hdu.integer("THEAP", hdu.integer("NAXIS1") * hdu.integer("NAXIS2")) + offset
    return data[start : start + length]


@lru_cache(maxsize=4)
def read_shared_projection(text: str) -> SkyMap:
    """Read a projection as if it were alone in a file.

    Parameters
    ----------
    text : `str`
        The projection as JSON, with all of its AST text.

    Returns
    -------
    sky_map : `SkyMap`
        The mapping; the same for the same text, while few are in use.
    """
    from lsst.images import SkyProjection
    from lsst.images.serialization import read_archive

    for mapping in json.loads(text)["pixel_to_sky"]["mappings"]:
        check_ast_text(mapping["ast"])
    return LsstSkyMap(read_archive(io.BytesIO(text.encode()), SkyProjection, format="json"))


def _check_projection(tree: Any) -> None:
    """Check the AST text of a projection, as far as this layout is known."""
    transform = getattr(getattr(tree, "sky_projection", None), "pixel_to_sky", None)
    for mapping in getattr(transform, "mappings", ()):
        if isinstance(text := getattr(mapping, "ast", None), str):
            check_ast_text(text)
