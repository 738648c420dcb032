"""DiaSources of alert packets, with the stamps that they bring."""

__all__ = ("open_alerts",)

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ._alert_packets import read_packets
from ._ccd_visit import RubinPacker
from ._columns import standardize
from ._selection import Selection
from ._table_catalog import TableCatalog
from ._ztf import ztf_row

_LOG = logging.getLogger(__name__)
_STAMPS: Final = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
_ALERTS_PER_TABLE: Final = 100
_INSTRUMENT: Final = "LSSTCam"


def open_alerts(paths: Sequence[str | Path], instrument: str | None = None) -> TableCatalog:
    """Open alert packets as a catalogue.

    Parameters
    ----------
    paths : sequence of `str` or `pathlib.Path`
        Files of Rubin or ZTF alerts: Avro containers, or single packets as
        they come from a stream in Confluent's wire format.
    instrument : `str`, optional
        Instrument of Rubin's alerts, which do not say it; LSSTCam when not
        given.

    Returns
    -------
    catalog : `TableCatalog`
        The source that each alert is about. Columns ``cutoutTemplate``,
        ``cutoutScience`` and ``cutoutDifference`` hold the FITS files of its
        stamps.

    Raises
    ------
    CutoutsError
        Raised when there is no such file.
    """
    for path in paths:
        if not Path(path).is_file():
            raise CutoutsError(f"There is no alert file {path}. Check the path.")

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterator[pa.Table]:
        for alerts in batched(_alerts(paths), _ALERTS_PER_TABLE):
            yield _table(alerts, columns, instrument or _INSTRUMENT)

    return TableCatalog(tables, grouped=True)


def _alerts(paths: Iterable[str | Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the alerts of all files that can be read."""
    unreadable = total = 0
    cause: CutoutsError | None = None
    for path in paths:
        total += 1
        try:
            yield from read_packets(path)
        except CutoutsError as error:
            _LOG.warning("%s", error)
            unreadable, cause = unreadable + 1, error
    if cause is not None and unreadable == total:
        raise cause


def _table(alerts: Iterable[Mapping[str, Any]], columns: Collection[str] | None, instrument: str) -> pa.Table:
    rows = []
    for alert in alerts:
        row = ztf_row(alert) if "candidate" in alert else _rubin_row(alert, instrument)
        for name in _STAMPS:
            if columns is None or name in columns:
                row[name] = _stamp(alert.get(name))
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.table({name: _array([row.get(name) for row in rows]) for name in names})
    return standardize(table, packer=RubinPacker())


def _array(values: Sequence[Any]) -> pa.Array:
    """Return a column; numbers of single precision, which Avro widened, as such."""
    array = pa.array(values)
    if pa.types.is_float64(array.type):
        narrow = array.cast(pa.float32(), safe=False)
        if narrow.cast(pa.float64()).equals(array):
            return narrow
    return array


def _rubin_row(alert: Mapping[str, Any], instrument: str) -> dict[str, Any]:
    source = alert.get("diaSource")
    if not isinstance(source, Mapping):
        raise CutoutsError("An alert is neither one of Rubin nor one of ZTF: it has no diaSource.")
    return {"instrument": instrument, **source}


def _stamp(value: Any) -> bytes | None:
    """Return the FITS file of a stamp, which some schemas wrap."""
    if isinstance(value, Mapping):
        value = value.get("stampData")
    return bytes(value) if value else None
