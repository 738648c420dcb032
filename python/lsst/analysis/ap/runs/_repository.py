"""What a configuration makes of a repository: which images, which instrument, which stamps."""

__all__ = ("Repository",)

import dataclasses
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsst.daf.butler.direct_butler import DirectButler

from ..domain import CutoutsError, SourceBatch
from ..images import (
    AlertStampReader,
    ButlerAddress,
    Exposed,
    FootprintReader,
    ImageTypes,
    RememberedImages,
    RepositoryDatasets,
    TripletReader,
    find_exposures,
    find_footprint_type,
    find_image_types,
)
from ..render import PictureStyle
from ..sources import (
    REQUIRED_COLUMNS,
    CcdVisitPacker,
    FlagMap,
    Meanings,
    Sources,
    StandardTables,
    arrow_tables,
    find_neighbour_tables,
    group_by_detector,
    packer_of,
)
from ._neighbours import Neighbours
from ._pictures import settings_of
from ._stamp_sources import DetectorStamps, FootprintSizes, GivenImages, Sizes, StampSource
from .config import RepositoryConfig

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Repository:
    """A configuration at work on a repository, or without one.

    What is found out about the repository is remembered.
    """

    config: RepositoryConfig
    """What is wanted."""
    butler: "Butler | None"
    """The repository, with default collections; `None` for none."""
    repo: str | None = None
    """Where it is, for processes that the butler cannot be sent to."""
    images: RememberedImages | None = None
    """What `remembered_stamps` remember, of other configurations too."""

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
            require_difference=self.config.requireDifference,
        )
        _log.info("Images: %s, %s, %s", types.template, types.science, types.difference or "no difference")
        return types

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """Instruments that the repository knows."""
        if self.butler is None:
            return ()
        records = self.butler.query_dimension_records("instrument", explain=False)
        return tuple(sorted(record.name for record in records))

    @property
    def instrument(self) -> str | None:
        """Instrument of the sources that do not say theirs: the given one, or the only one."""
        if self.config.instrument is not None:
            return self.config.instrument
        return self.instruments[0] if len(self.instruments) == 1 else None

    @cached_property
    def meanings(self) -> Meanings:
        """What columns mean that do not say it themselves, as far as anybody knows."""
        return Meanings(
            flag_map=None if self.config.flagMap is None else FlagMap.from_file(self.config.flagMap),
            packer=lambda: self._packer,
            find=None if self.butler is None else self._find_exposures,
        )

    @cached_property
    def style(self) -> PictureStyle:
        """What the pictures look like."""
        return self.config.makeStyle()

    @cached_property
    def stamps(self) -> StampSource:
        """Where stamps come from: the repository, or alerts, which bring their own."""
        return self._stamps()

    @cached_property
    def unmarked_stamps(self) -> StampSource:
        """The same, where no picture is drawn that could show what is near the sources."""
        return self._stamps(marked=False)

    @cached_property
    def remembered_stamps(self) -> StampSource:
        """The same, for sources of few detectors that are wanted again and again."""
        return self._stamps(self.images)

    def _stamps(self, images: RememberedImages | None = None, *, marked: bool = True) -> StampSource:
        neighbours = self.neighbours if marked else None  # which warns where there is no repository
        if self.types is None:
            return AlertStampReader(
                require_difference=self.config.requireDifference, extras=self.config.stampsPlanes
            )
        reader = TripletReader(
            self._datasets(),
            planes=self.style.planes,
            require_difference=self.config.requireDifference,
            extras=self.config.stampsPlanes,
            images=images,
        )
        return DetectorStamps(reader, self.sizes, neighbours)

    def _datasets(self, footprints: str | None = None) -> RepositoryDatasets:
        assert self.butler is not None
        assert self.types is not None
        skymap = self.config.templateSkymap
        return RepositoryDatasets(self.butler, self.types, footprints, skymap, self._address)

    @property
    def _address(self) -> ButlerAddress | None:
        """Where processes find the repository that the butler cannot be sent to."""
        if self.butler is None or self.repo is None or isinstance(self.butler, DirectButler):
            return None
        return ButlerAddress(self.repo, tuple(self.butler.collections.defaults))

    @cached_property
    def _packer(self) -> CcdVisitPacker | None:
        return None if self.butler is None else packer_of(self.butler, self.instrument)

    def _find_exposures(
        self, ra: NDArray[np.float64], dec: NDArray[np.float64]
    ) -> Sequence[Sequence[Exposed]]:
        assert self.types is not None
        return find_exposures(self.butler, self.types.science, ra, dec, instrument=self.config.instrument)

    def stamps_of(self, images: Mapping[str, Any] | None) -> StampSource:
        """Return where stamps come from when somebody has the images at hand.

        ``images``: the template, science and difference image; `None` for those of the repository. Raises
        `CutoutsError` when these are not the three images.
        """
        if images is None:
            return self.remembered_stamps
        return GivenImages(images, self.sizes, self.style.planes, self.neighbours)

    @cached_property
    def sizes(self) -> Sizes:
        """How large the stamps are."""
        if not self.config.useFootprint:
            return tuple(self.config.sizes)
        reader = None
        if self.types is not None and (name := find_footprint_type(self.butler, self.types)) is not None:
            reader = FootprintReader(self._datasets(footprints=name))
        return FootprintSizes(reader, self.config.footprintMinSize, self.spare_sizes)

    @property
    def spare_sizes(self) -> tuple[int, ...]:
        """Sizes that the arrays have and the pictures do not."""
        apart = self.types is not None and self.config.useFootprint and self.config.writeStamps != "none"
        return tuple(self.config.sizes) if apart else ()

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """What finds what is near the sources; `None` where nothing is to be marked."""
        if not self.config.showNeighbours:
            return None
        if self.butler is None:
            _log.warning("showNeighbours: without a repository nothing is known of what is near.")
            return None
        tables = find_neighbour_tables(self.butler, self.config.showNeighbours)
        return None if tables is None else Neighbours(tables, self.butler, self._address)

    def settings(self) -> dict[str, str]:
        """Return what decides how a picture comes out, as text by name."""
        settings = settings_of(self.config)
        if self.types is not None and self.butler is not None:
            types = dataclasses.asdict(self.types)
            settings |= {f"{role}ImageType": repr(name) for role, name in types.items() if name is not None}
            settings["collections"] = repr(tuple(self.butler.collections.defaults))
        return settings

    def batches(
        self, sources: Sources, required: Collection[str] = REQUIRED_COLUMNS
    ) -> Iterator[SourceBatch]:
        """Yield sources detector by detector.

        ``required``: columns that they must have. Raises `CutoutsError` when nothing says which instrument
        the sources are of.
        """
        if isinstance(sources, StandardTables):
            tables = sources.tables
        else:
            tables = arrow_tables(sources, self.meanings, required)
        must_say = self.butler is not None and "visit" in required and self.instrument is None
        for batch in group_by_detector(tables, self.instrument):
            if must_say and batch.rows.column("instrument").null_count:
                known = ", ".join(self.instruments) or "none"
                raise CutoutsError(
                    "The catalogue does not say the instrument, and the repository does not have just one "
                    f"(it has {known}): set instrument.",
                    choices=("instrument",),
                )
            yield batch
