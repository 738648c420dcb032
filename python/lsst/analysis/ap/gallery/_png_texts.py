"""What a picture says of itself, without its pixels."""

__all__ = ("PictureFacts", "read_picture_facts")

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..domain import CutoutsError
from ..output import png_chunks

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_LIMITS: Final = re.compile(r"(\w+) (\w+) from (\S+) to ([^\s,]+)(?: ([^,]+))?")
_PLACE: Final = re.compile(r"(\w+) (\d+) (\d+) (\d+) (\d+)")


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The size of a picture, and what its text chunks tell."""

    width: int
    """Screen pixels across."""
    height: int
    """Screen pixels down."""
    panels: Mapping[str, tuple[int, int, int, int]]
    """Left, top, width and height of each panel of the first size in screen
    pixels, by its name in small letters."""
    limits: Mapping[str, tuple[float, float]]
    """Values that are shown darkest and brightest, by panel."""
    stretches: Mapping[str, str]
    """How values between them are spread over the colours, by panel."""
    units: Mapping[str, str]
    """Unit of the values, by panel; empty where nobody knows it."""


def read_picture_facts(path: Path) -> PictureFacts:
    """Read what a picture says of itself.

    Returns: of a file that another program wrote, its size only. Raises `CutoutsError` when the file cannot
    be read, or is no PNG.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise CutoutsError(
            f"Picture {path} cannot be read ({error.strerror}). Run the command that made the pictures again."
        ) from error
    if not head.startswith(_SIGNATURE) or len(head) < 33:
        raise CutoutsError(f"{path} is no PNG file. Run the command that made the pictures again.")
    width, height = struct.unpack_from(">II", head, 16)
    texts = dict(_texts(head))
    panels = _first(texts, "Panels")
    found = _LIMITS.findall(_first(texts, "Stretch"))
    return PictureFacts(
        width,
        height,
        {name.lower(): (int(x), int(y), int(w), int(h)) for name, x, y, w, h in _PLACE.findall(panels)},
        {name.lower(): (float(low), float(high)) for name, _, low, high, _ in found},
        {name.lower(): stretch for name, stretch, *_ in found},
        {name.lower(): unit for name, *_, unit in found},
    )


def _first(texts: Mapping[str, str], word: str) -> str:
    return next((text for keyword, text in texts.items() if keyword.startswith(f"{word} ")), "")


def _texts(head: bytes) -> Iterator[tuple[str, str]]:
    """Yield keyword and text of the text chunks that stand before the pixels."""
    for kind, chunk in png_chunks(head):
        if kind == b"IDAT":
            return
        if kind == b"tEXt":
            length = int.from_bytes(chunk[:4])  # the last one may be cut off
            keyword, _, text = chunk[8 : 8 + length].partition(b"\0")
            yield keyword.decode("latin-1"), text.decode("latin-1")
