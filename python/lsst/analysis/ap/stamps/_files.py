"""The stamps of a run, from its batches to files for machines."""

__all__ = ("StampFiles",)

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import CutoutsError
from ..output._directory import OutputDirectory
from ._card import data_card
from ._choice import StampChoice
from ._columns import StampColumns
from ._folder import CARD, StampFolder
from ._labels import Labels, read_labels
from ._npy import write_npy
from ._parquet import write_parquet
from ._parts import NO_UNIT, PartWriter, StampIndex, StampPart
from ._records import StampRecords
from ._webdataset import write_webdataset
from ._zarr import write_zarr

_USUAL_SHARD: Final = 1000
_WRITERS: Final[Mapping[str, Callable[[Path, StampRecords, int | None], None]]] = {
    "npy": lambda folder, records, _: write_npy(folder, records),
    "zarr": lambda folder, records, _: write_zarr(folder, records),
    "parquet": write_parquet,
    "webdataset": lambda folder, records, shard: write_webdataset(folder, records, shard or _USUAL_SHARD),
}
"""What writes the files of each format into a folder; some take the number of
sources that a file has at most."""

_log = logging.getLogger(__name__)


class StampFiles:
    """Stamps that accompany the pictures of a directory, or stand for them.

    While a run works, the stamps of each batch go to a file of their own before the journal learns of the
    batch. These files stay. `assemble` makes from them what is wanted, in the order of the manifest. Killed
    at any moment, the next run has everything that the journal knows.

    ``choice``: what is wanted; with `None` nothing is written or asked for. Raises `CutoutsError` when the
    package that the format needs is not installed, the directory is not a local one, or the labels cannot be
    read.
    """

    def __init__(self, directory: OutputDirectory, choice: StampChoice | None) -> None:
        self._choice = choice
        self._folder = StampFolder(directory.path)
        self._index = StampIndex()
        self._parts: list[Path] = []
        self._columns: dict[int, StampColumns] = {}
        self._schemas: dict[int, pa.Schema] = {}
        self._units: list[str] = []
        self._labels: Labels | None = None
        self.writer: PartWriter | None = None
        """Takes the stamps of a batch; `None` when nobody wants them."""
        if choice is None:
            return
        if directory.name != str(directory.path):
            raise CutoutsError(
                f"Stamps (writeStamps) cannot be put together in {directory.name}: write to a local "
                "directory and copy it."
            )
        if choice.format == "zarr" and not _is_installed("zarr"):
            raise CutoutsError(
                "Stamps in zarr (writeStamps) need the package zarr, which is not installed: "
                "pip install zarr, or choose npy or parquet."
            )
        if choice.labels is not None:
            self._labels = read_labels(choice.labels)

    def remove(self) -> None:
        """Remove every stamp that an earlier run left."""
        with self._explained():
            self._folder.remove()

    def begin(self) -> None:
        """Find out which stamps are there, and get ready for more.

        Raises `CutoutsError` when the stamps that are there have other sizes, or a file that is not ours is
        in the way.
        """
        if self._choice is None:
            return
        with self._explained():
            self._folder.check()
            self._add_parts(self._choice)
            self.writer = PartWriter(self._folder.new_parts())

    def missing(self, ids: Iterable[int]) -> set[int]:
        """Return the sources that have no stamps though they should, which are to be read again."""
        return set() if self._choice is None else self._index.missing(ids)

    def assemble(
        self, ids: Iterable[int], advance: Callable[[int], object], facts: Mapping[str, str] | None = None
    ) -> tuple[str, ...]:
        """Make the files that are wanted, and give them their names.

        ``ids``: every source that is done, in the order of the manifest. ``advance``: is told how many
        sources more have been written. ``facts``: what the data card is to tell of the run. Returns: the
        files with stamps and catalogue; none when nobody wants any. Raises `CutoutsError` when the stamps
        have different units, or the disk does not take the files. What was there stays.
        """
        if self._choice is None:
            return ()
        with self._explained():
            return self._assemble(self._choice, ids, advance, facts or {})

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.filename or f"The files of the stamps in {self._folder.outdir}"
            raise CutoutsError(
                f"{what} cannot be written: {error.strerror or error}. The pictures and stamps made so far "
                "are safe: mend that and run the same command again."
            ) from error

    def _add_parts(self, choice: StampChoice) -> None:
        """Learn what the parts hold that are not known yet."""
        wanted = StampColumns(choice.sizes, choice.planes)
        known = set(self._parts)
        for path in self._folder.parts():
            if path in known:
                continue
            number = len(self._parts)
            self._parts.append(path)
            try:
                part = StampPart(path)
                ids, units = part.ids, self._codes(part.units)
            except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
                _log.warning("%s cannot be read, its sources are made again: %s", path, error)
                continue
            if set(part.columns.sizes) != set(wanted.sizes):
                self._refuse_sizes(part.columns.sizes, wanted.sizes)
            if part.columns.holds(wanted):
                self._columns[number], self._schemas[number] = part.columns, part.schema
                self._index.add(number, ids, units)

    def _codes(self, units: pa.DictionaryArray) -> NDArray[np.int32]:
        """Return a number for the unit of each row."""
        names = units.dictionary.to_pylist()
        for name in names:
            if name not in self._units:
                self._units.append(name)
        codes = np.array([*map(self._units.index, names), NO_UNIT], np.int32)
        return np.asarray(codes[units.indices.fill_null(len(names)).to_numpy()])

    def _refuse_sizes(self, there: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        raise CutoutsError(
            f"{self._folder.outdir} holds stamps of {_listed(there)} pixels, and sizes is now "
            f"{_listed(wanted)}: arrays have one size. Choose another directory, or overwrite=True to make "
            "all again.",
            choices=("overwrite",),
        )

    def _assemble(
        self,
        choice: StampChoice,
        ids: Iterable[int],
        advance: Callable[[int], object],
        facts: Mapping[str, str],
    ) -> tuple[str, ...]:
        self._add_parts(choice)
        places, without = self._index.places(ids)
        if without:
            _log.warning(
                "%d sources have no stamps: they are of an earlier run without them, and not among those of "
                "this one, or failed.",
                without,
            )
        places, unit = self._of_one_unit(places, choice.unit)
        if not len(places):
            self._folder.remove_files()
            return ()
        source = self._source(choice, places, facts)
        if (files := self._folder.files(source)) is None:
            _log.info("Putting the stamps of %d sources together", len(places))
            used = np.unique(places["part"]).tolist()
            records = StampRecords(
                choice,
                places,
                {number: self._columns[number] for number in used},
                [self._schemas[number] for number in used],
                lambda number: StampPart(self._parts[number]),
                self._labels,
                unit,
                advance,
            )
            building = self._folder.start_building()
            _WRITERS[choice.format](building, records, choice.shard)
            names = sorted(path.name for path in building.iterdir())
            card = data_card(choice, records, names, facts)
            (building / CARD).write_text(card)
            files = self._folder.commit(source)
            if balance := records.tally.balance:
                said = ", ".join(f"{count} {label}" for label, count in balance.items())
                _log.info("Labels of the %d sources: %s", len(places), said)
        return tuple(str(self._folder.outdir / name) for name in files if name != CARD)

    def _of_one_unit(
        self, places: NDArray[np.void], wanted: str | None
    ) -> tuple[NDArray[np.void], str | None]:
        """Return the places of the stamps that are wanted, and their unit."""
        codes, counts = np.unique(places["unit"], return_counts=True)
        found = {self._units[code]: int(n) for code, n in zip(codes, counts, strict=True) if code != NO_UNIT}
        if wanted is None:
            if len(found) < 2 and not any("," in unit for unit in found):
                return places, next(iter(found), None)
            kinds = "; ".join(f"{unit}: {count} sources" for unit, count in sorted(found.items()))
            raise CutoutsError(
                f"The stamps have different units ({kinds}), which arrays cannot say. What was made so far "
                "is safe: set stampsUnit to the unit of those that you want, and run again.",
                choices=("stampsUnit",),
            )
        known = self._units.index(wanted) if wanted in self._units else None
        kept = places[(places["unit"] == NO_UNIT) | (places["unit"] == known)]
        if others := len(places) - len(kept):
            _log.warning("%d sources are left out: their stamps are not in %s.", others, wanted)
        return kept, wanted

    def _source(self, choice: StampChoice, places: NDArray[np.void], facts: Mapping[str, str]) -> str:
        """Return what changes when the files would be others."""
        digest = hashlib.blake2b(digest_size=16)
        labels = None if self._labels is None else self._labels.digest()
        digest.update(repr((choice, sorted(facts.items()), labels)).encode())
        for number in np.unique(places["part"]).tolist():
            path = self._parts[number]
            digest.update(f"{number} {path.parent.name}/{path.name}\n".encode())
        digest.update(np.ascontiguousarray(places).tobytes())
        return digest.hexdigest()


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # somebody put None in its place
        return False


def _listed(sizes: tuple[int, ...]) -> str:
    return " and ".join(map(str, sizes))
