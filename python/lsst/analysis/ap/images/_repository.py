"""The datasets of a repository, found as they are asked for."""

__all__ = ("ButlerAddress", "RepositoryDatasets", "sendable")

import functools
import itertools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from lsst.daf.butler import DatasetRef, DeferredDatasetHandle, MissingDatasetTypeError
from lsst.daf.butler.direct_butler import DirectButler
from lsst.resources import ResourcePath

from ..domain import DetectorVisit
from ._coadds import CoaddFinder
from ._cut import Grid
from ._datasets import locate
from ._errors import MissingDatasetError, StampError
from ._image_types import ImageTypes

_log = logging.getLogger(__name__)

_REMEMBERED_DATASETS = 4000
"""Of so many datasets, and those of one visit, it stays known that they are there."""


@dataclass(frozen=True)
class ButlerAddress:
    """How another process opens a repository again.

    Butlers of a server cannot be pickled.
    """

    repository: str
    """URI or label of the repository, as the user gave it."""
    collections: tuple[str, ...]
    """Default collections."""

    def open(self) -> Any:
        """Return a butler of the repository, with the default collections."""
        from lsst.daf.butler import Butler

        return Butler.from_config(self.repository, collections=self.collections)


class _Reopened:
    """What is pickled in place of a butler, and unpickled as a new one."""

    def __init__(self, address: ButlerAddress) -> None:
        self._address = address

    def __reduce__(self) -> tuple[Any, ...]:
        return self._address.open, ()


def sendable(butler: Any, address: ButlerAddress | None) -> Any:
    """Return what to pickle so that another process gets a butler.

    ``address``: where it opens the repository; `None` lets it have the butler itself.
    """
    return butler if address is None else _Reopened(address)


