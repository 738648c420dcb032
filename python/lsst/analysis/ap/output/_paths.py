"""Where in its directory a picture goes."""

__all__ = ("PANELS", "panel_path", "picture_path")

from typing import Final

PANELS: Final = ("template", "science", "difference")
"""The panels of a picture that can be files of their own."""


def picture_path(diaSourceId: int, chunk_size: int | None = None) -> str:
    """Return the path of a picture, relative to the directory of the run.

    Parameters
    ----------
    diaSourceId : `int`
        The DiaSource.
    chunk_size : `int`, optional
        With it, pictures go to folders that each take this many successive
        identifiers and are named for the first of them; so that a folder
        never holds more than that, and a source's folder follows from its
        identifier alone.

    Returns
    -------
    path : `str`
        The path, with ``/`` between folder and name.
    """
    name = f"{diaSourceId}.png"
    return name if chunk_size is None else f"{diaSourceId // chunk_size * chunk_size}/{name}"


def panel_path(path: str, panel: str) -> str:
    """Return the path of the picture of one panel.

    Parameters
    ----------
    path : `str`
        Path of the whole picture.
    panel : `str`
        One of `PANELS`.

    Returns
    -------
    path : `str`
        A path beside it.
    """
    return f"{path.removesuffix('.png')}_{panel}.png"
