"""Make the pictures of one batch: read, draw, write."""

__all__ = ("PictureMaker",)

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ._sizes import FixedSizes, FootprintSizes
from .domain import CutoutsError, DetectorVisit, SourceBatch, Triplet
from .images import AlertStampReader, StampError, TripletReader
from .output import Failure, OutputDirectory, Picture, metadata_of, panel_path, picture_path
from .output.stamps import SpillWriter
from .render import PictureStyle, Renderer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureMaker:
    """Turn batches of DiaSources into pictures in a directory.

    It pickles, so that each worker process has one with a butler of its own.
    """

    reader: TripletReader | AlertStampReader
    """Where stamps come from."""

    sizes: FixedSizes | FootprintSizes
    """How large they are."""

    style: PictureStyle
    """What the pictures look like."""

    directory: OutputDirectory
    """Where they go."""

    columns: Sequence[str]
    """Catalogue columns that the manifest wants to know."""

    chunk_size: int | None = None
    """How many successive identifiers share a folder; `None` for no
    folders."""

    separate_panels: bool = False
    """Whether each panel is a picture of its own as well."""

    stamps: SpillWriter | None = None
    """Takes the stamps themselves; `None` when nobody wants them."""

    def __call__(self, batch: SourceBatch) -> list[Picture | Failure]:
        """Write the picture of each source of a batch.

        Parameters
        ----------
        batch : `SourceBatch`
            Sources of one detector.

        Returns
        -------
        outcomes : `list` [`Picture` or `Failure`]
            What became of each source, in order.

        Raises
        ------
        CutoutsError
            Raised when the directory takes no more files.
        """
        ids = batch.rows.column("diaSourceId").to_pylist()
        if (data_id := batch.data_id) is None:
            reason = "Its row gives no visit or no detector: complete the catalogue."
            return [Failure(identifier, None, reason) for identifier in ids]
        rows = batch.rows.to_pylist()
        metadata = metadata_of(batch.rows, self.columns)
        outcomes: list[Picture | Failure] = []
        made: dict[int, tuple[Triplet, ...]] = {}
        for index, (identifier, row, cells, result) in enumerate(
            zip(ids, rows, metadata, self._cut(batch, data_id), strict=True)
        ):
            try:
                if isinstance(result, StampError):
                    raise result
                path = picture_path(identifier, self.chunk_size)
                files = self._draw(path, result, row)
            except CutoutsError as error:
                outcomes.append(Failure(identifier, data_id, str(error)))
                continue
            except Exception as error:
                # A source that nobody thought of must not stop the others.
                _log.exception("Drawing DiaSource %d failed", identifier)
                outcomes.append(Failure(identifier, data_id, f"drawing it failed: {error!r}"))
                continue
            for name, content in reversed(files.items()):
                self.directory.write(name, content)
            outcomes.append(Picture(identifier, data_id, path, len(files[path]), cells))
            made[index] = result
        if self.stamps is not None and made:
            self.stamps.write(batch.rows.take(list(made)), list(made.values()))
        return outcomes

    def _cut(self, batch: SourceBatch, data_id: DetectorVisit) -> list[tuple[Triplet, ...] | StampError]:
        """Return the stamps of each source, or why there are none."""
        if isinstance(self.reader, AlertStampReader):
            return self.reader.read(batch)  # as large as they came
        ra, dec = (_degrees(batch.rows, name) for name in ("ra", "dec"))
        sizes = self.sizes.of(batch)
        known = [index for index, size in enumerate(sizes) if not isinstance(size, StampError)]
        results: list[Any] = list(sizes)
        if known:
            sides = np.array([sizes[index] for index in known])
            try:
                found = self.reader.read(data_id, ra[known], dec[known], sides)
            except Exception as error:
                _log.exception("Reading %s failed", data_id)
                found = [StampError(f"reading its images failed: {error!r}")] * len(known)
            for index, result in zip(known, found, strict=True):
                results[index] = result
        return results

    def _draw(self, path: str, triplets: tuple[Triplet, ...], row: Mapping[str, Any]) -> dict[str, bytes]:
        """Return the files of one source, the whole picture first."""
        sizes = tuple(triplet.science.box.width for triplet in triplets)
        renderer = Renderer(replace(self.style, sizes=sizes))
        files = {path: renderer.render(triplets, row)}
        if self.separate_panels:
            for panel, content in renderer.render_panels(triplets, row).items():
                files[panel_path(path, panel)] = content
        return files


def _degrees(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column of angles, NaN where null."""
    return np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)
