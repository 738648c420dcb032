"""Which pixels the footprints of DiaSources have."""

__all__ = ("Footprint", "FootprintReader", "find_footprint_type")

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsst.daf.butler import DeferredDatasetHandle
from lsst.resources import ResourcePath

from ..domain import Box, DetectorVisit
from ._datasets import Datasets
from ._errors import StampError
from ._image_types import DIFFERENCE, ImageTypes, kind_of
from ._reader import open_plain_fits
from .fits._afw_archive import ArchiveEntry, read_archive_index, read_rows, read_table
from .fits._bytes import ByteSource
from .fits._errors import ImageFileError
from .fits._hdus import HduList


def find_footprint_type(butler: Any, image_types: ImageTypes) -> str | None:
    """Return the dataset type of the catalogues that have footprints.

    ``butler``: repository, with the default collections to search. ``image_types``: the images whose sources
    are wanted. Returns: ``dia_source_unstandardized``, or ``*_diaSrc`` of the kind of the difference image;
    `None` when the collections have no such catalogue of afw.
    """
    kind = kind_of(image_types.difference, DIFFERENCE) if image_types.difference is not None else ""
    collections = tuple(butler.collections.defaults)
    for name in (f"{kind}_diaSrc",) if kind else ("dia_source_unstandardized",):
        registered = butler.registry.queryDatasetTypes(name)
        if not any(dataset_type.storageClass_name == "SourceCatalog" for dataset_type in registered):
            continue
        if butler.query_datasets(name, collections, limit=1, explain=False):
            return name
    return None


@dataclass(frozen=True, eq=False)
class Footprint:
    """The pixels in which a source was detected."""

    spans: NDArray[np.int64]
    """Rows of y, first x and last x, PARENT pixels, shape (N, 3), N > 0."""

    @property
    def box(self) -> Box:
        """The smallest box that holds the pixels."""
        y, first, last = self.spans.T
        return Box(int(first.min()), int(last.max()) + 1, int(y.min()), int(y.max()) + 1)

    def pixels(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box the footprint has, boolean, of the box's shape."""
        pixels = np.zeros(box.shape, dtype=bool)
        for y, first, last in self.spans.tolist():
            if box.y_start <= y < box.y_stop:
                start, stop = max(first - box.x_start, 0), max(last + 1 - box.x_start, 0)
                pixels[y - box.y_start, start:stop] = True
        return pixels


class FootprintReader:
    """Reads footprints from catalogues of afw."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    def read(self, data_id: DetectorVisit, ids: Sequence[int]) -> list[Box | StampError]:
        """Return the bounding boxes of the footprints of sources.

        Returns: for each source, in order, its box in PARENT pixels; or why there is none, as a value.
        """
        found = self.read_footprints(data_id, ids)
        return [footprint if isinstance(footprint, StampError) else footprint.box for footprint in found]

    def read_footprints(self, data_id: DetectorVisit, ids: Sequence[int]) -> list[Footprint | StampError]:
        """Return the footprint of each source in order, or why there is none, as a value."""
        try:
            handle = self._datasets.find("footprints", data_id)
            known = _read_all(handle, self._datasets.locate(handle))
        except Exception as error:
            # Whatever is wrong with a catalogue must cost no other one.
            failure = StampError(f"footprints: {error}")
            return [failure for _ in ids]
        where = f"{handle.ref.datasetType.name} for {data_id}"
        return [known.get(int(i)) or StampError(f"footprints: source {i} has none in {where}") for i in ids]


def _read_all(handle: DeferredDatasetHandle, uri: ResourcePath | None) -> dict[int, Footprint]:
    source = open_plain_fits(uri)
    if source is None:
        return _footprints_of_catalog(handle.get())
    try:
        return read_footprints(source)
    finally:
        source.close()


def read_footprints(source: ByteSource) -> dict[int, Footprint]:
    """Read the footprints from a catalogue that afw wrote.

    Column ``footprint`` of the catalogue has archive IDs. The archive keeps a Footprint as the ID of a
    SpanSet, and that as rows of y, x0 and x1 (both inclusive); before there were SpanSets, a Footprint had
    those rows itself.

    ``source``: a FITS file of a SourceCatalog. Returns: by source ID; sources without a footprint are not
    there. Raises `ImageFileError` if the file is no such catalogue, or is truncated or corrupt.
    """
    hdus = HduList(source)
    catalog = read_rows(hdus.get(1))
    names = catalog.dtype.names or ()
    if "id" not in names or "footprint" not in names:
        raise ImageFileError(source.name, "is not a SourceCatalog with footprints")
    index, entries = read_archive_index(hdus)
    if index is None:
        raise ImageFileError(source.name, "has no archive, so no footprints")
    first = {entry.id: entry for entry in entries if entry.persistable == 0}
    tables: dict[int, Any] = {}

    def rows_of(archive_id: int) -> Any:
        entry: ArchiveEntry | None = first.get(archive_id)
        if entry is None:
            raise ImageFileError(source.name, f"has no object {archive_id}, a footprint, in its archive")
        if entry.rows == 0:
            return None
        if entry.catalog not in tables:
            tables[entry.catalog] = read_table(hdus, index, entry)
        return tables[entry.catalog][entry.row : entry.row + entry.rows]

    footprints = {}
    for source_id, archive_id in zip(catalog["id"].tolist(), catalog["footprint"].tolist(), strict=True):
        if archive_id == 0:
            continue
        rows = rows_of(archive_id)
        if rows is not None and "id" in (rows.dtype.names or ()):
            rows = rows_of(int(rows["id"][0]))
        if rows is not None and len(rows):
            columns = [np.asarray(rows[name], dtype=np.int64) for name in ("y", "x0", "x1")]
            footprints[source_id] = Footprint(np.stack(columns, axis=1))
    return footprints


def _footprints_of_catalog(catalog: Any) -> dict[int, Footprint]:
    """Return the footprints of an `lsst.afw.table.SourceCatalog`."""
    footprints = {}
    for record in catalog:
        footprint = record.getFootprint()
        spans = [] if footprint is None else footprint.getSpans()
        rows = [(span.getY(), span.getX0(), span.getX1()) for span in spans]
        if rows:
            footprints[record.getId()] = Footprint(np.array(rows, dtype=np.int64))
    return footprints
