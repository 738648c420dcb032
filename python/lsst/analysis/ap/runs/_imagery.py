"""What the task needs of a repository: which images, which stamps, which detector."""

__all__ = ("Imagery",)

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..domain import PANELS, CutoutsError, SourceBatch, Triplet
from ..images import (
    AlertStampReader,
    FootprintReader,
    ImageTypes,
    RepositoryDatasets,
    StampError,
    TripletReader,
    find_footprint_type,
    find_image_types,
    read_triplets,
)
from ..sources import Sources, arrow_tables, group_by_detector, one_row
from ._sizes import FixedSizes, FootprintSizes
from .config import settings_of

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

    from ..zooniverseCutouts import ZooniverseCutoutsConfig

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Imagery:
    """A configuration at work on a repository."""

    config: "ZooniverseCutoutsConfig"
    """What is wanted."""

    butler: "Butler | None"
    """The repository, with default collections; `None` for none."""

    @cached_property
    def types(self) -> ImageTypes | None:
        """Dataset types of the three images; `None` without a repository."""
        if self.butler is None:
            return None
        types = find_image_types(
            self.butler,
            science=self.config.scienceImageType,
            template=self.config.templateImageType,
            difference=self.config.differenceImageType,
        )
        _log.info("Images: %s, %s, %s", types.template, types.science, types.difference)
        return types

    @cached_property
    def instrument(self) -> str | None:
        """Instrument of the rows that do not say theirs."""
        if self.config.instrument is not None or self.butler is None:
            return self.config.instrument
        known = [record.name for record in self.butler.query_dimension_records("instrument", explain=False)]
        return known[0] if len(known) == 1 else None

    def reader(self) -> TripletReader | AlertStampReader:
        """Return what reads stamps: without a repository, those that alerts bring."""
        if self.types is None:
            return AlertStampReader()
        return TripletReader(RepositoryDatasets(self.butler, self.types), planes=self.config.maskPlanes)

    def sizes(self) -> FixedSizes | FootprintSizes:
        """Return how large the stamps are."""
        if not self.config.useFootprint:
            return FixedSizes(tuple(self.config.sizes))
        reader = None
        if self.types is not None and (name := find_footprint_type(self.butler, self.types)) is not None:
            reader = FootprintReader(RepositoryDatasets(self.butler, self.types, footprints=name))
        return FootprintSizes(reader, self.config.footprintMinSize)

    def settings(self) -> dict[str, str]:
        """Return what decides how a picture comes out, as text by name."""
        settings = settings_of(self.config)
        if self.types is not None and self.butler is not None:
            types = dataclasses.asdict(self.types)
            settings |= {f"{role}ImageType": repr(name) for role, name in types.items() if name is not None}
            settings["collections"] = repr(tuple(self.butler.collections.defaults))
        return settings

    def batches(self, sources: Sources) -> Iterator[SourceBatch]:
        """Yield sources detector by detector.

        Parameters
        ----------
        sources : `pandas.DataFrame`, `astropy.table.Table`, \
                `pyarrow.Table`, or iterable of such tables
            DiaSources.

        Yields
        ------
        batch : `SourceBatch`
            Sources of one detector.

        Raises
        ------
        CutoutsError
            Raised when nothing says which instrument the sources are of.
        """
        for batch in group_by_detector(arrow_tables(sources), self.instrument):
            if self.instrument is None and batch.rows.column("instrument").null_count:
                raise CutoutsError(
                    "The catalogue does not say the instrument and the repository does not have just one: "
                    "set config.instrument (--instrument)."
                )
            yield batch

    def cut_one(
        self, source: Any, images: Mapping[str, Any] | None = None
    ) -> tuple[tuple[Triplet, ...], dict[str, Any]]:
        """Return the stamps and the row of one source.

        Parameters
        ----------
        source : `~collections.abc.Mapping`, `pandas.Series`, \
                `astropy.table.Row` or table
            One DiaSource.
        images : `~collections.abc.Mapping` [`str`, image], optional
            The template, science and difference image, where they are at
            hand.

        Returns
        -------
        triplets : `tuple` [`Triplet`, ...]
            One for each size.
        row : `dict` [`str`, `object`]
            The source's values by column name.

        Raises
        ------
        CutoutsError
            Raised when there are no stamps, with the reason.
        """
        (batch,) = group_by_detector([one_row(source)], self.instrument)
        (sizes,) = self.sizes().of(batch)
        if isinstance(sizes, StampError):
            raise sizes
        ra, dec = (batch.rows.column(name).cast("float64").to_numpy() for name in ("ra", "dec"))
        if images is not None:
            if set(images) != set(PANELS):
                raise CutoutsError(f"Give the images {', '.join(PANELS)}; given are {', '.join(images)}.")
            stamps = read_triplets(**images, ra=ra, dec=dec, sizes=sizes, planes=self.config.maskPlanes)
        elif self.types is None:
            raise CutoutsError(
                "The task has no butler: give ZooniverseCutoutsTask(butler=...) one, or images."
            )
        elif batch.data_id is None:
            raise CutoutsError("The source gives no instrument, visit or detector: complete its row.")
        else:
            reader = TripletReader(RepositoryDatasets(self.butler, self.types), planes=self.config.maskPlanes)
            stamps = reader.read(batch.data_id, ra, dec, sizes)
        (result,) = stamps
        if isinstance(result, StampError):
            raise result
        return result, batch.rows.to_pylist()[0]
