"""Where the datasets of one detector are found, to be read later."""

__all__ = ("Datasets", "HandleDatasets", "RepositoryDatasets")

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lsst.daf.butler import DatasetRef, DeferredDatasetHandle

from ..domain import DetectorVisit
from ._errors import StampError
from ._image_types import ImageTypes


class Datasets(Protocol):
    """Finds the datasets of a detector by what they are for."""

    def find(self, role: str, data_id: DetectorVisit) -> DeferredDatasetHandle:
        """Find a dataset.

        Parameters
        ----------
        role : `str`
            ``template``, ``science``, ``difference`` or ``footprints``, the
            catalogue that has those of the sources.
        data_id : `DetectorVisit`
            Whose.

        Returns
        -------
        handle : `lsst.daf.butler.DeferredDatasetHandle`
            What reads it.

        Raises
        ------
        StampError
            Raised if there is none, with the reason.
        """
        ...


@dataclass(frozen=True)
class RepositoryDatasets:
    """The datasets of any detector, from the collections of a repository.

    It pickles when the butler does.
    """

    butler: Any
    """Repository, an `lsst.daf.butler.Butler` with the default collections to
    search."""

    image_types: ImageTypes
    """Dataset types of the three images."""

    footprints: str | None = None
    """Dataset type of the catalogues with footprints, of storage class
    SourceCatalog; `None` when nobody needs them."""

    _visit: dict[tuple[str, int], dict[str, dict[int, DatasetRef]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What was found of the last visit: datasets of its detectors by type."""

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
        dataset_type: Any = self.footprints if role == "footprints" else getattr(self.image_types, role)
        where = f"no {dataset_type} for {data_id} in {', '.join(self.butler.collections.defaults)}"
        try:
            ref = self._find(dataset_type, data_id)
        except Exception as error:
            # The butler has many words for a data ID that it does not know.
            raise StampError(f"{where}: {error}") from error
        if ref is None:
            raise StampError(where)
        return DeferredDatasetHandle(self.butler, ref, None)

    def _find(self, dataset_type: str, data_id: DetectorVisit) -> DatasetRef | None:
        """Find a dataset, and those of the other detectors with the second one.

        The query for all of a visit takes as long as a search for each of a
        few detectors.
        """
        visit = {"instrument": data_id.instrument, "visit": data_id.visit}
        known = self._visit.get((data_id.instrument, data_id.visit))
        if known is None:
            self._visit.clear()
            known = self._visit[data_id.instrument, data_id.visit] = {}
        refs = known.setdefault(dataset_type, {})
        if len(refs) == 1 and data_id.detector not in refs:
            for ref in self.butler.query_datasets(dataset_type, **visit, explain=False):
                if ref.dimensions.required == {*visit, "detector"}:
                    refs[ref.dataId["detector"]] = ref
        if data_id.detector not in refs:
            ref = self.butler.find_dataset(dataset_type, **visit, detector=data_id.detector)
            if ref is None:
                return None
            refs[data_id.detector] = ref
        return refs[data_id.detector]


@dataclass(frozen=True)
class HandleDatasets:
    """The datasets of one detector, as a quantum brings them.

    The storage class of a handle counts where only the butler can read the
    dataset; its parameters never do.
    """

    template: DeferredDatasetHandle | None = None
    """The template, warped to the science image; `None` when there is none."""

    science: DeferredDatasetHandle | None = None
    """The visit's own image."""

    difference: DeferredDatasetHandle | None = None
    """Science minus template."""

    footprints: DeferredDatasetHandle | None = None
    """The catalogue with footprints, of storage class SourceCatalog."""

    dataset_types: Mapping[str, str] = field(default_factory=dict)
    """Dataset type by role, to name what is missing."""

    def find(self, role: str, data_id: DetectorVisit) -> DeferredDatasetHandle:
        """Find a dataset among the handles.

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
            Raised if there is none, or it is that of another detector.
        """
        handle: DeferredDatasetHandle | None = getattr(self, role)
        if handle is None:
            what = self.dataset_types.get(role, "dataset")
            raise StampError(f"no {what} for {data_id} among the inputs of the quantum")
        wanted = {"instrument": data_id.instrument, "visit": data_id.visit, "detector": data_id.detector}
        if any(key in handle.dataId and handle.dataId[key] != value for key, value in wanted.items()):
            raise StampError(f"the quantum has {handle.ref}, not that of {data_id}")
        return handle
