"""Stamps as NumPy's own files, with the catalogue beside them."""

__all__ = ("write_npy",)

import contextlib
from pathlib import Path

import numpy as np

from ._parquet import catalogue_file
from ._records import StampRecords

_MEGABYTES = 8


def write_npy(folder: Path, records: StampRecords) -> None:
    """Write ``stamps.npy`` and ``stamps_catalogue.parquet``.

    The first has the shape (N, 3, n, n), for ``numpy.load(path, mmap_mode="r")``. Several sizes make several
    files, ``stamps_30.npy`` and so on, and so do planes, ``stamps_mask.npy``.
    """
    with contextlib.ExitStack() as stack:
        streams = {}
        for array in records.columns.arrays:
            streams[array.name] = stream = stack.enter_context((folder / f"{array.name}.npy").open("wb"))
            shape = (records.count, *array.shape)
            descr = array.dtype.newbyteorder("<").str
            np.lib.format.write_array_header_1_0(
                stream, {"descr": descr, "fortran_order": False, "shape": shape}
            )
        catalogue = stack.enter_context(catalogue_file(folder / "stamps_catalogue.parquet", records))
        for block in records.blocks(records.step(_MEGABYTES)):
            catalogue.write(block.catalogue)
            for name, stream in streams.items():
                values = block.pixels[name]
                stream.write(values.astype(values.dtype.newbyteorder("<"), copy=False).data)
