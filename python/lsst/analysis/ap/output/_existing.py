"""Directories that a run has filled."""

__all__ = ("open_existing",)

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..domain import CutoutsError
from ._directory import OutputDirectory, is_uri, open_directory
from ._journal import Journal


@contextmanager
def open_existing(place: str | os.PathLike[str]) -> Iterator[tuple[OutputDirectory, Journal]]:
    """Open a directory that a run has filled.

    Yields: its journal; while it is open no run can write to the directory. Raises `CutoutsError` when there
    is no such directory, or no run has filled it.
    """
    if not is_uri(place) and not Path(place).is_dir():
        raise CutoutsError(f"There is no directory {place}: give the OUTDIR of a run.")
    with open_directory(place) as directory, Journal(directory, existing=True) as journal:
        yield directory, journal
