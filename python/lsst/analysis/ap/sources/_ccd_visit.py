"""The packed ``ccdVisitId`` of early catalogues."""

__all__ = (
    "CcdVisitPacker",
    "LinearPacker",
    "RubinPacker",
    "packer_of",
    "unknown_packer",
    "unpack_ccd_visits",
)

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..domain import CutoutsError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

RUBIN_INSTRUMENTS: Final = ("LSSTCam", "LSSTComCam", "LSSTComCamSim", "LATISS")
"""Instruments whose identifiers `RubinPacker` unpacks."""


class CcdVisitPacker(Protocol):
    """What an instrument's ``ccdVisitId`` means."""

    def unpack(self, packed: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the visits and the detectors.

        ``packed``: values of ``ccdVisitId``.
        """


@dataclass(frozen=True, slots=True)
class LinearPacker:
    """The visit times a number, plus the detector.

    This is what `lsst.pipe.base.ObservationDimensionPacker` does, the packer
    of an instrument that has none of its own.
    """

    n_detectors: int
    """One more than the greatest detector ID: ``detector_max`` of the instrument's dimension record."""

    def unpack(self, packed: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # Docstring inherited.
        visits, detectors = np.divmod(packed, self.n_detectors)
        return visits, detectors


@dataclass(frozen=True, slots=True)
class RubinPacker:
    """Night, sequence number and detector of the cameras on Cerro Pachon.

    The packing is documented as stable by ``lsst.obs.lsst.RubinDimensionPacker``: from the least significant
    part, 256 detectors, 32768 sequence numbers, 16384 nights from 2010-01-01 on, one controller ("O"), and
    whether the visit is a snap taken on its own.
    """

    def unpack(self, packed: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # Docstring inherited. A visit is the date as YYYYMMDD and five digits of the sequence number, after
        # a 9 for a snap.
        rest, detectors = np.divmod(packed, 256)
        rest, sequence = np.divmod(rest, 32768)
        alone, night = np.divmod(rest, 16384)
        dates = np.datetime64("2010-01-01", "D") + night
        months = dates.astype("datetime64[M]")
        years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
        day = (dates - months).astype(np.int64) + 1
        date = years * 10_000 + (months.astype(np.int64) % 12 + 1) * 100 + day
        return date * 100_000 + sequence + np.where(alone > 0, 9 * 10**13, 0), detectors


def unpack_ccd_visits(table: pa.Table, find_packer: Callable[[], CcdVisitPacker | None]) -> pa.Table:
    """Give a table with ``ccdVisitId`` the columns ``visit`` and ``detector``, if it lacks them.

    ``find_packer``: returns what ``ccdVisitId`` means. Returns: the same rows, with both columns where they
    were packed. Raises `CutoutsError` when they are packed and it is not known how.
    """
    names = set(table.column_names)
    if {"visit", "detector"} <= names:
        return table
    if (packer := find_packer()) is None:
        raise unknown_packer()
    packed = table.column("ccdVisitId").cast(pa.int64())
    absent = pc.is_null(packed).to_numpy()
    for name, values in zip(
        ("visit", "detector"), packer.unpack(np.asarray(pc.fill_null(packed, 0).to_numpy())), strict=True
    ):
        if name not in names:
            table = table.append_column(name, pa.array(values, mask=absent))
    return table


def packer_of(butler: "Butler", instrument: str | None) -> CcdVisitPacker | None:
    """Return what the ``ccdVisitId`` of an instrument means.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        Repository that knows the instrument.
    instrument : `str` or `None`
        Its name; the only one of the repository when `None`.

    Returns
    -------
    packer : `CcdVisitPacker` or `None`
        `None` when it is not known which instrument is meant.
    """
    known = {record.name: record for record in butler.query_dimension_records("instrument", explain=False)}
    if instrument is None and len(known) == 1:
        (instrument,) = known
    if instrument in RUBIN_INSTRUMENTS:
        return RubinPacker()
    return LinearPacker(known[instrument].detector_max) if instrument in known else None


def unknown_packer() -> CutoutsError:
    """Return what to raise when visit and detector cannot be unpacked."""
    return CutoutsError(
        "The catalogue has ccdVisitId in place of visit and detector, which only the instrument can "
        "unpack: give the butler repository and the instrument.",
        choices=("instrument",),
    )
