"""Stamps as NumPy's own files, with the catalogue beside them."""

__all__ = ("NPY",)

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ._catalogue import write_catalogue
from ._columns import StampColumns
from ._format import StampFormat
from ._records import StampRecords

_CATALOGUE: Final = "stamps_catalogue.parquet"


def _files(columns: StampColumns) -> tuple[str, ...]:
    return tuple(f"{name}.npy" for name in columns.pixels)


def _write(folder: Path, records: StampRecords) -> None:
    write_catalogue(folder / _CATALOGUE, records)
    for size, name in zip(records.columns.sizes, _files(records.columns), strict=True):
        shape = (records.count, 3, size, size)
        with (folder / name).open("wb") as stream:
            np.lib.format.write_array_header_1_0(
                stream, {"descr": "<f4", "fortran_order": False, "shape": shape}
            )
            for stamps in records.stamps(size, records.block):
                stream.write(stamps.astype("<f4", copy=False).data)


def _open(folder: Path, columns: StampColumns) -> Mapping[int, Any]:
    names = zip(columns.sizes, _files(columns), strict=True)
    return {size: np.load(folder / name, mmap_mode="r") for size, name in names}


NPY: Final = StampFormat(catalogue=_CATALOGUE, files=_files, write=_write, open=_open)
"""``stamps.npy``, shape (N, 3, n, n), and ``stamps_catalogue.parquet``.

The first is made for ``numpy.load(path, mmap_mode="r")``. Several sizes
make several files, ``stamps_30.npy`` and so on.
"""
