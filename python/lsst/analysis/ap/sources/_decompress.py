"""Decompression that ends when there is more than is due."""

__all__ = ("DecompressionError", "decompress")

import bz2
import lzma
import zlib
from typing import Final

import pyarrow as pa

_CHUNK: Final = 2**20
_CODECS: Final = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")


class DecompressionError(Exception):
    """Why data cannot be decompressed."""


def decompress(codec: str, data: bytes, limit: int) -> bytes:
    """Decompress a block of an Avro container.

    ``codec``: how it is compressed: one of the names of Avro's specification. ``limit``: bytes that it may
    have at most. Raises `DecompressionError` when the block is damaged, larger than it may be, or compressed
    in another way.
    """
    try:
        match codec:
            case "null":
                return data
            case "deflate":
                content = zlib.decompressobj(-15).decompress(data, limit + 1)
            case "bzip2":
                content = bz2.BZ2Decompressor().decompress(data, limit + 1)
            case "xz":
                content = lzma.LZMADecompressor().decompress(data, limit + 1)
            case "snappy":
                content = _snappy(data, limit)
            case "zstandard":
                content = _zstandard(data, limit)
            case _:
                raise DecompressionError(
                    f"it is compressed with {codec[:20]!r}, not one of {', '.join(_CODECS)}"
                )
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
        raise DecompressionError(f"its {codec} data are damaged ({error})") from error
    if len(content) > limit:
        raise _too_large(limit)
    return content


def _too_large(limit: int) -> DecompressionError:
    return DecompressionError(f"a block expands to more than {limit // 2**20} MiB")


def _snappy(data: bytes, limit: int) -> bytes:
    """Decompress Snappy data, behind which Avro puts a checksum of the content."""
    size = 0  # it begins with the size of the content, seven bits a byte
    for place, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            break
    if size > limit:
        raise _too_large(limit)
    content: bytes = pa.decompress(data[:-4], decompressed_size=size, codec="snappy", asbytes=True)
    if zlib.crc32(content) != int.from_bytes(data[-4:], "big"):
        raise DecompressionError("the checksum of a block is wrong")
    return content


def _zstandard(data: bytes, limit: int) -> bytes:
    stream = pa.CompressedInputStream(pa.BufferReader(data), "zstd")
    parts, size = [], 0
    while size <= limit and (part := stream.read(_CHUNK)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
