"""A picture in its directory: what is known of it, its URL, what its file tells of its source."""

__all__ = (
    "COMPOSITE",
    "Failure",
    "Picture",
    "encoded_root",
    "hosted_url",
    "png_chunks",
    "without_identity",
)

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from ..domain import DetectorVisit

COMPOSITE: Final = "composite"
"""The picture of all panels, among those that a subject can consist of."""

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
    """Return the same picture without texts that tell which source it shows."""
    return _SIGNATURE + b"".join(
        chunk for kind, chunk in png_chunks(png) if kind not in _TEXTS or chunk[8:].startswith(_KEPT)
    )


def png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and all bytes of each chunk that begins in some bytes (PNG specification, 5.3)."""
    start = len(_SIGNATURE)
    while start + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, start)
        yield kind, png[start : start + 12 + length]
        start += 12 + length
