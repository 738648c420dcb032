"""AST FrameSets through whichever Python binding is installed."""

__all__ = ("AstFrameSet",)

import importlib
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._ast_text import check_ast_text


class AstFrameSet:
    """The mapping of an AST FrameSet from pixels to an ICRS sky.

    Parameters
    ----------
    text : `str`
        The FrameSet in AST's native text encoding. Its base frame is a pixel
        grid and its current frame a SkyFrame.

    Raises
    ------
    ValueError
        Raised if the text is not a FrameSet that ends on the sky.
    ImportError
        Raised if neither ``starlink.Ast`` (PyPI ``starlink-pyast``) nor
        ``astshim`` (in the LSST stack) is installed.
    """

    def __init__(self, text: str) -> None:
        _require_library()
        check_ast_text(text)
        try:
            self._frame_set, longitude_axis = _read_with_pyast(text)
            self._apply = self._frame_set.tran
        except ImportError:
            self._frame_set, longitude_axis = _read_with_astshim(text)
            self._apply = self._apply_with_astshim
        self._sky_order = [0, 1] if longitude_axis == 1 else [1, 0]

    def pixel_to_sky(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sky position of pixels.

        Parameters
        ----------
        pixels : `numpy.ndarray`
            Coordinates x and y in the pixel grid of the base frame, shape (2, N).

        Returns
        -------
        sky : `numpy.ndarray`
            ICRS right ascension and declination in radians, shape (2, N); NaN
            where the mapping is not defined.

        Raises
        ------
        ValueError
            Raised if AST has no such mapping.
        """
        return _bad_to_nan(self._tran(pixels, True))[self._sky_order]

    def sky_to_pixel(self, sky: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixel that a sky position falls on.

        Parameters
        ----------
        sky : `numpy.ndarray`
            ICRS right ascension and declination in radians, shape (2, N).

        Returns
        -------
        pixels : `numpy.ndarray`
            Coordinates x and y in the pixel grid of the base frame, shape (2, N); NaN
            where the mapping is not defined.

        Raises
        ------
        ValueError
            Raised if AST has no such mapping.
        """
        return _bad_to_nan(self._tran(np.ascontiguousarray(sky[self._sky_order]), False))

    def _tran(self, points: NDArray[np.float64], forward: bool) -> Any:
        try:
            return self._apply(points, forward)
        except Exception as error:
            # The errors of either binding derive from no class of Python's.
            raise ValueError(f"the WCS cannot be applied: {error}") from error

    def _apply_with_astshim(self, points: NDArray[np.float64], forward: bool) -> Any:
        return self._frame_set.applyForward(points) if forward else self._frame_set.applyInverse(points)


def _require_library() -> None:
    for name in ("starlink", "astshim"):
        with suppress(ImportError):
            importlib.import_module(name)
            return
    raise ImportError(
        "no library reads the AST text of the WCS; install starlink-pyast, or use the LSST stack"
    )


class _Lines:
    """The text as starlink.Ast.Channel wants it: a line at a time."""

    def __init__(self, text: str) -> None:
        self._lines = iter(text.splitlines())

    def astsource(self) -> str | None:
        return next(self._lines, None)


def _read_with_pyast(text: str) -> tuple[Any, int]:
    from starlink import Ast

    try:
        frame_set = Ast.Channel(_Lines(text)).read()
    except Ast.AstError as error:
        raise ValueError(f"AST cannot read the WCS: {error}") from error
    if not isinstance(frame_set, Ast.FrameSet):
        raise ValueError(f"the WCS is an AST {type(frame_set).__name__}, not a FrameSet")
    sky_frame = frame_set.getframe(frame_set.Current)
    if not isinstance(sky_frame, Ast.SkyFrame):
        raise ValueError(f"the WCS ends in an AST {type(sky_frame).__name__}, not in a SkyFrame")
    frame_set.System = "ICRS"
    return frame_set, int(sky_frame.LonAxis)


def _read_with_astshim(text: str) -> tuple[Any, int]:
    import astshim

    try:
        frame_set = astshim.Channel(astshim.StringStream(text)).read()
    except RuntimeError as error:
        raise ValueError(f"AST cannot read the WCS: {error}") from error
    if not isinstance(frame_set, astshim.FrameSet):
        raise ValueError(f"the WCS is an AST {type(frame_set).__name__}, not a FrameSet")
    sky_frame = frame_set.getFrame(frame_set.current, False)
    if not isinstance(sky_frame, astshim.SkyFrame):
        raise ValueError(f"the WCS ends in an AST {type(sky_frame).__name__}, not in a SkyFrame")
    sky_frame.system = "ICRS"
    return frame_set, int(sky_frame.lonAxis)


def _bad_to_nan(points: Any) -> NDArray[np.float64]:
    points = np.array(points, dtype=np.float64, ndmin=2)
    # AST marks undefined coordinates with AST__BAD, -DBL_MAX.
    points[np.abs(points) > 1e300] = np.nan
    return np.asarray(points)
