"""From the stamps of a batch of sources to a table."""

__all__ = ("stamp_table", "translated")

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import Box, CutoutsError, Triplet
from ._columns import UNIT, PixelColumn, StampColumns
from ._schemas import plain

_MASK_BITS = 32


def stamp_table(
    sizes: Sequence[int],
    rows: pa.Table,
    triplets: Sequence[Sequence[Triplet]],
    planes: Sequence[str] = (),
) -> pa.Table:
    """Put the catalogue rows, the WCS and the pixels of sources together.

    ``sizes``: sides of the stamps in pixels that are wanted. ``rows``: catalogue rows. Columns that bear the
    name of one of ours give way. ``triplets``: for each row the stamps, of one or several sizes. Where none
    has the size that is wanted, a larger one is cut around the source, or a smaller one gets a border without
    data. ``planes``: what is wanted beside the image: ``mask``, ``variance``, ``psf``. Returns: CRVAL is the
    position of the catalogue in degrees; CRPIX is where the science image has it, counted from 1 at the
    centre of the first pixel of the stamp (null when the triplet does not say); CD is in degrees per pixel;
    ``x0``, ``y0`` are the PARENT pixel of the first column and row of the science stamp; BUNIT is the unit of
    the images. Each pixel column is a list of 3 n n values of template, science and difference: NaN, in a
    mask 0, where there are none.
    """
    bits = _mask_bits(triplets) if "mask" in planes else {}
    columns = StampColumns(tuple(dict.fromkeys(sizes)), tuple(planes), tuple(bits))
    sky = np.array([of_source[0].sky_jacobian for of_source in triplets]).reshape(-1, 2, 2) / 3600.0
    ours: dict[str, pa.Array | pa.ChunkedArray] = {
        "CRVAL1": rows.column("ra").cast(pa.float64()),
        "CRVAL2": rows.column("dec").cast(pa.float64()),
        UNIT: pa.array([_units(of_source[0]) for of_source in triplets], pa.string()),
    }
    for i, j in np.ndindex(2, 2):
        ours[f"CD{i + 1}_{j + 1}"] = pa.array(np.ascontiguousarray(sky[:, i, j]))
    for size in columns.sizes:
        windows = [_Window.around(_nearest(of_source, size), size) for of_source in triplets]
        for axis, letter in enumerate("xy"):
            ours[columns.named(f"{letter}0", size)] = pa.array([w.start[axis] for w in windows], pa.int32())
            at = [w.reference[axis] for w in windows]
            ours[columns.named(f"CRPIX{axis + 1}", size)] = pa.array(at, pa.float64())
        for array in columns.arrays:
            if array.size == size:
                ours[array.name] = _lists(array, _stack(array, windows, bits))
    table = plain(rows.drop_columns([name for name in rows.column_names if name in ours]))
    for name in (*columns.wcs, *columns.pixels):
        table = table.append_column(name, ours[name])
    return columns.mark(table)


class _Window:
    """The pixels of a triplet that become a stamp."""

    __slots__ = ("dx", "dy", "reference", "size", "start", "triplet")

    def __init__(self, triplet: Triplet, size: int, dx: int, dy: int) -> None:
        self.triplet = triplet
        self.size = size
        self.dx, self.dy = dx, dy
        box = triplet.science.box
        self.start = box.x_start + dx, box.y_start + dy
        at: tuple[float | None, float | None] = (None, None)
        if triplet.position is not None:
            x, y = triplet.position
            at = x - self.start[0] + 1.0, y - self.start[1] + 1.0
        self.reference = at

    @classmethod
    def around(cls, triplet: Triplet, size: int) -> "_Window":
        """Return the window around the source."""
        box = triplet.science.box
        if box.shape == (size, size):
            return cls(triplet, size, 0, 0)
        x, y = (box.x_start + box.x_stop - 1) / 2, (box.y_start + box.y_stop - 1) / 2
        if triplet.position is not None and all(map(math.isfinite, triplet.position)):
            x, y = triplet.position
        wanted = Box.from_center(x, y, size)
        return cls(triplet, size, wanted.x_start - box.x_start, wanted.y_start - box.y_start)

    def put(self, target: NDArray[Any], array: NDArray[Any]) -> None:
        """Copy the pixels of an array that are in the window."""
        if not (self.dx or self.dy) and array.shape == target.shape:
            target[:] = array
        else:
            place(target, array, self.dx, self.dy)


