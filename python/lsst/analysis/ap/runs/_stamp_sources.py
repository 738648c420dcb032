"""Where the stamps of a batch of sources come from, how large they are, and which mask planes they have."""

__all__ = (
    "DetectorStamps",
    "FootprintSizes",
    "GivenImages",
    "Sizes",
    "StampSource",
    "check_planes",
)

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import PANELS, CutoutsError, SourceBatch
from ..images import FootprintReader, StampError, Stamps, TripletReader, read_triplets
from ._neighbours import Neighbours

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FootprintSizes:
    """One stamp a source, as large as its footprint."""

    reader: FootprintReader | None
    """Where footprints come from; `None` where the repository has none, and
    the catalogue's ``bboxSize`` serves."""
    least: int
    """Least side of a stamp in pixels."""
    also: tuple[int, ...] = ()
    """Further stamps that each source is to have."""

    def of(self, batch: SourceBatch) -> list[tuple[int, ...] | StampError]:
        """Return the size of each source's stamp.

        Returns: the larger side of the footprint's box and the further ones, or why there are none. Raises
        `CutoutsError` when neither the repository nor the catalogue knows the footprints.
        """
        sides: list[int | StampError]
        if self.reader is not None and batch.data_id is not None:
            ids = batch.rows.column("diaSourceId").to_pylist()
            boxes = self.reader.read(batch.data_id, ids)
            sides = [box if isinstance(box, StampError) else max(box.shape) for box in boxes]
        elif "bboxSize" in batch.rows.column_names:
            unknown = StampError("its bboxSize is null: turn useFootprint off for it")
            column = batch.rows.column("bboxSize").to_pylist()
            sides = [unknown if side is None else int(side) for side in column]
        else:
            raise CutoutsError(
                "useFootprint finds no footprints: the repository has no catalogue of them (*_diaSrc, "
                "dia_source_unstandardized), and the sources have no column bboxSize. Turn it off, or give "
                "either."
            )
        return [
            side if isinstance(side, StampError) else (max(self.least, side), *self.also) for side in sides
        ]


type Sizes = tuple[int, ...] | FootprintSizes
"""Sides of the stamps in pixels: the same for all sources, or each source its own."""


class StampSource(Protocol):
    """Gives the stamps of batches of sources.

    A repository, a quantum, alerts and images given by hand all do; whoever makes pictures needs to know no
    more. It pickles, so that each worker process has one of its own.
    `~lsst.analysis.ap.images.AlertStampReader` is one as it is.
    """

    def read(self, batch: SourceBatch) -> Stamps:
        """Return the stamps of the sources of a batch.

        Returns: for each source, in order, a triplet for each size; or why there are none, as a value:
        whatever is wrong with one source, or with its images, costs no other one. Raises `CutoutsError` when
        no source of any batch can have stamps.
        """
        ...


@dataclass(frozen=True)
class DetectorStamps:
    """Stamps from the images of the sources' detector.

    The images may be those of a repository or of a quantum.
    """

    reader: TripletReader
    """Opens the three images of a detector."""
    sizes: Sizes
    """How large the stamps are."""
    neighbours: Neighbours | None = None
    """What finds what is near, where that is to be marked."""

    def read(self, batch: SourceBatch) -> Stamps:
        # Docstring inherited.
        if (data_id := batch.data_id) is None:
            return [StampError("Its row gives no visit or no detector: complete the catalogue.")] * len(
                batch.rows
            )
        return _cut(
            batch,
            self.sizes,
            self.neighbours,
            lambda ra, dec, sides: self.reader.read(data_id, ra, dec, sides),
        )


@dataclass(frozen=True)
class GivenImages:
    """Stamps from three images that somebody has in memory."""

    images: Mapping[str, Any]
    """The template, science and difference image, of afw or lsst.images."""
    sizes: Sizes
    """How large the stamps are."""
    planes: tuple[str, ...] = ()
    """Mask planes that the pictures show."""
    neighbours: Neighbours | None = None
    """What finds what is near, where that is to be marked."""

    def __post_init__(self) -> None:
        if set(self.images) != set(PANELS):
            given = ", ".join(map(str, self.images)) or "none"
            raise CutoutsError(f"Give the images {', '.join(PANELS)}; given are {given}.")

    def read(self, batch: SourceBatch) -> Stamps:
        # Docstring inherited.
        return _cut(
            batch,
            self.sizes,
            self.neighbours,
            lambda ra, dec, sides: read_triplets(
                **self.images, ra=ra, dec=dec, sizes=sides, planes=self.planes
            ),
        )


def _cut(
    batch: SourceBatch,
    sizes: Sizes,
    neighbours: Neighbours | None,
    read: Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]], Stamps],
) -> Stamps:
    """Read the stamps of those sources whose size is known, in one call."""
    results: list[Any] = [sizes] * len(batch.rows) if isinstance(sizes, tuple) else sizes.of(batch)
    for index, reason in batch.reasons.items():
        results[index] = StampError(reason)
    known = [index for index, size in enumerate(results) if not isinstance(size, StampError)]
    if not known:
        return results
    ra, dec = (_degrees(batch.rows, name)[known] for name in ("ra", "dec"))
    try:
        found = read(ra, dec, np.array([results[index] for index in known]))
    except Exception as error:  # nothing that an image holds may stop the other detectors
        _log.warning("Reading the images of %s failed.", batch.data_id, exc_info=True)
        found = [StampError(f"reading its images failed: {error!r}")] * len(known)
    for index, result in zip(known, found, strict=True):
        results[index] = result
    return results if neighbours is None else neighbours.add(batch, results)


def _degrees(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column of angles, NaN where null."""
    return np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def check_planes(
    batches: Iterable[SourceBatch], planes: Collection[str], stamps: StampSource
) -> Iterator[SourceBatch]:
    """Let sources pass, once an image has all the mask planes.

    ``planes``: mask planes to show, by afw's names. Raises `CutoutsError` when the first images that can be
    read have no such planes: pictures without them would look as if nothing were masked.
    """
    known = not planes
    for batch in batches:
        if not known and (found := _planes(batch, stamps)) is not None:
            if missing := sorted(set(planes) - found):
                has = ", ".join(sorted(found)) or "none"
                raise CutoutsError(
                    f"The images of {batch.data_id} have no mask plane {', '.join(missing)}, which "
                    f"maskPlanes asks for; they have {has}.",
                    choices=("maskPlanes",),
                )
            known = True
        yield batch


def _planes(batch: SourceBatch, stamps: StampSource) -> set[str] | None:
    """Return the mask planes of the images of a batch; `None` if they cannot be read."""
    if batch.data_id is None:
        return None
    (cut,) = stamps.read(SourceBatch(batch.data_id, batch.rows.slice(0, 1)))
    if isinstance(cut, StampError):
        return None
    return {name for triplet in cut for stamp in triplet.stamps if stamp for name in stamp.mask_planes}
