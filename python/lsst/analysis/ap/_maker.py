"""Make the pictures of one batch: read, draw, write."""

__all__ = ("PictureMaker",)

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .domain import CutoutsError, SourceBatch
from .images import ImageTypes, TripletReader
from .output import Failure, OutputDirectory, Picture
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
    """

    def __init__(
        self, butler: "Butler", image_types: ImageTypes, style: PictureStyle, directory: OutputDirectory
    ) -> None:
        self._arguments = (butler, image_types, style, directory)
        self._reader = TripletReader(butler, image_types)
        self._renderer = Renderer(style)
        self._sizes = style.sizes
        self._directory = directory

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def make(self, batch: SourceBatch, columns: Sequence[str]) -> list[Picture | Failure]:
        """Write the picture of each source of a batch.

        Parameters
        ----------
        batch : `SourceBatch`
            Sources of one detector.
        columns : sequence of `str`
            Catalogue columns that the manifest wants to know.

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
        metadata = _text(batch.rows, columns)
        outcomes: list[Picture | Failure] = []
        for identifier, row, cells, result in zip(
            ids, batch.rows.to_pylist(), metadata, results, strict=True
        ):
            path = f"{identifier}.png"
            try:
                if isinstance(result, CutoutsError):
                    raise result
                content = self._renderer.render(result, row)
            except CutoutsError as error:
                outcomes.append(Failure(identifier, data_id, str(error)))
                continue
            try:
                self._directory.write(path, content)
            except OSError as error:
                raise CutoutsError(
                    f"{self._directory.path / path} cannot be written: {error.strerror}. "
                    "The pictures before it are safe; mend that and run the same command again."
                ) from None
            outcomes.append(Picture(identifier, data_id, path, cells))
        return outcomes


def _degrees(rows: pa.Table, name: str) -> np.ndarray:
    """Return a column of angles, NaN where null."""
    return np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def _text(rows: pa.Table, columns: Sequence[str]) -> list[Mapping[str, str]]:
    """Return the non-null values of some columns as text, a mapping a row.

    Arrow writes the shortest text that gives the same number of the same
    precision, so that a float32 of 0.8 reads 0.8.
    """
    present = [name for name in columns if name in rows.column_names]
    texts = [rows.column(name).cast(pa.string()).to_pylist() for name in present]
    return [
        {name: text for name, text in zip(present, values, strict=True) if text is not None}
        for values in zip(*texts, strict=True)
    ] or [{}] * len(rows)
