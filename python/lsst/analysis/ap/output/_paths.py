"""Where in its directory a picture goes."""

__all__ = (
    "CHUNK_FOLDER",
    "COMPOSITE",
    "LIST_PATH",
    "PICTURE_PATH",
    "PictureNames",
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

CHUNK_FOLDER: Final = re.compile(r"-?\d+--?\d+|part-\d{4,}")
"""The name of a folder for pictures."""

PICTURE_PATH: Final = re.compile(rf"(({CHUNK_FOLDER.pattern})/)?[\w-]+\.png")
"""The path of a picture in the directory of a run: there, or in a folder for pictures."""

LIST_PATH: Final = re.compile(rf"(({CHUNK_FOLDER.pattern})/)?manifest[\w-]*\.csv")
"""The path of a file of the manifest: ``manifest.csv`` or a numbered one, there or in such a folder."""

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


def panel_path(path: str, panel: str) -> str:
    """Return the path of the picture of one panel.

    ``panel``: one of ``PANELS``.
    """
    return f"{path.removesuffix('.png')}_{panel}.png"
