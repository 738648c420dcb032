"""Put the pictures of one batch where they belong."""

__all__ = ("NumberedBatch", "PictureWriter")

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..domain import SourceBatch
from ..output import (
    Failure,
    OutputDirectory,
    Picture,
    PictureNames,
    metadata_of,
    panel_path,
    without_identity,
)
from ..stamps import PartWriter
from ._pictures import PictureBatch


@dataclass(frozen=True, slots=True)
class NumberedBatch(SourceBatch):
    """Sources whose folders follow from the order in which they came."""

    numbers: tuple[int, ...] = ()
    """The running number of each in its directory, from 0."""


@dataclass(frozen=True)
class PictureWriter:
    """Write the pictures of batches of DiaSources to a directory.

    It pickles, for the processes that do the work.
    """

    make: Callable[[SourceBatch], PictureBatch]
    """Where the pictures come from."""
    directory: OutputDirectory
    """Where they go."""
    columns: Sequence[str]
    """Catalogue columns that the manifest wants to know."""
    names: PictureNames
    """How they are named there."""
    stamps: PartWriter | None = None
    """Takes the stamps themselves; `None` when nobody wants them."""

    def __call__(self, batch: SourceBatch) -> list[Picture | Failure]:
        """Write the picture of each source of a batch.

        Returns: what became of each source, in order. Raises `CutoutsError` when the directory takes no more
        files.
        """
        pictures = self.make(batch)
        outcomes: list[Picture | Failure] = []
        numbers = batch.numbers if isinstance(batch, NumberedBatch) else [None] * len(batch.rows)
        metadatas = metadata_of(batch.rows, self.columns)
        for files, number, metadata in zip(pictures.outcomes, numbers, metadatas, strict=True):
            if isinstance(files, Failure):
                outcomes.append(files)
                continue
            path = self.names.path(files.diaSourceId, number) if files.picture else ""
            for panel, content in files.panels.items():
                self.directory.write(panel_path(path, panel), self._published(content))
            content = files.picture
            if content:
                content = self._published(content)
                self.directory.write(path, content)  # last: it stands for all of them
            outcomes.append(Picture(files.diaSourceId, batch.data_id, path, len(content), metadata))
        if self.stamps is not None and pictures.stamps is not None:
            self.stamps.write(pictures.stamps)
        return outcomes

    def _published(self, png: bytes) -> bytes:
        return png if self.names.secret is None else without_identity(png)