def place(target: NDArray[Any], array: NDArray[Any], dx: int, dy: int) -> None:
    """Copy what two arrays share, where one begins at a pixel of the other.

    ``array``: the pixels. ``dx``, ``dy``: column and row of ``array`` that is the first one of ``target``.
    """
    rows, columns = array.shape
    height, width = target.shape
    y_start, y_stop = max(dy, 0), min(dy + height, rows)
    x_start, x_stop = max(dx, 0), min(dx + width, columns)
    if y_start < y_stop and x_start < x_stop:
        part = array[y_start:y_stop, x_start:x_stop]
        target[y_start - dy : y_stop - dy, x_start - dx : x_stop - dx] = part


def _nearest(of_source: Sequence[Triplet], size: int) -> Triplet:
    """Return the smallest triplet that holds a size, or else the largest."""
    sides = [min(triplet.science.box.shape) for triplet in of_source]
    large = [side for side in sides if side >= size]
    return of_source[sides.index(min(large) if large else max(sides))]


def _stack(array: PixelColumn, windows: Sequence[_Window], bits: Mapping[str, int]) -> NDArray[Any]:
    fill = 0 if array.plane == "mask" else np.nan
    stack = np.full((len(windows), *array.shape), fill, array.dtype)
    for of_source, window in zip(stack, windows, strict=True):
        for target, stamp in zip(of_source, window.triplet.stamps, strict=True):
            if stamp is None:
                continue
            if array.plane == "image":
                window.put(target, stamp.array)
            elif array.plane == "variance" and stamp.variance is not None:
                window.put(target, stamp.variance)
            elif array.plane == "mask" and stamp.mask is not None:
                target[:] = _bits(1 << bits["NO_DATA"] if "NO_DATA" in bits else 0)
                window.put(target, translated(stamp.mask, stamp.mask_planes, bits))
            elif array.plane == "psf" and stamp.psf is not None:
                _put_psf(target, stamp.psf)
    return stack


def _put_psf(target: NDArray[Any], psf: NDArray[Any]) -> None:
    """Put the image of a PSF where a stamp has its source."""
    target[:] = 0
    middle = -Box.from_center(0, 0, len(target)).x_start
    place(target, psf, psf.shape[1] // 2 - middle, psf.shape[0] // 2 - middle)


def _mask_bits(triplets: Sequence[Sequence[Triplet]]) -> dict[str, int]:
    """Return a bit for each mask plane of all images, by name."""
    stamps = (stamp for of_source in triplets for triplet in of_source for stamp in triplet.stamps)
    dictionaries = {id(stamp.mask_planes): stamp.mask_planes for stamp in stamps if stamp is not None}
    names = sorted({name for planes in dictionaries.values() for name in planes})
    if len(names) > _MASK_BITS:
        raise CutoutsError(
            f"The masks have {len(names)} planes, and {_MASK_BITS} have room in an array: leave 'mask' out "
            "of stampsPlanes."
        )
    return {name: bit for bit, name in enumerate(names)}


def translated(mask: NDArray[Any], planes: Mapping[str, int], bits: Mapping[str, int]) -> NDArray[np.int32]:
    """Return a mask whose planes have other bits."""
    old = mask.view(np.uint32)
    new = np.zeros(old.shape, np.uint32)
    for name, bit in planes.items():
        new |= (old >> np.uint32(bit) & np.uint32(1)) << np.uint32(bits[name])
    return new.view(np.int32)


def _bits(value: int) -> int:
    """Return bits as the signed number that has them."""
    return int(np.array(value, np.uint32).view(np.int32))


def _units(triplet: Triplet) -> str | None:
    """Return the unit of the three images, or all that they have."""
    units = {stamp.unit.strip() for stamp in triplet.stamps if stamp is not None and stamp.unit}
    return ", ".join(sorted(units)) or None


def _lists(array: PixelColumn, stack: NDArray[Any]) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(stack.reshape(-1)), array.length)
