"""The pictures of a batch of sources: read the stamps, draw them."""

__all__ = ("PictureBatch", "PictureFiles", "PictureMaker")

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from ..domain import CutoutsError, SourceBatch, Triplet
from ..images import StampError
from ..output import Failure
from ..render import PictureStyle, Renderer
from ..stamps import stamp_table
from ._stamp_sources import StampSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """The picture of one DiaSource."""

    diaSourceId: int
    """The DiaSource that it shows."""

    picture: bytes
    """A PNG file."""

    panels: Mapping[str, bytes] = field(default_factory=dict)
    """A PNG file of each panel by name, where these are wanted."""


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """The pictures of a batch, wherever they come from."""

    outcomes: list[PictureFiles | Failure]
    """The picture of each source, or why it has none, in order."""

    stamps: pa.Table | None
    """The stamps of those sources that have a picture, as
    `~lsst.analysis.ap.stamps.stamp_table` has them; `None` when nobody wants
    any, or there is no picture."""


@dataclass(frozen=True)
class PictureMaker:
    """Makes the pictures of batches of DiaSources.

    It pickles, so that each worker process has one with a butler of its own.
    """

    source: StampSource
    """Where stamps come from."""

    style: PictureStyle
    """What the pictures look like."""

    separate_panels: bool = False
    """Whether each panel is a picture of its own as well."""

    with_stamps: bool = False
    """Whether the stamps themselves are wanted too."""

    def __call__(self, batch: SourceBatch) -> PictureBatch:
        """Make the pictures of a batch.

        Parameters
        ----------
        batch : `SourceBatch`
            Sources of one detector.

        Returns
        -------
        pictures : `PictureBatch`
            Its pictures.
        """
        cut = self.source.read(batch)
        for index, reason in batch.reasons.items():
            cut[index] = StampError(reason)
        outcomes = [
            self._draw(batch, row, result) for row, result in zip(batch.rows.to_pylist(), cut, strict=True)
        ]
        made = [index for index, outcome in enumerate(outcomes) if isinstance(outcome, PictureFiles)]
        stamps = None
        if self.with_stamps and made:
            triplets = [found for index in made if not isinstance(found := cut[index], StampError)]
            stamps = stamp_table(self.style.sizes, batch.rows.take(made), triplets)
        return PictureBatch(outcomes, stamps)

    def _draw(
        self, batch: SourceBatch, row: Mapping[str, Any], cut: tuple[Triplet, ...] | StampError
    ) -> PictureFiles | Failure:
        identifier = row["diaSourceId"]
        if isinstance(cut, StampError):
            return Failure(identifier, batch.data_id, str(cut))
        # The stamps of alerts and footprints have sizes of their own.
        style = replace(self.style, sizes=tuple(triplet.science.box.width for triplet in cut))
        renderer = Renderer(style)
        try:
            panels = renderer.render_panels(cut, row) if self.separate_panels else {}
            return PictureFiles(identifier, renderer.render(cut, row), panels)
        except CutoutsError as error:
            return Failure(identifier, batch.data_id, str(error))
        except Exception as error:  # a source that nobody thought of must not stop the others
            _log.warning("Drawing DiaSource %d failed.", identifier, exc_info=True)
            return Failure(identifier, batch.data_id, f"drawing it failed: {error!r}")
