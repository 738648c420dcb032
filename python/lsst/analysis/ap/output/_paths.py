"""Where in its directory a picture goes."""

__all__ = (
    "COMPOSITE",
    "PictureNames",
    "frame_path",
    "is_chunk_folder",
    "is_list_path",
    "is_picture_path",
    "panel_path",
)

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

COMPOSITE: Final = "composite"
"""The picture of all panels, among those that a subject can consist of."""

_KEY_BYTES: Final = 10
"""Of a keyed hash; among a million keys two are equal once in a trillion."""


@dataclass(frozen=True, slots=True)
class PictureNames:
    """How pictures are named, and which folders they go to."""

    chunk_size: int | None = None
    """How many successive identifiers share a folder."""
    chunk_sources: int | None = None
    """How many sources share a folder, whatever their identifiers."""
    secret: bytes | None = None
    """What makes keys in place of identifiers; `None` for identifiers."""

    def name(self, diaSourceId: int) -> str:
        """Return what a picture is called.

        Returns: the identifier, or, with a secret, letters and digits that say nothing about it to anybody
        else: a keyed hash (HMAC, RFC 2104).
        """
        if self.secret is None:  # a name that begins with a minus is an option to most programs
            return str(diaSourceId) if diaSourceId >= 0 else f"position_{-diaSourceId}"
        digest = hmac.digest(self.secret, str(diaSourceId).encode(), hashlib.sha256)
        return base64.b32encode(digest[:_KEY_BYTES]).decode().lower()

    def path(self, diaSourceId: int, number: int | None = None) -> str:
        """Return the path of a picture, relative to the directory of the run.

        ``number``: the running number of the source in the directory, from 0, which `chunk_sources` needs.
        Returns: the path, with ``/`` between folder and name.
        """
        # A folder must not have the name that panoptes finds in the cell of an identifier; it would take
        # that cell for one of a file.
        folder = ""
        if self.chunk_size is not None:
            first = diaSourceId // self.chunk_size * self.chunk_size
            folder = f"{first}-{first + self.chunk_size - 1}/"
        elif self.chunk_sources is not None:
            assert number is not None
            folder = f"part-{number // self.chunk_sources + 1:04d}/"
        return f"{folder}{self.name(diaSourceId)}.png"


def is_chunk_folder(name: str) -> bool:
    """Return whether a folder can be one of those for pictures."""
    return re.fullmatch(r"-?\d+--?\d+|part-\d{4,}", name) is not None


def is_picture_path(path: str) -> bool:
    """Return whether a path can be one of a picture.

    ``path``: a path relative to the directory of a run. Returns: whether it is a PNG file in the directory or
    in a folder for pictures.
    """
    folder, _, name = path.rpartition("/")
    return re.fullmatch(r"[\w-]+\.png", name) is not None and (not folder or is_chunk_folder(folder))


def is_list_path(path: str) -> bool:
    """Return whether a path can be one of a manifest's file.

    ``path``: a path relative to the directory of a run. Returns: whether it is ``manifest.csv`` or a numbered
    one, in the directory or in a folder for pictures.
    """
    folder, _, name = path.rpartition("/")
    return re.fullmatch(r"manifest[\w-]*\.csv", name) is not None and (not folder or is_chunk_folder(folder))


def panel_path(path: str, panel: str) -> str:
    """Return the path of the picture of one panel.

    ``panel``: one of ``PANELS``.
    """
    return f"{path.removesuffix('.png')}_{panel}.png"


def frame_path(path: str, frame: str) -> str:
    """Return the path of a picture that a subject consists of."""
    return path if frame == COMPOSITE else panel_path(path, frame)
