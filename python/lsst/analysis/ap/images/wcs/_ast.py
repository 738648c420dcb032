"""AST mappings through whichever Python binding is installed."""

__all__ = ("AstFrameSet", "AstMapping")

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._ast_text import check_ast_text
from ._ast_trial import ast_library, read_mapping


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
