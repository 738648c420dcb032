"""Stamps and catalogue in one FITS table."""

__all__ = ("FITS",)

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits
from numpy.typing import NDArray

from ._columns import CONSTANTS, StampColumns
from ._format import StampFormat
from ._records import StampRecords
from ._text import as_text

_BLOCK: Final = 2880
_PASS: Final = 8192
_DEGREES: Final = ("ra", "dec", "CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")


def _files(columns: StampColumns) -> tuple[str, ...]:
    return ("stamps.fits",)


def _write(folder: Path, records: StampRecords) -> None:
    (name,) = _files(records.columns)
    cells = _measure(records)
    block = records.block
    pixels = [
        (column, ">f4", (3, size, size))
        for column, size in zip(records.columns.pixels, records.columns.sizes, strict=True)
    ]
    row = np.dtype([(cell.name, cell.dtype) for cell in cells] + pixels)
    with (folder / name).open("wb") as stream:
        stream.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        stream.write(_header(records, cells).tostring().encode("ascii"))
        passes = [records.stamps(size, block) for size in records.columns.sizes]
        for table, *stamps in zip(records.catalogue(block), *passes, strict=True):
            data = np.empty(len(table), dtype=row)
            for cell in cells:
                data[cell.name] = cell.fill(table.column(cell.name))
            for (column, _, _), values in zip(pixels, stamps, strict=True):
                data[column] = values
            stream.write(data.tobytes())
        stream.write(bytes(-records.count * row.itemsize % _BLOCK))


def _open(folder: Path, columns: StampColumns) -> Mapping[int, Any]:
    (name,) = _files(columns)
    with fits.open(folder / name, memmap=True) as hdus:
        data = hdus[1].data
        return {size: data.field(columns.stamps(size)) for size in columns.sizes}


@dataclass(frozen=True)
class _Cell:
    """How one column of the catalogue is written."""

    name: str
    format: str
    dtype: str
    null: int | None = None

    def fill(self, column: pa.ChunkedArray) -> NDArray[Any]:
        """Return the values as the file has them."""
        if self.format == "L":
            texts = pc.fill_null(pc.if_else(column, ord("T"), ord("F")), 0)
            return np.asarray(texts.to_numpy())
        if self.format in "ED":
            return np.asarray(column.cast(pa.float64() if self.format == "D" else pa.float32()).to_numpy())
        if self.format in "IJK":
            numbers = pc.fill_null(column, 0).to_numpy()
            numbers = numbers.astype(self.dtype)
            if self.null is not None:
                numbers[column.is_null().to_numpy()] = self.null
            return np.asarray(numbers)
        return np.array(_bytes(column), dtype=self.dtype)


def _measure(records: StampRecords) -> list[_Cell]:
    """Look at the whole catalogue for what its columns need."""
    widths: dict[str, int] = {}
    nullable = set()
    for table in records.catalogue(_PASS):
        for field in table.schema:
            column = table.column(field.name)
            if column.null_count:
                nullable.add(field.name)
            # Readers disagree on the null of an unsigned column, so the largest numbers go as text.
            if _kind(field.type)[0] == "A" or (
                column.type == pa.uint64() and (pc.max(column).as_py() or 0) >> 63
            ):
                widths.setdefault(field.name, 1)
    if widths:
        for table in records.catalogue(_PASS):
            for name, width in widths.items():
                widths[name] = max(width, *map(len, _bytes(table.column(name))))
    cells = []
    for field in records.schema:
        code, dtype = _kind(field.type)
        if field.name in widths:
            cells.append(_Cell(field.name, f"{widths[field.name]}A", f"S{widths[field.name]}"))
        elif code in "IJK" and field.name in nullable:
            cells.append(_Cell(field.name, code, dtype, int(np.iinfo(dtype).min)))
        else:
            cells.append(_Cell(field.name, code, dtype))
    return cells


def _kind(kind: pa.DataType) -> tuple[str, str]:
    """Return the FITS code and the type of the bytes, wide enough for a null."""
    types = pa.types
    if types.is_boolean(kind):
        return "L", "u1"
    if types.is_floating(kind):
        return ("D", ">f8") if kind == pa.float64() else ("E", ">f4")
    if types.is_decimal(kind):
        return "D", ">f8"
    if types.is_integer(kind):
        if kind in (pa.int8(), pa.uint8(), pa.int16()):
            return "I", ">i2"
        return ("J", ">i4") if kind in (pa.uint16(), pa.int32()) else ("K", ">i8")
    return "A", "S"


def _bytes(column: pa.ChunkedArray) -> list[bytes]:
    # FITS knows ASCII alone.
    return [(text or "").encode("ascii", "backslashreplace") for text in as_text(column)]


def _header(records: StampRecords, cells: list[_Cell]) -> fits.Header:
    columns = [
        fits.Column(
            name=cell.name,
            format=cell.format,
            null=cell.null,
            unit="deg" if cell.name in _DEGREES else None,
            array=np.empty(0, dtype=cell.dtype),
        )
        for cell in cells
    ]
    for name, size in zip(records.columns.pixels, records.columns.sizes, strict=True):
        columns.append(fits.Column(name=name, format=f"{3 * size * size}E", dim=f"({size},{size},3)"))
    header = fits.BinTableHDU.from_columns(columns, nrows=0, name="STAMPS").header
    header["NAXIS2"] = records.count
    header.update(CONSTANTS)
    return header


FITS: Final = StampFormat(catalogue=None, files=_files, write=_write, open=_open)
"""``stamps.fits``: a binary table with a cell of pixels in each row.

The cells have the shape (3, n, n) in NumPy's order. The WCS of a row is
in columns named by its FITS keywords, those that are the same for all
rows are in the header (the "Green Bank" convention), so that header and
row together are the header of a stamp. A null is TNULL in a column of
integers, a 0 byte among the logical values, NaN or an empty text.
"""
