"""The stamps of a run, from its batches to files for machines."""

__all__ = ("StampFiles",)

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import CutoutsError
from ..output._directory import OutputDirectory
from ._catalogue import ParquetRows, write_catalogue
from ._columns import StampColumns
from ._folder import FinalFiles, StampFolder
from ._format import StampFormat
from ._formats import find_format
from ._index import StampIndex
from ._records import StampRecords
from ._spill import SpillWriter, StampStore, read_spill

_LOG = logging.getLogger(__name__)


class StampFiles:
    """Stamps that accompany the pictures of a directory.

    While a run works, the stamps of each batch go to a file of their own
    before the journal learns of the batch. `assemble` puts them and those
    that stand there already together, in the order of the manifest. Killed
    at any moment, the next run has everything that the journal knows. Use it
    as a context manager, while the journal keeps other runs away.

    Parameters
    ----------
    directory : `~lsst.analysis.ap.output.OutputDirectory`
        Directory of the run.
    format_name : `str`
        One of `FORMATS`; with ``"none"`` nothing is written or asked for.
    sizes : sequence of `int`
        Sides of the stamps in pixels.

    Raises
    ------
    CutoutsError
        Raised when the package that the format needs is not installed, or
        the directory is not a local one.
    """

    def __init__(self, directory: OutputDirectory, format_name: str, sizes: Sequence[int]) -> None:
        if format_name != "none" and directory.name != str(directory.path):
            raise CutoutsError(
                f"Stamps (writeStamps) cannot be put together in {directory.name}: write to a local "
                "directory and copy it."
            )
        self._name = format_name
        self._format = None if format_name == "none" else find_format(format_name)
        self._columns = StampColumns(tuple(dict.fromkeys(sizes)))
        self._folder = StampFolder(directory.path)
        self._stores: dict[int, StampStore] = {}  # what is not a spill: number 0, if anything
        self._spills: list[Path] = []  # numbered from 1
        self.writer: SpillWriter | None = None
        """Takes the stamps of a batch; `None` when nobody wants them."""

    def __enter__(self) -> Self:
        self._index = StampIndex()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._index.close()

    def remove(self) -> None:
        """Remove every stamp that an earlier run left."""
        with self._explained():
            self._folder.remove()

    def begin(self) -> None:
        """Find out which stamps are there, and get ready for more.

        Raises
        ------
        CutoutsError
            Raised when the stamps that are there have other sizes.
        """
        if self._format is None:
            return
        with self._explained():
            self._folder.recover()
            self._find_final()
            self._add_spills()
            self.writer = SpillWriter(self._folder.new_spills())

    def missing(self, ids: Iterable[int]) -> set[int]:
        """Return which sources have no stamps though they should.

        Parameters
        ----------
        ids : iterable of `int`
            Sources that have a picture.

        Returns
        -------
        missing : `set` [`int`]
            Those whose picture is to be made again, for its stamps.
        """
        return set() if self._format is None else self._index.missing(ids)

    def assemble(self, ids: Iterable[int], advance: Callable[[int], object]) -> tuple[str, ...]:
        """Leave the stamps of all pictures under their final names.

        Parameters
        ----------
        ids : iterable of `int`
            Every source that has a picture, in the order of the manifest.
        advance : callable
            Is told how many stamps more have been written, of each size.

        Returns
        -------
        paths : `tuple` [`str`, ...]
            The files; none when nobody wants any.

        Raises
        ------
        CutoutsError
            Raised when the disk does not take them. What was there stays.
        """
        if self._format is None:
            return ()
        with self._explained():
            return self._assemble(self._format, ids, advance)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.filename or f"The files of the stamps in {self._folder.outdir}"
            raise CutoutsError(
                f"{what} cannot be written: {error.strerror or error}. The pictures and stamps made so far "
                "are safe: mend that and run the same command again."
            ) from None

    def _find_final(self) -> None:
        if (final := self._folder.final) is None:
            return
        self._check_sizes(final.sizes)
        try:
            self._stores[0] = _FinalStore(self._folder, final)
        except Exception as error:  # every library has its own word for a damaged file
            _LOG.warning("%s cannot be read and is made again: %s", " ".join(final.files), error)
        else:
            self._index.add(0, self._stores[0].ids())

    def _assemble(
        self, form: StampFormat, ids: Iterable[int], advance: Callable[[int], object]
    ) -> tuple[str, ...]:
        self._add_spills()
        if without := self._index.choose(ids):
            _LOG.warning(
                "%d pictures have no stamps: they are of an earlier run without them, and their sources are "
                "not among those of this one, or failed.",
                without,
            )
        if self._index.count == 0:
            self._folder.remove()
            return ()
        final = FinalFiles(self._name, self._columns.sizes, self._index.count, self._visible(form))
        if self._folder.final == final and self._index.is_whole(0, final.count):
            self._folder.clear_spills()
        else:
            _LOG.info("Putting the stamps of %d sources together", final.count)
            records = StampRecords(self._columns, self._index, self._open, advance)
            building = self._folder.start_building()
            form.write(building, records)
            if form.catalogue is None:
                write_catalogue(building / self._folder.catalogue.name, records)
            self._folder.commit(final)
        return tuple(str(self._folder.outdir / name) for name in final.files)

    def _visible(self, form: StampFormat) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*form.files(self._columns), *filter(None, [form.catalogue]))))

    def _open(self, number: int) -> StampStore:
        return self._stores.get(number) or read_spill(self._spills[number - 1])

    def _add_spills(self) -> None:
        known = set(self._spills)
        for path in self._folder.spills():
            if path in known:
                continue
            self._spills.append(path)
            try:
                store = read_spill(path)
            except (OSError, KeyError, pa.ArrowInvalid) as error:
                _LOG.warning("%s cannot be read, its sources are made again: %s", path, error)
            else:
                self._check_sizes(store.sizes)
                self._index.add(len(self._spills), store.ids())

    def _check_sizes(self, sizes: tuple[int, ...]) -> None:
        if set(sizes) != set(self._columns.sizes):
            raise CutoutsError(
                f"{self._folder.outdir} holds stamps of {_listed(sizes)} pixels, and sizes is now "
                f"{_listed(self._columns.sizes)}: arrays have one size. Choose another directory, or "
                "overwrite=True (--overwrite) to make all again."
            )


class _FinalStore:
    """The stamps under their final name, whatever their format."""

    def __init__(self, folder: StampFolder, final: FinalFiles) -> None:
        form = find_format(final.format)
        columns = StampColumns(final.sizes)
        catalogue = folder.catalogue if form.catalogue is None else folder.outdir / form.catalogue
        self._rows = ParquetRows(catalogue, without=columns.pixels)
        self._pixels: Mapping[int, Any] = form.open(folder.outdir, columns)
        self.sizes = final.sizes
        self.schema = self._rows.schema
        for length in (len(self._rows), *(pixels.shape[0] for pixels in self._pixels.values())):
            if length != final.count:
                raise ValueError(f"it has {length} rows, not {final.count}")

    def ids(self) -> Iterator[NDArray[np.int64]]:
        return self._rows.ids()

    def catalogue(self, rows: NDArray[np.int64]) -> pa.Table:
        return self._rows.take(rows)

    def stamps(self, size: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(self._pixels[size][rows], dtype=np.float32)


def _listed(sizes: tuple[int, ...]) -> str:
    return " and ".join(map(str, sizes))
