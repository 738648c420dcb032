"""The datasets of a repository, found as they are asked for."""

__all__ = ("ButlerAddress", "RepositoryDatasets")

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsst.daf.butler import DatasetRef, DeferredDatasetHandle, MissingDatasetTypeError

from ..domain import DetectorVisit
from ._coadds import CoaddFinder
from ._cut import Grid
from ._errors import MissingDatasetError, StampError
from ._image_types import ImageTypes

_log = logging.getLogger(__name__)

ROLES = ("science", "template", "difference", "footprints")
"""What datasets of a detector are for."""


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
        """Open the repository.

        Returns
        -------
        butler : `lsst.daf.butler.Butler`
            A butler with the default collections.
        """
        from lsst.daf.butler import Butler

        return Butler.from_config(self.repository, collections=self.collections)


@dataclass(frozen=True)
class RepositoryDatasets:
    """The datasets of any detector, from the collections of a repository.

    It pickles when the butler does, or when there is an address.
    """

    butler: Any
    """Repository, an `lsst.daf.butler.Butler` with the default collections to
    search."""

    image_types: ImageTypes
    """Dataset types of the three images."""

    footprints: str | None = None
    """Dataset type of the catalogues with footprints, of storage class
    SourceCatalog; `None` when nobody needs them."""

    skymap: str | None = None
    """Sky map whose coadds templates are warped from; `None` takes the one that
    covers most of a detector."""

    address: ButlerAddress | None = None
    """Where another process finds the repository; `None` lets it have the
    butler itself."""

    _visits: dict[tuple[str, int], dict[tuple[str, int | None], DatasetRef]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What there is of the last visits, by dataset type and detector, which is
    `None` for images of all detectors."""

    _coadds: dict[str, CoaddFinder] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What finds coadds, by dataset type."""

    _warned: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    """Roles whose second choice was warned of."""

    def __reduce__(self) -> tuple[Any, ...]:
        butler = self.butler if self.address is None else None
        return _restore, (butler, self.image_types, self.footprints, self.skymap, self.address)

    def find(self, role: str, data_id: DetectorVisit) -> DeferredDatasetHandle:
        """Find a dataset in the default collections.

        Parameters
        ----------
        role : `str`
            ``template``, ``science``, ``difference`` or ``footprints``.
        data_id : `DetectorVisit`
            Whose.

        Returns
        -------
        handle : `lsst.daf.butler.DeferredDatasetHandle`
            What reads it.

        Raises
        ------
        StampError
            Raised if there is none, naming what was looked for and where.
        """
        names = self._names(role)
        where = (
            f"no {' or '.join(names) or role} for {data_id} in {', '.join(self.butler.collections.defaults)}"
        )
        if not names:
            raise MissingDatasetError(where)
        try:
            if (data_id.instrument, data_id.visit) not in self._visits:
                self._visits.clear()
                self.prefetch([data_id])
        except Exception as error:
            # The butler has many words for a data ID that it does not know.
            raise StampError(f"{where}: {error}") from error
        known = self._visits[data_id.instrument, data_id.visit]
        for name in names:
            if (ref := known.get((name, data_id.detector)) or known.get((name, None))) is not None:
                if name != names[0] and role not in self._warned:
                    self._warned.add(role)
                    _log.warning(
                        "Not every detector has a %s: where there is none (first %s), the %s image is %s",
                        names[0],
                        data_id,
                        role,
                        name,
                    )
                return DeferredDatasetHandle(self.butler, ref, None)
        if role == "difference":
            where += "; releases may store none: requireDifference=False makes pictures without"
        raise MissingDatasetError(where)

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

    def prefetch(self, data_ids: Iterable[DetectorVisit]) -> None:
        """Find all datasets of some visits in one query.

        `find` asks for a visit at a time where nobody has called this. What
        was found stays until another visit is asked for.

        Parameters
        ----------
        data_ids : `~collections.abc.Iterable` [`DetectorVisit`]
            Detectors whose datasets will be wanted; those of other detectors
            of the same visits come with them.
        """
        wanted: dict[str, set[int]] = {}
        for data_id in data_ids:
            if (data_id.instrument, data_id.visit) not in self._visits:
                wanted.setdefault(data_id.instrument, set()).add(data_id.visit)
        names = {name for role in ROLES for name in self._names(role)}
        for instrument, visits in wanted.items():
            refs = self._query(names, instrument, visits)
            self._visits.update({(instrument, visit): {} for visit in visits})
            for ref in refs:
                # An image of all detectors has none in its data ID.
                detector: Any = ref.dataId.get("detector")
                if set(ref.dimensions.required) <= {"instrument", "visit", "detector"}:
                    visit = int(ref.dataId["visit"])
                    self._visits[instrument, visit][ref.datasetType.name, detector] = ref

    def _query(self, names: set[str], instrument: str, visits: set[int]) -> list[DatasetRef]:
        query = functools.partial(
            self.butler.query_all_datasets,
            # A butler server takes no lists to bind.
            where=f"instrument = chosen_instrument AND visit IN ({_listed(visits)})",
            bind={"chosen_instrument": instrument},
            limit=None,
        )
        try:
            return list(query(name=sorted(names)))
        except MissingDatasetTypeError:
            # One of those that somebody named.
            registered = {found.name for found in self.butler.registry.queryDatasetTypes(sorted(names))}
            return list(query(name=sorted(registered))) if registered else []

    def _names(self, role: str) -> list[str]:
        """Return the dataset types for a role, the best first."""
        types = self.image_types
        names: dict[str, list[str | None]] = {
            "science": [types.science, types.second_science],
            "template": [None if types.template_is_coadd else types.template],
            "difference": [types.difference],
            "footprints": [self.footprints],
        }
        return [name for name in names[role] if name is not None]


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(number)) for number in sorted(numbers))


def _restore(
    butler: Any,
    image_types: ImageTypes,
    footprints: str | None,
    skymap: str | None,
    address: ButlerAddress | None,
) -> RepositoryDatasets:
    if butler is None and address is not None:
        butler = address.open()
    return RepositoryDatasets(butler, image_types, footprints, skymap, address)
