"""Huffman codes of the deflate format (RFC 1951)."""

__all__ = ("Code", "code_lengths", "distance_symbol", "dynamic_header", "length_symbol", "prefix_code")

import heapq
from collections.abc import Sequence
from itertools import pairwise

type Code = tuple[int, int]
"""Bits as an integer, the first of them lowest, and their number."""

MAXIMUM_LENGTH = 12
"""Longest code made here; the format allows 15."""

# Order in which a block's header gives the lengths of its own small code (RFC 1951, 3.2.7).
_HEADER_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


def code_lengths(counts: Sequence[int]) -> list[int]:
    """Return the length of each symbol's Huffman code.

    Parameters
    ----------
    counts : `~collections.abc.Sequence` [`int`]
        How often each symbol is expected; at least two are not 0.

    Returns
    -------
    lengths : `list` [`int`]
        In bits, at most `MAXIMUM_LENGTH`; 0 for a symbol that never comes.
    """
    counts = list(counts)
    while True:
        lengths = _unlimited_lengths(counts)
        if max(lengths) <= MAXIMUM_LENGTH:
            return lengths
        # Nearer to each other, the counts make a flatter tree.
        counts = [(count + 1) // 2 for count in counts]


def _unlimited_lengths(counts: Sequence[int]) -> list[int]:
    lengths = [0] * len(counts)
    heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts) if count]
    heapq.heapify(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap), heapq.heappop(heap)
        members = first[2] + second[2]
        for symbol in members:
            lengths[symbol] += 1
        heapq.heappush(heap, (first[0] + second[0], min(first[1], second[1]), members))
    return lengths


def prefix_code(lengths: Sequence[int]) -> list[Code]:
    """Return the canonical code of given lengths (RFC 1951, 3.2.2).

    Parameters
    ----------
    lengths : `~collections.abc.Sequence` [`int`]
        From `code_lengths`.

    Returns
    -------
    codes : `list` [`Code`]
        A code for each symbol, as it goes into the stream.
    """
    codes: list[Code] = [(0, 0)] * len(lengths)
    value = previous = 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        value <<= length - previous
        codes[symbol] = (int(f"{value:0{length}b}"[::-1], 2), length)
        value, previous = value + 1, length
    return codes


def dynamic_header(literal_lengths: Sequence[int], distance_lengths: Sequence[int]) -> Code:
    """Return the beginning of a block that brings its own codes.

    Parameters
    ----------
    literal_lengths : `~collections.abc.Sequence` [`int`]
        Lengths of the 286 codes of literals and match lengths.
    distance_lengths : `~collections.abc.Sequence` [`int`]
        Lengths of the 30 codes of distances.

    Returns
    -------
    header : `Code`
        Not the last block of its stream. Each length is written with four
        bits: simple, and small beside a picture.
    """
    fields: list[Code] = [(0, 1), (2, 2)]
    fields += [(len(literal_lengths) - 257, 5), (len(distance_lengths) - 1, 5), (len(_HEADER_ORDER) - 4, 4)]
    fields += [(4 if symbol < 16 else 0, 3) for symbol in _HEADER_ORDER]
    small = prefix_code([4] * 16)
    fields += [small[length] for length in (*literal_lengths, *distance_lengths)]
    return joined(fields)


def joined(codes: Sequence[Code]) -> Code:
    """Return bits one after the other as one.

    Parameters
    ----------
    codes : `~collections.abc.Sequence` [`Code`]
        The bits.

    Returns
    -------
    code : `Code`
        All of them.
    """
    value = count = 0
    for bits, length in codes:
        value |= bits << count
        count += length
    return value, count


def _table(bases: Sequence[int], extras: Sequence[int], first_symbol: int) -> list[tuple[int, int, int, int]]:
    ends = [following for _, following in pairwise((*bases, 1 << 30))]
    return [
        (base, end, extra, first_symbol + n)
        for n, (base, end, extra) in enumerate(zip(bases, ends, extras, strict=True))
    ]


def _bases(start: int, extras: Sequence[int]) -> list[int]:
    bases = [start]
    for extra in extras[:-1]:
        bases.append(bases[-1] + (1 << extra))
    return bases


_LENGTH_EXTRAS = [0] * 8 + [n for n in range(1, 6) for _ in range(4)]
_LENGTHS = [
    *_table(_bases(3, _LENGTH_EXTRAS), _LENGTH_EXTRAS, 257)[:-1],
    (227, 258, 5, 284),
    (258, 259, 0, 285),
]
_DISTANCE_EXTRAS = [0, 0, *(n for n in range(14) for _ in range(2))]
_DISTANCES = _table(_bases(1, _DISTANCE_EXTRAS), _DISTANCE_EXTRAS, 0)


def length_symbol(length: int) -> tuple[int, Code]:
    """Return how a match length is written (RFC 1951, 3.2.5).

    Parameters
    ----------
    length : `int`
        From 3 to 258.

    Returns
    -------
    symbol : `int`
        The symbol.
    extra : `Code`
        The bits after its code.
    """
    base, _, extra, symbol = next(entry for entry in _LENGTHS if entry[0] <= length < entry[1])
    return symbol, (length - base, extra)


def distance_symbol(distance: int) -> tuple[int, Code]:
    """Return how a match distance is written (RFC 1951, 3.2.5).

    Parameters
    ----------
    distance : `int`
        From 1 to 32768.

    Returns
    -------
    symbol, extra
        See `length_symbol`.
    """
    base, _, extra, symbol = next(entry for entry in _DISTANCES if entry[0] <= distance < entry[1])
    return symbol, (distance - base, extra)
