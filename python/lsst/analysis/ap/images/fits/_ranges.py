"""Many byte ranges in few reads."""

__all__ = ("read_each", "read_ranges")

from collections.abc import Buffer, Iterator

import numpy as np
from numpy.typing import NDArray

from ._bytes import ByteSource

MAX_READ = 4 * 2**20
"""No read is made longer than this by joining; it bounds the memory."""


def read_ranges(
    source: ByteSource, starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> Iterator[tuple[list[int], list[memoryview]]]:
    """Read ranges of a file, joining those that lie close together.

    Parameters
    ----------
    source : `ByteSource`
        The file; ranges with gaps of at most ``source.max_gap`` bytes between
        them are read at once, gap included.
    starts, stops : `numpy.ndarray`
        Offsets of the ranges, in any order, shape (N,).

    Yields
    ------
    indices : `list` [`int`]
        Which ranges, of those that were read at once.
    pieces : `list` [`memoryview`]
        The bytes of each.

    Raises
    ------
    ImageFileError
        Raised if the file does not have them.
    """
    if not len(starts):
        return
    order = np.argsort(starts, kind="stable")
    sorted_starts, sorted_stops = starts[order], stops[order]
    reach = np.maximum.accumulate(sorted_stops)
    is_apart = sorted_starts[1:] - reach[:-1] > source.max_gap
    # Joining stops where the file has been read on for long enough.
    block = sorted_starts // MAX_READ
    is_far = block[1:] != block[:-1]
    firsts = np.concatenate([[0], np.flatnonzero(is_apart | is_far) + 1])
    lasts = np.append(firsts[1:], len(order))
    begins, ends = sorted_starts[firsts], np.maximum.reduceat(sorted_stops, firsts)
    source.plan(len(firsts), int((ends - begins).sum()))
    indices = order.tolist()
    range_starts, range_stops = sorted_starts.tolist(), sorted_stops.tolist()
    for first, last, begin, end in zip(
        firsts.tolist(), lasts.tolist(), begins.tolist(), ends.tolist(), strict=True
    ):
        data = memoryview(source.read(begin, end))
        pieces = [data[range_starts[i] - begin : range_stops[i] - begin] for i in range(first, last)]
        yield indices[first:last], pieces


def read_each(source: ByteSource, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> list[Buffer]:
    """Read many short ranges of a file.

    Parameters
    ----------
    source : `ByteSource`
        The file.
    starts, stops : `numpy.ndarray`
        Offsets of the ranges, in any order, shape (N,).

    Returns
    -------
    pieces : `list` [`~collections.abc.Buffer`]
        The bytes of each range.

    Raises
    ------
    ImageFileError
        Raised if the file does not have them.
    """
    pieces: list[Buffer] = [b""] * len(starts)
    for indices, found in read_ranges(source, starts, stops):
        for index, piece in zip(indices, found, strict=True):
            pieces[index] = piece
    return pieces
