"""Where in its directory a picture goes."""

__all__ = ("is_chunk_folder", "is_list_path", "is_picture_path", "panel_path", "picture_path")

import re


def picture_path(diaSourceId: int, chunk_size: int | None = None) -> str:
    """Return the path of a picture, relative to the directory of the run.

    Parameters
    ----------
    diaSourceId : `int`
        The DiaSource.
    chunk_size : `int`, optional
        With it, pictures go to folders that each take this many successive
        identifiers and are named for the first and the last of them; so that
        a folder never holds more than that, and a source's folder follows
        from its identifier alone.

    Returns
    -------
    path : `str`
        The path, with ``/`` between folder and name.
    """
    name = f"{diaSourceId}.png"
    if chunk_size is None:
        return name
    # With one number alone, a folder could have the name that panoptes finds in the cell of an
    # identifier; it would take that cell for one of a file.
    first = diaSourceId // chunk_size * chunk_size
    return f"{first}-{first + chunk_size - 1}/{name}"


def is_chunk_folder(name: str) -> bool:
    """Return whether a folder can be one of those for pictures.

    Parameters
    ----------
    name : `str`
        Its name.

    Returns
    -------
    is_one : `bool`
        Whether it is named as `picture_path` does.
    """
    return re.fullmatch(r"-?\d+--?\d+", name) is not None


def is_picture_path(path: str) -> bool:
    """Return whether a path can be one of a picture.

    Parameters
    ----------
    path : `str`
        A path relative to the directory of a run.

    Returns
    -------
    is_one : `bool`
        Whether it is a PNG file in the directory or in a folder for pictures.
    """
    folder, _, name = path.rpartition("/")
    return re.fullmatch(r"[\w-]+\.png", name) is not None and (not folder or is_chunk_folder(folder))


def is_list_path(path: str) -> bool:
    """Return whether a path can be one of a manifest's file.

    Parameters
    ----------
    path : `str`
        A path relative to the directory of a run.

    Returns
    -------
    is_one : `bool`
        Whether it is ``manifest.csv`` or a numbered one, in the directory or
        in a folder for pictures.
    """
    folder, _, name = path.rpartition("/")
    return re.fullmatch(r"manifest[\w-]*\.csv", name) is not None and (not folder or is_chunk_folder(folder))


def panel_path(path: str, panel: str) -> str:
    """Return the path of the picture of one panel.

    Parameters
    ----------
    path : `str`
        Path of the whole picture.
    panel : `str`
        One of `~lsst.analysis.ap.domain.PANELS`.

    Returns
    -------
    path : `str`
        A path beside it.
    """
    return f"{path.removesuffix('.png')}_{panel}.png"
