"""The stamps of sources in order, block by block, as every format wants them, each source in its split."""

__all__ = ("Block", "RowGroups", "StampRecords", "split_of")

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..domain import PANELS
from ..sources._choice import random_order
from ._choice import SPLITS, StampChoice
from ._columns import CONSTANTS, UNIT, PixelColumn, StampColumns
from ._labels import Labels
from ._parts import StampPart
from ._schemas import conform, unify
from ._table import translated
from ._tally import Tally

SPLIT: Final = "split"
_OPEN_PARTS: Final = 16

_GROUPS = ("diaObjectId", "ssObjectId")


@dataclass(frozen=True)
class Block:
    """Some successive sources, until the next ones are read."""

    catalogue: pa.Table
    """Catalogue, labels, split and WCS of each."""
    pixels: Mapping[str, NDArray[Any]]
    """Arrays of shape (sources, 3, size, size) by the name of their column."""

    def __len__(self) -> int:
        return len(self.catalogue)

    def take(self, rows: NDArray[np.int64]) -> "Block":
        """Return some of the sources."""
        pixels = {name: array[rows] for name, array in self.pixels.items()}
        return Block(self.catalogue.take(pa.array(rows)), pixels)

    def slice(self, start: int, count: int) -> "Block":
        """Return some successive ones of the sources.

        ``start``: number of the first. Returns: those sources, not copied.
        """
        pixels = {name: array[start : start + count] for name, array in self.pixels.items()}
        return Block(self.catalogue.slice(start, count), pixels)


