"""Where the datasets of one detector are found, to be read later."""

__all__ = ("Datasets", "HandleDatasets", "locate")

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lsst.daf.butler import DeferredDatasetHandle
from lsst.resources import ResourcePath

from ..domain import DetectorVisit
from ._cut import Grid
from ._errors import MissingDatasetError, StampError


class Datasets(Protocol):
    """Finds the datasets of a detector by what they are for."""

    def find(self, role: str, data_id: DetectorVisit) -> DeferredDatasetHandle:
        """Find a dataset.

        ``role``: ``template``, ``science``, ``difference`` or ``footprints``, the catalogue that has those of
        the sources. Raises `StampError` if there is none, with the reason; a `MissingDatasetError` where the
        repository was asked and has none.
        """
        ...

    def find_coadds(self, data_id: DetectorVisit, grid: Grid) -> Sequence[DeferredDatasetHandle]:
        """Find the coadds that a template of a detector can be warped from.

        ``grid``: the pixels of its science image. Returns: what reads them, one patch each, of the visit's
        band; none where templates are not to be warped. Raises `MissingDatasetError` if the repository has
        coadds, but none under the detector.
        """
        ...

    def locate(self, handle: DeferredDatasetHandle) -> ResourcePath | None:
        """Return where the file of a dataset is that `find` has found.

        Returns: `None` when there are several. Raises `StampError` if the repository knows of none.
        """
        ...


def locate(handle: DeferredDatasetHandle) -> ResourcePath | None:
    """Ask the repository where the file of a dataset is.

    Returns: `None` when there are several. Raises `StampError` if it knows of none.
    """
    try:
        return handle.butler.getURIs(handle.ref).primaryURI
    except FileNotFoundError as error:
        reason = f"{handle.ref} is registered but the repository has no file for it: {error}"
        raise StampError(reason) from error


@dataclass(frozen=True)
class HandleDatasets:
    """The datasets of one detector, as a quantum brings them.

    The storage class of a handle counts where only the butler can read the dataset; its parameters never do.
    """

    template: DeferredDatasetHandle | None = None
    """The template, warped to the science image; `None` when there is none."""
    science: DeferredDatasetHandle | None = None
    """The visit's own image."""
    difference: DeferredDatasetHandle | None = None
    """Science minus template."""
    footprints: DeferredDatasetHandle | None = None
    """The catalogue with footprints, of storage class SourceCatalog."""
    coadds: Sequence[DeferredDatasetHandle] = ()
    """The patches that a missing template is warped from."""
    dataset_types: Mapping[str, str] = field(default_factory=dict)
    """Dataset type by role, to name what is missing."""

    def find(self, role: str, data_id: DetectorVisit) -> DeferredDatasetHandle:
        # Docstring inherited. A dataset of another detector is none.
        handle: DeferredDatasetHandle | None = getattr(self, role)
        if handle is None:
            what = self.dataset_types.get(role, "dataset")
            raise MissingDatasetError(f"no {what} for {data_id} among the inputs of the quantum")
        wanted = {"instrument": data_id.instrument, "visit": data_id.visit, "detector": data_id.detector}
        if any(key in handle.dataId and handle.dataId[key] != value for key, value in wanted.items()):
            raise StampError(f"the quantum has {handle.ref}, not that of {data_id}")
        return handle

    def find_coadds(self, data_id: DetectorVisit, grid: Grid) -> Sequence[DeferredDatasetHandle]:
        # Docstring inherited.
        return self.coadds

    def locate(self, handle: DeferredDatasetHandle) -> ResourcePath | None:
        # Docstring inherited.
        return locate(handle)
