"""Stamps in many files of some sources each, those of every split for themselves."""

__all__ = ("Shard", "write_shards")

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import numpy as np

from ._records import SPLIT, Block, StampRecords


class Shard(Protocol):
    """One of the files."""

    def write(self, block: Block) -> None:
        """Write some sources."""
        ...

    def close(self) -> None:
        """End the file."""
        ...


class _Series:
    """The files of one split, one after the other."""

    def __init__(self, name: str, length: int, start: Callable[[str], Shard]) -> None:
        self._name = name
        self._length = length
        self._start = start
        self._shard: Shard | None = None
        self._number = 0
        self._left = 0

    def write(self, block: Block) -> None:
        done = 0
        while done < len(block):
            if self._left == 0:
                self.close()
                self._shard = self._start(f"{self._name}-{self._number:05d}")
                self._number += 1
                self._left = self._length
            assert self._shard is not None
            count = min(self._left, len(block) - done)
            self._shard.write(block.slice(done, count))
            self._left -= count
            done += count

    def close(self) -> None:
        if self._shard is not None:
            self._shard.close()
            self._shard = None


def write_shards(
    folder: Path, records: StampRecords, length: int, step: int, shard: Callable[[Path, StampRecords], Shard]
) -> None:
    """Write stamps into files of some sources each.

    ``folder``: where the files go: ``stamps-train-00000`` and so on, without splits ``stamps-00000``.
    ``length``: how many sources a file has; the last one of a split has what remains. ``step``: how many
    sources to take at once. ``shard``: begins a file of that name.
    """
    series: dict[str, _Series] = {}
    with ExitStack() as stack:
        for block in records.blocks(step):
            splits = [""] * len(block)
            if SPLIT in block.catalogue.column_names:
                splits = block.catalogue.column(SPLIT).to_pylist()
            for split in sorted(set(splits)):
                if split not in series:
                    name = "-".join(filter(None, ("stamps", split)))
                    new = _Series(name, length, lambda name: shard(folder / name, records))
                    series[split] = stack.enter_context(closing(new))
                series[split].write(block.take(np.flatnonzero([other == split for other in splits])))
