"""Make the pictures of one batch: read, draw, write."""

__all__ = ("PictureMaker",)

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .domain import CutoutsError, SourceBatch
from .images import ImageTypes, StampError, TripletReader
from .output import Failure, OutputDirectory, Picture, metadata_of, picture_path
from .render import PictureStyle, Renderer

if TYPE_CHECKING:
    from lsst.daf.butler import Butler


class PictureMaker:
    """Turn batches of DiaSources into pictures in a directory.

    It pickles, so that each worker process has one with a butler of its own.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        Repository of the images, with default collections.
    image_types : `~lsst.analysis.ap.images.ImageTypes`
        Dataset types of the three images.
    style : `~lsst.analysis.ap.render.PictureStyle`
        What the pictures look like.
    directory : `~lsst.analysis.ap.output.OutputDirectory`
        Where they go.
    columns : sequence of `str`
        Catalogue columns that the manifest wants to know.
    chunk_size : `int`, optional
        How many successive identifiers share a folder; no folders when not
        given.
    """

    def __init__(
        self,
        butler: "Butler",
        image_types: ImageTypes,
        style: PictureStyle,
        directory: OutputDirectory,
        columns: Sequence[str],
        chunk_size: int | None = None,
    ) -> None:
        self._arguments = (butler, image_types, style, directory, columns, chunk_size)
        self._reader = TripletReader(butler, image_types)
        self._renderer = Renderer(style)
        self._sizes = style.sizes
        self._directory = directory
        self._columns = columns
        self._chunk_size = chunk_size

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

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
        ra, dec = (_degrees(batch.rows, name) for name in ("ra", "dec"))
        results = self._reader.read(data_id, ra, dec, self._sizes)
        rows = batch.rows.to_pylist()
        metadata = metadata_of(batch.rows, self._columns)
        outcomes: list[Picture | Failure] = []
        for identifier, row, cells, result in zip(ids, rows, metadata, results, strict=True):
            if isinstance(result, StampError):
                outcomes.append(Failure(identifier, data_id, str(result)))
                continue
            try:
                content = self._renderer.render(result, row)
            except CutoutsError as error:
                outcomes.append(Failure(identifier, data_id, str(error)))
                continue
            path = picture_path(identifier, self._chunk_size)
            self._directory.write(path, content)
            outcomes.append(Picture(identifier, data_id, path, len(content), cells))
        return outcomes


def _degrees(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column of angles, NaN where null."""
    return np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)
