"""Datasets of one detector in a repository."""

__all__ = ("find_dataset",)

from typing import Any

from lsst.analysis.ap.domain import DetectorVisit

from ._errors import StampError


def find_dataset(butler: Any, dataset_type: str, data_id: DetectorVisit) -> Any:
    """Find a dataset in the default collections.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_type : `str`
        Name of the dataset type.
    data_id : `DetectorVisit`
        Which of them.

    Returns
    -------
    ref : `lsst.daf.butler.DatasetRef`
        The dataset.

    Raises
    ------
    StampError
        Raised if there is none, naming what was looked for and where.
    """
    collections = ", ".join(butler.collections.defaults)
    where = f"no {dataset_type} for {data_id} in {collections}"
    try:
        ref = butler.find_dataset(
            dataset_type, instrument=data_id.instrument, visit=data_id.visit, detector=data_id.detector
        )
    except Exception as error:
        # The butler has many words for a data ID that it does not know.
        raise StampError(f"{where}: {error}") from error
    if ref is None:
        raise StampError(where)
    return ref
