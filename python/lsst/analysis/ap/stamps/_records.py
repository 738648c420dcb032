"""The chosen stamps, one after the other, from wherever they are."""

__all__ = ("StampRecords",)

import functools
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ._columns import StampColumns, conform, unify
from ._index import StampIndex
from ._spill import StampStore

_BLOCK_BYTES = 8 << 20
_OPEN_STORES = 16


class StampRecords:
    """Stamps in the order of the manifest, read in blocks.

    Every pass begins anew, so that a format may look at the catalogue before
    it writes. Memory holds one block.

    Parameters
    ----------
    columns : `StampColumns`
        Names of what is there.
    index : `StampIndex`
        Where the chosen sources are.
    open_store : callable
        Opens a store by its number.
    advance : callable
        Is told how many stamps more have been read.
    """

    def __init__(
        self,
        columns: StampColumns,
        index: StampIndex,
        open_store: Callable[[int], StampStore],
        advance: Callable[[int], object],
    ) -> None:
        self.columns = columns
        """Names of what is there."""
        self.count = index.count
        """Number of sources."""
        self._index = index
        self._advance = advance
        self._store = functools.lru_cache(_OPEN_STORES)(open_store)
        self.schema = unify({self._store(number).schema for number in index.stores}, columns.wcs)
        """The columns beside the pixels."""

    @property
    def block(self) -> int:
        """How many sources to take at once, a power of two."""
        return 1 << max(0, (_BLOCK_BYTES // sum(12 * n * n for n in self.columns.sizes)).bit_length() - 1)

    def catalogue(self, block: int) -> Iterator[pa.Table]:
        """Yield what stands beside the pixels.

        Parameters
        ----------
        block : `int`
            How many sources to yield at once.

        Yields
        ------
        table : `pyarrow.Table`
            Rows with the columns of ``schema``.
        """
        for stores, rows in self._index.blocks(block):
            parts, order = [], []
            for number in np.unique(stores):
                (slots,) = np.nonzero(stores == number)
                parts.append(conform(self._store(int(number)).catalogue(rows[slots]), self.schema))
                order.append(slots)
            yield pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(order)))).combine_chunks()

    def stamps(self, size: int, block: int) -> Iterator[NDArray[np.float32]]:
        """Yield the pixels of one size.

        Parameters
        ----------
        size : `int`
            Side of the stamps in pixels.
        block : `int`
            How many sources to yield at once.

        Yields
        ------
        stamps : `numpy.ndarray`
            Shape (sources, 3, size, size): template, science, difference.
        """
        for stores, rows in self._index.blocks(block):
            stamps = np.empty((len(rows), 3, size, size), dtype=np.float32)
            for number in np.unique(stores):
                (slots,) = np.nonzero(stores == number)
                stamps[slots] = self._store(int(number)).stamps(size, rows[slots])
            yield stamps
            self._advance(len(rows))