@dataclass(frozen=True)
class RepositoryDatasets:
    """The datasets of any detector, from the collections of a repository.

    It pickles when the butler does, or when there is an address.
    """

    butler: Any
    """Repository, an `lsst.daf.butler.Butler` with the default collections to search."""
    image_types: ImageTypes
    """Dataset types of the three images."""
    footprints: str | None = None
    """Dataset type of the catalogues with footprints, of storage class
    SourceCatalog; `None` when nobody needs them."""
    skymap: str | None = None
    """Sky map whose coadds templates are warped from; `None` takes the one that covers most of a detector."""
    address: ButlerAddress | None = None
    """Where another process finds the repository; `None` lets it have the butler itself."""
    _visits: dict[tuple[str, int], dict[tuple[str, int | None], DatasetRef]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What there is of the last visits, by dataset type and detector, which is
    `None` for images of all detectors."""
    _detectors: dict[DetectorVisit, dict[tuple[str, int | None], DatasetRef]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The same for the detectors that `prefetch` was called for."""
    _files: dict[UUID, ResourcePath | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Where the files of the last detector are, by dataset."""
    _coadds: dict[str, CoaddFinder] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What finds coadds, by dataset type."""
    _warned: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    """Roles whose second choice was warned of."""

    def __reduce__(self) -> tuple[Any, ...]:
        butler = sendable(self.butler, self.address)
        return type(self), (butler, self.image_types, self.footprints, self.skymap, self.address)

    def find(self, role: str, data_id: DetectorVisit) -> DeferredDatasetHandle:
        # Docstring inherited.
        names = self._names[role]
        if not names:
            raise MissingDatasetError(self._looked_for(role, data_id))
        try:
            ref = self._first(names, data_id)
        except Exception as error:
            # The butler has many words for a data ID that it does not know.
            raise StampError(f"{self._looked_for(role, data_id)}: {error}") from error
        if ref is not None:
            if ref.datasetType.name != names[0] and role not in self._warned:
                self._warned.add(role)
                _log.warning(
                    "Not every detector has a %s: where there is none (first %s), the %s image is %s",
                    names[0],
                    data_id,
                    role,
                    ref.datasetType.name,
                )
            return DeferredDatasetHandle(self.butler, ref, None)
        if role != "template":  # for which there is another way, and no haste
            self._visits.pop((data_id.instrument, data_id.visit), None)
            self._detectors.pop(data_id, None)
        hint = "; releases may store none: requireDifference=False makes pictures without"
        raise MissingDatasetError(self._looked_for(role, data_id) + (hint if role == "difference" else ""))

    def find_coadds(self, data_id: DetectorVisit, grid: Grid) -> Sequence[DeferredDatasetHandle]:
        # Docstring inherited.
        name = self.image_types.coadd
        if name is None:
            return []
        finder = self._coadds.setdefault(name, CoaddFinder(self.butler, name, self.skymap))
        refs = finder.find(data_id, grid)
        if not refs:
            names = " or ".join(dict.fromkeys([self.image_types.template, name]))
            where = ", ".join(self.butler.collections.defaults)
            skymap = f" (sky map {self.skymap!r})" if self.skymap is not None else ""
            raise MissingDatasetError(f"no {names} in the band of {data_id} in {where}{skymap}")
        if not self.image_types.template_is_coadd and "template" not in self._warned:
            self._warned.add("template")
            _log.warning(
                "Not every detector has a %s: where there is none (first %s), it is warped from %s",
                self.image_types.template,
                data_id,
                name,
            )
        return [DeferredDatasetHandle(self.butler, ref, None) for ref in refs]

    def locate(self, handle: DeferredDatasetHandle) -> ResourcePath | None:
        # Docstring inherited.
        ref, data_id = handle.ref, handle.dataId
        if ref.id not in self._files and "detector" in data_id and isinstance(self.butler, DirectButler):
            # One query for all images of the detector. A server is asked for
            # one at a time: what it answers is valid for minutes.
            instrument, visit, detector = (data_id[name] for name in ("instrument", "visit", "detector"))
            of_detector = DetectorVisit(str(instrument), int(visit), int(detector))
            wanted = {found for names in self._names.values() if (found := self._first(names, of_detector))}
            files = self.butler.get_many_uris(wanted, allow_missing=True)
            self._files.clear()
            self._files.update({found.id: uris.primaryURI for found, uris in files.items()})
        return self._files.get(ref.id) or locate(handle)

    def prefetch(self, data_ids: Iterable[DetectorVisit]) -> None:
        """Find all datasets of some detectors of some visits in few queries.

        `find` asks for a visit with all its detectors where nobody has called this. What was found stays
        until this is called again.

        ``data_ids``: detectors whose datasets will be wanted.
        """
        wanted = [data_id for data_id in dict.fromkeys(data_ids) if data_id not in self._detectors]
        if not wanted:
            return
        found: dict[DetectorVisit, dict[tuple[str, int | None], DatasetRef]] = {
            data_id: {} for data_id in wanted
        }
        for instrument in {data_id.instrument for data_id in wanted}:
            of_one = [data_id for data_id in wanted if data_id.instrument == instrument]
            visits, detectors = (
                {data_id.visit for data_id in of_one},
                {data_id.detector for data_id in of_one},
            )
            for ref in self._query(instrument, visits, detectors):
                detector: Any = ref.dataId.get("detector")
                for one in detectors if detector is None else (detector,):
                    data_id = DetectorVisit(instrument, int(ref.dataId["visit"]), one)
                    if data_id in found:
                        found[data_id][ref.datasetType.name, detector] = ref
        self._detectors.clear()
        self._detectors.update(found)

    def _first(self, names: Sequence[str], data_id: DetectorVisit) -> DatasetRef | None:
        """Return the dataset of a detector that is of the first of these types that it has."""
        known = self._known(data_id)
        found = (known.get((name, detector)) for name in names for detector in (data_id.detector, None))
        return next(filter(None, found), None)

    def _known(self, data_id: DetectorVisit) -> dict[tuple[str, int | None], DatasetRef]:
        """Return the datasets of a detector by dataset type and detector, among others."""
        if (known := self._detectors.get(data_id)) is not None:
            return known
        key = data_id.instrument, data_id.visit
        if key not in self._visits:
            while sum(map(len, self._visits.values())) > _REMEMBERED_DATASETS:
                del self._visits[next(iter(self._visits))]
            found: dict[tuple[str, int | None], DatasetRef] = {}
            for ref in self._query(data_id.instrument, {data_id.visit}):
                detector: Any = ref.dataId.get("detector")
                found[ref.datasetType.name, detector] = ref
            self._visits[key] = found
        return self._visits[key]

    def _query(
        self, instrument: str, visits: set[int], detectors: set[int] | None = None
    ) -> list[DatasetRef]:
        names = set(itertools.chain.from_iterable(self._names.values()))
        # A butler server takes no lists to bind.
        where = f"instrument = chosen_instrument AND visit IN ({_listed(visits)})"
        if detectors is not None:
            where += f" AND detector IN ({_listed(detectors)})"
        query = functools.partial(
            self.butler.query_all_datasets, where=where, bind={"chosen_instrument": instrument}, limit=None
        )
        try:
            refs = list(query(name=sorted(names)))
        except MissingDatasetTypeError:
            # One of those that somebody named.
            registered = {found.name for found in self.butler.registry.queryDatasetTypes(sorted(names))}
            refs = list(query(name=sorted(registered))) if registered else []
        # An image of all detectors has none in its data ID.
        return [ref for ref in refs if set(ref.dimensions.required) <= {"instrument", "visit", "detector"}]

    @functools.cached_property
    def _names(self) -> dict[str, list[str]]:
        """The dataset types for each role, the best first."""
        types = self.image_types
        names: dict[str, list[str | None]] = {
            "science": [types.science, types.second_science],
            "template": [None if types.template_is_coadd else types.template],
            "difference": [types.difference],
            "footprints": [self.footprints],
        }
        return {role: [name for name in known if name is not None] for role, known in names.items()}

    def _looked_for(self, role: str, data_id: DetectorVisit) -> str:
        """Say which dataset is missing, and where it was looked for."""
        names = " or ".join(self._names[role]) or role
        return f"no {names} for {data_id} in {', '.join(self.butler.collections.defaults)}"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(number)) for number in sorted(numbers))