class StampRecords:
    """Stamps in the order of the manifest, as they are to be left.

    Memory holds one block.

    ``places``: part and row of each source, in order. ``unit``: unit of the pixels. ``advance``: is told how
    many sources more have been read.
    """

    def __init__(
        self,
        choice: StampChoice,
        places: NDArray[np.void],
        parts: Mapping[int, StampColumns],
        schemas: Sequence[pa.Schema],
        open_part: Callable[[int], StampPart],
        labels: Labels | None,
        unit: str | None,
        advance: Callable[[int], object],
    ) -> None:
        self._choice = choice
        self._places = places
        self._parts = parts
        self._labels = labels
        self._unit = unit
        self._advance = advance
        self._buffers: dict[str, NDArray[Any]] = {}
        self._open = functools.lru_cache(_OPEN_PARTS)(open_part)
        names = sorted({name for columns in parts.values() for name in columns.mask_planes})
        self.columns = StampColumns(choice.sizes, choice.planes, tuple(names))
        """Names of what is there."""
        self.count = len(places)
        """Number of sources."""
        wcs = [name for name in self.columns.wcs if name != UNIT]
        found = unify(schemas, wcs)
        new = {} if labels is None else {field.name: field for field in labels.schema}
        self._joined = [n for n in new if n not in found.names or (labels and n == labels.column)]
        kept = [field for field in found if field.name not in {*self._joined, SPLIT, *wcs}]
        split = [pa.field(SPLIT, pa.string())] if choice.shares else []
        last = [found.field(name) for name in wcs]
        self._found = pa.schema([*kept, *last])
        self.schema = pa.schema([*kept, *(new[name] for name in self._joined), *split, *last])
        """The columns beside the pixels."""
        self.tally = Tally(None if labels is None else labels.column, SPLITS if split else ())
        """What was counted of the blocks that have been read."""

    @property
    def constants(self) -> dict[str, str]:
        """What holds for all stamps, as text by keyword."""
        words = {"PLANES": ", ".join(self._choice.order), **CONSTANTS}
        if self._unit is not None:
            words[UNIT] = self._unit
        if "mask" in self._choice.planes:
            words["MASK"] = json.dumps({name: bit for bit, name in enumerate(self.columns.mask_planes)})
        return words

    def step(self, megabytes: int) -> int:
        """Return how many sources have about that many pixels, a power of two.

        ``megabytes``: size of a block, 2^20 bytes. Returns: at least 1.
        """
        of_source = sum(4 * array.length for array in self.columns.arrays)
        return 1 << max(0, ((megabytes << 20) // of_source).bit_length() - 1)

    def blocks(self, step: int) -> Iterator[Block]:
        """Yield the stamps in order.

        ``step``: how many sources a block has; the last one has what remains.
        """
        for start in range(0, self.count, step):
            places = self._places[start : start + step]
            numbers, where = np.unique(places["part"], return_inverse=True)
            slots = [np.flatnonzero(where == index) for index in range(len(numbers))]
            groups = [
                _Group(self._open(int(number)), slot, _as_slice(places["row"][slot].astype(np.int64)))
                for number, slot in zip(numbers, slots, strict=True)
            ]
            catalogue = self._catalogue(groups)
            self.tally.add(catalogue)
            yield Block(catalogue, {array.name: self._stack(array, groups) for array in self.columns.arrays})
            self._advance(len(places))

    def _catalogue(self, groups: "Sequence[_Group]") -> pa.Table:
        table = pa.concat_tables(
            [conform(group.part.catalogue(group.at), self._found) for group in groups]
        ).combine_chunks()
        slots = np.concatenate([group.slots for group in groups])
        if not _is_run(slots):
            table = table.take(pa.array(np.argsort(slots)))
        columns = {name: table.column(name) for name in table.column_names}
        if self._labels is not None:
            labels = self._labels.of(table.column("diaSourceId"))
            columns |= {name: labels.column(name) for name in self._joined}
        if self._choice.shares:
            columns[SPLIT] = split_of(table, self._choice.shares, self._choice.seed)
        return pa.table({name: columns[name] for name in self.schema.names}, schema=self.schema)

    def _stack(self, array: PixelColumn, groups: "Sequence[_Group]") -> NDArray[Any]:
        count = sum(len(group.slots) for group in groups)
        # Fresh memory for each block would cost as much as to fill it.
        if len(self._buffers.get(array.name, ())) < count:
            self._buffers[array.name] = np.empty((count, *array.shape), array.dtype)
        stack = self._buffers[array.name][:count]
        for group in groups:
            pixels = group.part.pixels(array.name)
            to = _as_slice(group.slots)
            if self._choice.order == PANELS and array.plane != "mask":
                stack[to] = pixels[group.at]
                continue
            for plane, name in enumerate(self._choice.order):
                values = pixels[group.at, PANELS.index(name)]
                if array.plane == "mask":
                    values = self._translate(values, group.part.columns.mask_planes)
                stack[to, plane] = values
        if array.plane == "image" and not np.isnan(self._choice.fill):
            stack[np.isnan(stack)] = self._choice.fill
        return stack

    def _translate(self, values: NDArray[np.int32], names: Sequence[str]) -> NDArray[np.int32]:
        """Return mask bits as all stamps have them."""
        if tuple(names) == self.columns.mask_planes:
            return values
        bits = {name: bit for bit, name in enumerate(self.columns.mask_planes)}
        return translated(values, {name: bit for bit, name in enumerate(names)}, bits)


@dataclass(frozen=True)
class _Group:
    """The sources of a block that are in one part."""

    part: StampPart
    slots: NDArray[np.int64]
    """Where they are in the block."""
    at: "slice | NDArray[np.int64]"
    """Where they are in the part."""


def _is_run(numbers: NDArray[np.int64]) -> bool:
    return bool(numbers[-1] - numbers[0] == len(numbers) - 1 and (np.diff(numbers) == 1).all())


def _as_slice(numbers: NDArray[np.int64]) -> "slice | NDArray[np.int64]":
    """Return numbers as a slice, where they follow each other, as those of a batch mostly do."""
    return slice(int(numbers[0]), int(numbers[-1]) + 1) if _is_run(numbers) else numbers


class RowGroups:
    """Gathers rows until there are as many as a file wants in a piece."""

    def __init__(self, rows: int, put: Callable[[pa.Table], object]) -> None:
        self._rows = rows
        self._put = put
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        """Take some rows."""
        self._waiting.append(table)
        while sum(map(len, self._waiting)) >= self._rows:
            table = pa.concat_tables(self._waiting)
            self._put(table.slice(0, self._rows))
            self._waiting = [table.slice(self._rows)]

    def finish(self) -> None:
        """Put what is left."""
        if any(map(len, self._waiting)):
            self._put(pa.concat_tables(self._waiting))


def split_of(rows: pa.Table, shares: Sequence[float], seed: int) -> pa.Array:
    """Return to which part each source belongs.

    Returns: one of `SPLITS` for each source. It follows from the diaObjectId alone, and where there is none
    (null or 0) from the ssObjectId, and where that is missing too from the diaSourceId: sources of an object
    are together, today and when more are added.
    """
    identifiers = rows.column("diaSourceId").cast(pa.int64())
    for name in reversed(_GROUPS):
        if name in rows.column_names:
            found = rows.column(name)
            if pa.types.is_integer(found.type):
                known = pc.fill_null(pc.not_equal(found, 0), False)
                identifiers = pc.if_else(known, found.cast(pa.int64(), safe=False), identifiers)
    # The upper 53 bits, as many as a float64 has, make a number in [0, 1).
    numbers = random_order(identifiers.to_numpy(), seed) >> np.uint64(11)
    at = np.searchsorted(np.cumsum(shares)[:-1], numbers * 2.0**-53, side="right")
    return pa.DictionaryArray.from_arrays(pa.array(at, pa.int8()), pa.array(SPLITS)).cast(pa.string())
