"""Put the pictures of one batch where they belong."""

__all__ = ("PictureWriter",)

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..domain import SourceBatch
from ..output import Failure, OutputDirectory, Picture, metadata_of, panel_path, picture_path
from ..stamps import SpillWriter
from ._maker import DrawnBatch


@dataclass(frozen=True)
class PictureWriter:
    """Write the pictures of batches of DiaSources to a directory.

    It pickles, for the processes that do the work.
    """

    draw: Callable[[SourceBatch], DrawnBatch]
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
        drawn = self.draw(batch)
        metadata = metadata_of(batch.rows, self.columns)
        outcomes: list[Picture | Failure] = []
        made = []
        for row, drawing in enumerate(drawn):
            if isinstance(drawing, Failure):
                outcomes.append(drawing)
                continue
            assert batch.data_id is not None  # without images there is no picture
            path = picture_path(drawing.diaSourceId, self.chunk_size)
            for panel, content in drawing.panels.items():
                self.directory.write(panel_path(path, panel), content)
            self.directory.write(path, drawing.picture)  # last: it stands for all of them
            size = len(drawing.picture)
            outcomes.append(Picture(drawing.diaSourceId, batch.data_id, path, size, metadata[row]))
            made.append(row)
        if self.stamps is not None and made:
            self.stamps.write(drawn.stamps(made))
        return outcomes
