"""Zlib streams put together from parts that were compressed on their own."""

__all__ = ("ADLER", "Segment", "bit_segment", "crc32", "deflated", "joined_segments", "zlib_stream")

import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_fast: ModuleType = zlib
_FAST_LEVEL = 1
with suppress(ImportError):
    # Intel's igzip needs a fifth of zlib's time for such pictures. Its higher
    # levels do not give the same bytes in every process.
    _fast = import_module("isal.isal_zlib")
    _FAST_LEVEL = 0

crc32: Callable[[bytes, int], int] = _fast.crc32
"""CRC-32 of bytes, continued from that of others (0 for none)."""

ADLER = 65521
"""What the sums of Adler-32 are taken modulo (RFC 1950)."""

_EMPTY_STORED_BLOCK = b"\x00\x00\xff\xff"
_END_OF_STREAM = b"\x03\x00"


class Segment(NamedTuple):
    """A part of a zlib stream that needs nothing from the parts before it."""

    data: bytes
    """Whole deflate blocks that end at a byte, the last block of the stream
    not among them."""

    size: int
    """Bytes that they stand for."""

    total: int
    """Sum of those bytes, modulo 65521."""

    weighted: int
    """Sum of those bytes, each times its distance from the end (1 for the
    last), modulo 65521. With `total` it gives Adler-32 (RFC 1950)."""


def deflated(data: bytes | NDArray[np.uint8], *, small: bool = False) -> Segment:
    """Compress bytes.

    Parameters
    ----------
    data : `bytes` or `numpy.ndarray`
        The bytes; an array in C order.
    small : `bool`, optional
        Spend time to make them small: for what is compressed once.

    Returns
    -------
    segment : `Segment`
        The compressed bytes.
    """
    count = len(data) if isinstance(data, bytes) else data.size
    if small:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
        compressed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    else:
        fast = _fast.compressobj(_FAST_LEVEL, zlib.DEFLATED, -15)
        compressed = fast.compress(data) + fast.flush(zlib.Z_SYNC_FLUSH)
    checksum = _fast.adler32(data)
    return Segment(compressed, count, (checksum & 0xFFFF) - 1, ((checksum >> 16) - count) % ADLER)


def bit_segment(
    codes: NDArray[np.uint64], lengths: NDArray[np.int64], size: int, total: int, weighted: int
) -> Segment:
    """Return bits as a segment.

    Parameters
    ----------
    codes : `numpy.ndarray`
        Bits of whole deflate blocks in pieces of up to 64, the first bit of
        each piece lowest.
    lengths : `numpy.ndarray`
        Bits in each piece.
    size, total, weighted
        See `Segment`.

    Returns
    -------
    segment : `Segment`
        With an empty block behind the bits, which ends at a byte.
    """
    ends = np.cumsum(lengths)
    bits = int(ends[-1])
    starts = ends - lengths
    words = starts >> 6
    shifts = (starts & 63).view(np.uint64)
    # No piece is longer than a word, so that a piece begins in every word,
    # and only the last of them reaches into the next word.
    is_last = np.ones(len(words), dtype=bool)
    np.not_equal(words[1:], words[:-1], out=is_last[:-1])
    lasts = np.flatnonzero(is_last)
    # Pieces of a word have no bit in common, so that adding joins them; that
    # the sum of all words overflows does not change the differences.
    sums = np.cumsum(codes << shifts).take(lasts)
    stream = np.zeros(len(lasts) + 1, dtype="<u8")
    stream[:-1] = sums
    stream[1:-1] -= sums[:-1]
    stream[1:] |= (codes.take(lasts) >> np.uint64(1)) >> (np.uint64(63) - shifts.take(lasts))
    # Three bits announce the empty stored block; it starts at the next byte.
    data = stream.view(np.uint8)[: (bits + 3 + 7) // 8].tobytes()
    return Segment(data + _EMPTY_STORED_BLOCK, size, total % ADLER, weighted % ADLER)


def joined_segments(segments: Iterable[Segment]) -> Segment:
    """Return segments one after the other as one.

    Parameters
    ----------
    segments : `~collections.abc.Iterable` [`Segment`]
        The segments.

    Returns
    -------
    segment : `Segment`
        All of them.
    """
    data, count, total, weighted = [], 0, 0, 0
    for segment in segments:
        data.append(segment.data)
        weighted = (weighted + segment.weighted + segment.size * total) % ADLER
        total = (total + segment.total) % ADLER
        count += segment.size
    return Segment(b"".join(data), count, total, weighted)


def zlib_stream(segments: Iterable[Segment]) -> bytes:
    """Return segments as a zlib stream (RFC 1950).

    Parameters
    ----------
    segments : `~collections.abc.Iterable` [`Segment`]
        The segments.

    Returns
    -------
    stream : `bytes`
        What `zlib.decompress` takes.
    """
    whole = joined_segments(segments)
    checksum = ((whole.weighted + whole.size) % ADLER) << 16 | (whole.total + 1) % ADLER
    return b"".join((b"\x78\x01", whole.data, _END_OF_STREAM, checksum.to_bytes(4, "big")))
