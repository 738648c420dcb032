"""Put the pictures of one batch where they belong."""

__all__ = ("PictureWriter",)

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..domain import SourceBatch
from ..output import Failure, OutputDirectory, Picture, metadata_of, panel_path, picture_path
from ..stamps import SpillWriter
from ._pictures import PictureBatch


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

    chunk_size: int | None = None
    """How many successive identifiers share a folder; `None` for no
    folders."""

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
        pictures = self.make(batch)
        outcomes: list[Picture | Failure] = []
        for files, metadata in zip(pictures.outcomes, metadata_of(batch.rows, self.columns), strict=True):
            if isinstance(files, Failure):
                outcomes.append(files)
                continue
            assert batch.data_id is not None  # without images there is no picture
            path = picture_path(files.diaSourceId, self.chunk_size)
            for panel, content in files.panels.items():
                self.directory.write(panel_path(path, panel), content)
            self.directory.write(path, files.picture)  # last: it stands for all of them
            size = len(files.picture)
            outcomes.append(Picture(files.diaSourceId, batch.data_id, path, size, metadata))
        if self.stamps is not None and pictures.stamps is not None:
            self.stamps.write(pictures.stamps)
        return outcomes
