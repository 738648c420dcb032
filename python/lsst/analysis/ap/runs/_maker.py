"""Make the pictures of one batch: read and draw."""

__all__ = ("Drawing", "DrawnBatch", "PictureMaker")

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain import CutoutsError, DetectorVisit, SourceBatch, Triplet
from ..images import AlertStampReader, StampError, TripletReader
from ..output import Failure
from ..render import PictureStyle, Renderer
from ..stamps import stamp_table
from ._sizes import FixedSizes, FootprintSizes

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture of one DiaSource."""

    diaSourceId: int
    """The DiaSource that it shows."""

    picture: bytes
    """A PNG file."""

    panels: Mapping[str, bytes] = field(default_factory=dict)
    """A PNG file of each panel by name, where these are wanted."""


class DrawnBatch(Protocol):
    """The pictures of a batch of DiaSources, wherever they come from."""

    def __iter__(self) -> Iterator[Drawing | Failure]:
        """Yield the picture of each source, or why it has none, in order."""
        ...

    def stamps(self, rows: Sequence[int]) -> pa.Table:
        """Return the stamps of some sources that have a picture.

        Parameters
        ----------
        rows : sequence of `int`
            Row numbers of the batch.

        Returns
        -------
        table : `pyarrow.Table`
            As `~lsst.analysis.ap.stamps.stamp_table` has it.
        """
        ...


@dataclass(frozen=True)
class PictureMaker:
    """Turn batches of DiaSources into pictures.

    It pickles, so that each worker process has one with a butler of its own.
    """

    reader: TripletReader | AlertStampReader
    """Where stamps come from."""

    sizes: FixedSizes | FootprintSizes
    """How large they are."""

    style: PictureStyle
    """What the pictures look like."""

    separate_panels: bool = False
    """Whether each panel is a picture of its own as well."""

    def __call__(self, batch: SourceBatch) -> DrawnBatch:
        """Read the stamps of a batch; its pictures are drawn one by one.

        Parameters
        ----------
        batch : `SourceBatch`
            Sources of one detector.

        Returns
        -------
        drawn : `DrawnBatch`
            The pictures.
        """
        if batch.data_id is None:
            reason = "Its row gives no visit or no detector: complete the catalogue."
            return _CutBatch(self, batch, self._refuse(batch, [StampError(reason)] * len(batch.rows)))
        return _CutBatch(self, batch, self._cut(batch, batch.data_id))

    def draw(self, diaSourceId: int, triplets: tuple[Triplet, ...], row: Mapping[str, Any]) -> Drawing:
        """Draw the picture of one source.

        Parameters
        ----------
        diaSourceId : `int`
            The source.
        triplets : `tuple` [`Triplet`, ...]
            Its stamps, one triplet for each size.
        row : `~collections.abc.Mapping`
            Its catalogue values.

        Returns
        -------
        drawing : `Drawing`
            The picture.
        """
        sizes = tuple(triplet.science.box.width for triplet in triplets)
        renderer = Renderer(replace(self.style, sizes=sizes))
        panels = renderer.render_panels(triplets, row) if self.separate_panels else {}
        return Drawing(diaSourceId, renderer.render(triplets, row), panels)

    def _cut(self, batch: SourceBatch, data_id: DetectorVisit) -> list[tuple[Triplet, ...] | StampError]:
        """Return the stamps of each source, or why there are none."""
        if isinstance(self.reader, AlertStampReader):
            return self._refuse(batch, self.reader.read(batch))  # as large as they came
        ra, dec = (_degrees(batch.rows, name) for name in ("ra", "dec"))
        sizes = self.sizes.of(batch)
        known = [
            index
            for index, size in enumerate(sizes)
            if index not in batch.reasons and not isinstance(size, StampError)
        ]
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
        return self._refuse(batch, results)

    @staticmethod
    def _refuse(batch: SourceBatch, results: list[Any]) -> list[Any]:
        """Let rows that cannot be read fail with their reason."""
        return [StampError(batch.reasons[i]) if i in batch.reasons else r for i, r in enumerate(results)]


@dataclass(frozen=True)
class _CutBatch:
    """Pictures that are drawn from stamps when they are asked for."""

    maker: PictureMaker
    batch: SourceBatch
    cut: Sequence[tuple[Triplet, ...] | StampError]

    def __iter__(self) -> Iterator[Drawing | Failure]:
        ids = self.batch.rows.column("diaSourceId").to_pylist()
        rows = self.batch.rows.to_pylist()
        for identifier, row, result in zip(ids, rows, self.cut, strict=True):
            try:
                if isinstance(result, StampError):
                    raise result
                drawing = self.maker.draw(identifier, result, row)
            except CutoutsError as error:
                yield Failure(identifier, self.batch.data_id, str(error))
            except Exception as error:
                # A source that nobody thought of must not stop the others.
                _log.exception("Drawing DiaSource %d failed", identifier)
                yield Failure(identifier, self.batch.data_id, f"drawing it failed: {error!r}")
            else:
                yield drawing

    def stamps(self, rows: Sequence[int]) -> pa.Table:
        cut = [triplets for row in rows if not isinstance(triplets := self.cut[row], StampError)]
        return stamp_table(self.maker.style.sizes, self.batch.rows.take(list(rows)), cut)


def _degrees(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column of angles, NaN where null."""
    return np.asarray(rows.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)
