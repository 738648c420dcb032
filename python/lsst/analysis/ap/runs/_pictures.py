"""From a batch of sources to its pictures: what decides how they come out, and who draws and writes them."""

__all__ = ("NumberedBatch", "PictureBatch", "PictureFiles", "PictureMaker", "PictureWriter", "settings_of")

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from lsst.pex.config import Config

from ..domain import CutoutsError, SourceBatch, Triplet
from ..images import ALERT_STAMPS, StampError
from ..output import (
    Failure,
    OutputDirectory,
    Picture,
    PictureNames,
    metadata_of,
    panel_path,
    without_identity,
)
from ..output.config import OutputConfig
from ..render import PictureStyle, Renderer
from ..stamps import PartWriter, stamp_table
from ..stamps.config import StampsConfig
from ._stamp_sources import StampSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """The picture of one DiaSource."""

    diaSourceId: int
    """The DiaSource that it shows."""
    picture: bytes
    """A PNG file; empty where nobody wants any."""
    panels: Mapping[str, bytes] = field(default_factory=dict)
    """A PNG file of each panel by name, where these are wanted."""


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """The pictures of a batch, wherever they come from."""

    outcomes: list[PictureFiles | Failure]
    """The picture of each source, or why it has none, in order."""
    stamps: pa.Table | None
    """The stamps of those sources that have a picture, as `~lsst.analysis.ap.stamps.stamp_table` has them;
    `None` when nobody wants any, or there is no picture."""


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
    arrays: tuple[int, ...] = ()
    """Sides of the stamps that are wanted themselves; none when empty."""
    planes: tuple[str, ...] = ()
    """What is wanted beside their images."""
    spare: int = 0
    """How many of the last stamps of a source are for the arrays alone."""
    draws: bool = True
    """Whether the pictures are wanted."""

    def __call__(self, batch: SourceBatch, rows: Sequence[Mapping[str, Any]] | None = None) -> PictureBatch:
        """Make the pictures of a batch.

        ``rows``: its rows as Python objects, where somebody has them.
        """
        cut = self.source.read(batch)
        for index, reason in batch.reasons.items():
            cut[index] = StampError(reason)
        # The rows of a catalogue as Python objects cost as much as the stamps do.
        if rows is None:
            rows = (batch.rows if self.draws else batch.rows.select(["diaSourceId"])).to_pylist()
        outcomes = [self._draw(batch, row, result) for row, result in zip(rows, cut, strict=True)]
        made = [index for index, outcome in enumerate(outcomes) if isinstance(outcome, PictureFiles)]
        stamps = None
        if self.arrays and made:
            triplets = [found for index in made if not isinstance(found := cut[index], StampError)]
            # Alerts bring their stamps as columns, which would be twice in the table.
            names = [name for name in batch.rows.column_names if name not in ALERT_STAMPS.values()]
            stamps = stamp_table(self.arrays, batch.rows.select(names).take(made), triplets, self.planes)
        return PictureBatch(outcomes, stamps)

    def _draw(
        self, batch: SourceBatch, row: Mapping[str, Any], cut: tuple[Triplet, ...] | StampError
    ) -> PictureFiles | Failure:
        identifier = row["diaSourceId"]
        if isinstance(cut, StampError):
            _log.debug("DiaSource %s has no picture.", identifier, exc_info=cut)
            return Failure(identifier, batch.data_id, str(cut))
        if not self.draws:
            return PictureFiles(identifier, b"")
        cut = cut[: len(cut) - self.spare]
        style, sizes = self.style, tuple(triplet.science.array.shape[1] for triplet in cut)
        if sizes != style.sizes:  # those of alerts and footprints have sizes of their own
            style = replace(style, sizes=sizes)
        renderer = Renderer(style)
        try:
            panels = renderer.render_panels(cut, row) if self.separate_panels else {}
            return PictureFiles(identifier, renderer.render(cut, row), panels)
        except CutoutsError as error:
            _log.debug("DiaSource %s has no picture.", identifier, exc_info=True)
            return Failure(identifier, batch.data_id, str(error))
        except Exception as error:  # a source that nobody thought of must not stop the others
            _log.warning("Drawing DiaSource %d failed.", identifier, exc_info=True)
            return Failure(identifier, batch.data_id, f"drawing it failed: {error!r}")


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


def settings_of(config: Config) -> dict[str, str]:
    """Return what decides how a picture comes out, and where it goes.

    ``config``: any configuration of this package. Returns: the values as text by name, without those that
    only decide what lists and arrays accompany the pictures.
    """
    lists = {*OutputConfig._fields, *StampsConfig._fields} - {"chunkSize", "chunkFiles"}
    return {name: repr(value) for name, value in config.toDict().items() if name not in lists}
