"""What a format of stamps can do."""

__all__ = ("StampFormat",)

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._columns import StampColumns
from ._records import StampRecords


@dataclass(frozen=True)
class StampFormat:
    """How stamps are written and found again."""

    catalogue: str | None
    """Name of its Parquet file with the catalogue, `None` when it has none:
    then one is kept out of sight, for the next run."""

    files: Callable[[StampColumns], tuple[str, ...]]
    """Returns the names of the files with pixels."""

    write: Callable[[Path, StampRecords], None]
    """Writes all files into a folder."""

    open: Callable[[Path, StampColumns], Mapping[int, Any]]
    """Returns the pixels of each size, of shape (N, 3, size, size), as what
    gives an array when it is indexed with an array of row numbers."""
