"""What a PNG file says of itself, and need not."""

__all__ = ("without_identity",)

import struct
from collections.abc import Iterator
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TEXTS: Final = (b"tEXt", b"iTXt", b"zTXt")
_KEPT: Final = (b"Software", b"Panels")
"""First words of the texts that tell nothing of the source: neither its identifiers nor its pixel values."""


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
