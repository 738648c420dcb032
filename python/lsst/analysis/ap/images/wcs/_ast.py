"""The exact WCS of an image: AST text, as afw and lsst.images keep it."""

__all__ = (
    "AstFrameSet",
    "AstMapping",
    "AstSkyMap",
    "ProjectionSkyMap",
    "read_projection",
    "read_shared_projection",
)

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..fits._errors import ImageFileError
from ..fits._hdus import HduList
from ..fits._stream import ByteStream
from ..fits._tile_table import ARRAY_TYPES
from ._ast_text import check_ast_text
from ._ast_trial import ast_library, read_mapping
from ._sky_map import Floats, LsstSkyMap, SkyMap


class AstMapping:
    """A mapping between two planes of coordinates.

    ``text``: an AST Mapping in AST's native text encoding; of a FrameSet it is that from its base to its
    current frame. Raises `ValueError` if the text is not a mapping of two coordinates; `ImportError` if
    neither ``starlink.Ast`` (PyPI ``starlink-pyast``) nor ``astshim`` (in the LSST stack) is installed.
    """

    def __init__(self, text: str) -> None:
        self._library = ast_library()
        check_ast_text(text)
        try:
            self.mapping: Any = read_mapping(self._library, text)
        except Exception as error:
            # The errors of either binding derive from no class of Python's.
            raise ValueError(f"AST cannot read the WCS: {error}") from error
        if not isinstance(self.mapping, self._library.Mapping):
            raise ValueError(f"the WCS is an AST {type(self.mapping).__name__}, not a mapping")

    def forward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the mapping leads to.

        ``points``: input coordinates, shape (2, N). Returns: output coordinates, shape (2, N); NaN where the
        mapping is not defined. Raises `ValueError` if AST has no such mapping.
        """
        return self._apply(points, "applyForward", True)

    def inverse(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the mapping comes from.

        ``points``: output coordinates, shape (2, N). Returns: input coordinates, shape (2, N); NaN where the
        mapping is not defined. Raises `ValueError` if AST has no such mapping.
        """
        return self._apply(points, "applyInverse", False)

    def _apply(self, points: NDArray[np.float64], name: str, forward: bool) -> NDArray[np.float64]:
        if not points.size:
            return np.array(points, dtype=np.float64)  # which AST refuses
        try:
            points = np.ascontiguousarray(points, dtype=np.float64)
            if self._library.__name__ == "astshim":
                result = getattr(self.mapping, name)(points)
            else:
                result = self.mapping.tran(points, forward)
            result = np.array(result, dtype=np.float64, ndmin=2)
        except Exception as error:
            # The errors of either binding derive from no class of Python's.
            raise ValueError(f"the WCS cannot be applied: {error}") from error
        # AST marks undefined coordinates with AST__BAD, -DBL_MAX.
        result[np.abs(result) > 1e300] = np.nan
        return np.asarray(result)


class AstFrameSet(AstMapping):
    """The mapping of an AST FrameSet from pixels to an ICRS sky.

    Its output coordinates are right ascension and declination in radians, whichever the FrameSet has first.

    ``text``: the FrameSet in AST's native text encoding. Its base frame is a pixel grid and its current frame
    a SkyFrame. Raises `ValueError` if the text is not a FrameSet that ends on the sky; `ImportError` if no
    library reads the text.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        try:
            longitude_axis = self._turn_to_icrs()
        except ValueError:
            raise
        except Exception as error:
            # Some errors of AST appear in Python with the call that follows.
            raise ValueError(f"AST cannot read the WCS: {error}") from error
        self._sky_order = [0, 1] if longitude_axis == 1 else [1, 0]

    def _turn_to_icrs(self) -> int:
        """Let the sky be ICRS, and return which of its axes is right ascension."""
        frame_set, library = self.mapping, self._library
        if not isinstance(frame_set, library.FrameSet):
            raise ValueError(f"the WCS is an AST {type(frame_set).__name__}, not a FrameSet")
        if library.__name__ == "astshim":
            frame = frame_set.getFrame(frame_set.current, False)
        else:
            frame = frame_set.getframe(frame_set.Current)
        if not isinstance(frame, library.SkyFrame):
            raise ValueError(f"the WCS ends in an AST {type(frame).__name__}, not in a SkyFrame")
        if library.__name__ == "astshim":
            frame.system = "ICRS"
            return int(frame.lonAxis)
        frame_set.System = "ICRS"
        return int(frame.LonAxis)

    def forward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        # Docstring inherited.
        return super().forward(points)[self._sky_order]

    def inverse(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        # Docstring inherited.
        return super().inverse(points[self._sky_order])


class AstSkyMap:
    """The exact WCS that afw keeps in a file as AST text.

    ``text``: an AST FrameSet in native text; its base frame is 0-based PARENT pixels.
    """

    def __init__(self, text: str) -> None:
        self._frame_set = AstFrameSet(text)

    def sky_to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        x, y = self._frame_set.inverse(np.radians(np.array([ra, dec])))
        return x, y

    def pixel_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        ra, dec = np.degrees(self._frame_set.forward(np.array([x, y])))
        return ra % 360.0, dec


class ProjectionSkyMap:
    """The exact WCS that lsst.images keeps in a file as AST text.

    ``texts``: the steps from PARENT pixels to ICRS right ascension and declination in radians, each an AST
    mapping in native text.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._steps = [AstMapping(text) for text in texts]

    def sky_to_pixel(self, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        points = np.radians(np.array([ra, dec], dtype=np.float64))
        for step in reversed(self._steps):
            points = step.inverse(points)
        x, y = points
        undefined = np.isnan(x) | np.isnan(y)
        x[undefined] = y[undefined] = np.nan
        return x, y

    def pixel_to_sky(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        points = np.array([x, y], dtype=np.float64)
        for step in self._steps:
            points = step.forward(points)
        ra, dec = np.degrees(points)
        return ra % 360.0, dec


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
