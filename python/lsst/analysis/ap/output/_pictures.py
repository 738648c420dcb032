"""A picture in its directory: what is known of it, its path and URL, what its file tells of its source."""

__all__ = (
    "CHUNK_FOLDER",
    "COMPOSITE",
    "LIST_PATH",
    "PICTURE_PATH",
    "Failure",
    "Picture",
    "PictureNames",
    "encoded_root",
    "hosted_url",
    "panel_path",
    "picture_key",
    "without_identity",
)

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import basename
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from ..domain import PANELS, DetectorVisit

COMPOSITE: Final = "composite"
"""The picture of all panels, among those that a subject can consist of."""

CHUNK_FOLDER: Final = re.compile(r"-?\d+--?\d+|part-\d{4,}")
"""The name of a folder for pictures."""

PICTURE_PATH: Final = re.compile(rf"(({CHUNK_FOLDER.pattern})/)?[\w-]+\.png")
"""The path of a picture in the directory of a run: there, or in a folder for pictures."""

LIST_PATH: Final = re.compile(rf"(({CHUNK_FOLDER.pattern})/)?manifest[\w-]*\.csv")
"""The path of a file of the manifest: ``manifest.csv`` or a numbered one, there or in such a folder."""

_PANEL_ENDS: Final = tuple(f"_{panel}" for panel in PANELS)
_KEY_BYTES: Final = 10
"""Of a keyed hash; among a million keys two are equal once in a trillion."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TEXTS: Final = (b"tEXt", b"iTXt", b"zTXt")
_KEPT: Final = (b"Software", b"Panels")
"""First words of the texts that tell nothing of the source: neither its identifiers nor its pixel values."""

_IN_A_PATH: Final = "/!$&'()*+,;=:@~%"
"""What a path may hold as it is (RFC 3986, 3.3), and the sign of what is encoded already."""

_HOST: Final = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is in the directory."""

    diaSourceId: int
    """The DiaSource that it shows."""
    data_id: DetectorVisit | None
    """The images that it shows; `None` for stamps of an alert that does not say where they are from."""
    path: str
    """Where it is, relative to the directory of the run; empty where a run left the stamps alone."""
    size: int
    """Bytes of the file."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Catalogue values for the manifest, as text, by column name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A DiaSource that has no picture."""

    diaSourceId: int
    """The DiaSource."""
    data_id: DetectorVisit | None
    """Its images, `None` when its row does not say."""
    reason: str
    """Why, and what to do about it."""


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


def picture_key(path: str) -> str:
    """Return what a picture is called: an identifier or a key.

    Returns: its name without folder, panel and suffix.
    """
    name = basename(path).removesuffix(".png")
    return next((name.removesuffix(end) for end in _PANEL_ENDS if name.endswith(end)), name)


def encoded_root(url: str) -> str:
    """Return the URL of a folder, as it may stand in front of a path.

    ``url``: what somebody wrote, such as ``https://host/night of January``. Returns: the same with blanks and
    letters outside ASCII encoded, without a slash at its end. Raises `ValueError` when it is no such URL.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL of a folder, such as https://host/path")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError(f"{url!r} has a query or a fragment, behind which no path of a picture can stand")
    if parts.username or parts.password:
        raise ValueError("it has a username or a password, which everybody would see")
    try:
        host, port = parts.hostname.encode("idna").decode(), parts.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host):
        raise ValueError(f"{url!r} has no host that can be found")
    if ":" in host:
        host = f"[{host}]"
    netloc = host if port is None else f"{host}:{port}"
    path = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(parts.path, safe=_IN_A_PATH))
    return urlunsplit((parts.scheme, netloc, path.rstrip("/"), "", ""))


def hosted_url(root: str, path: str) -> str:
    """Return where a picture is hosted.

    ``root``: URL of the directory, as `encoded_root` returns it.
    """
    return f"{root.rstrip('/')}/{quote(path)}"


def without_identity(png: bytes) -> bytes:
    """Return a picture that does not say which source it shows.

    Returns: the same picture, without texts that tell of the source.
    """
    return _SIGNATURE + b"".join(
        chunk for kind, chunk in _chunks(png) if kind not in _TEXTS or chunk[8:].startswith(_KEPT)
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and all bytes of each chunk (PNG specification, 5.3)."""
    start = len(_SIGNATURE)
    while start < len(png):
        length, kind = struct.unpack_from(">I4s", png, start)
        yield kind, png[start : start + 12 + length]
        start += 12 + length
