"""Files inside of others: compressed ones, within bounds."""

__all__ = ("is_gzip", "limited_gunzip")

import gzip
import zlib
from pathlib import Path
from typing import IO, Final

from ..domain import CutoutsError

_MAGIC: Final = b"\x1f\x8b"
_FREE_BYTES: Final = 2**26
_EXPANSION: Final = 50
"""No catalogue compresses better than this; deflate itself goes to 1032."""

_CHUNK: Final = 2**20


def is_gzip(path: Path) -> bool:
    """Return whether a file is compressed with gzip.

    Returns: told by its first bytes.
    """
    with path.open("rb") as stream:
        return stream.read(2) == _MAGIC


def limited_gunzip(path: Path, target: IO[bytes]) -> None:
    """Decompress a file, if it is not a bomb.

    ``path``: a file compressed with gzip. Raises `CutoutsError` when it is damaged, or expands to over 64 MiB
    and to more than fifty times its size.
    """
    limit = max(_FREE_BYTES, _EXPANSION * path.stat().st_size)
    try:
        with gzip.open(path) as stream:
            total = 0
            while chunk := stream.read(_CHUNK):
                if (total := total + len(chunk)) > limit:
                    raise CutoutsError(f"it expands to over {limit // 2**20} MiB: decompress it yourself")
                target.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise CutoutsError(f"it cannot be decompressed ({error})") from error
