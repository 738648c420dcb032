"""DiaSources of alert packets, with the stamps that they bring."""

__all__ = ("open_alerts",)

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ..messages import no_such
from ._alert_packets import Packet, read_packets
from ._arrays import arrow_array
from ._catalog import TableCatalog
from ._ccd_visit import RubinPacker
from ._columns import Meanings, Standardizer
from ._reasons import REASON
from ._selection import Selection
from ._surveys import survey_row

_LOG = logging.getLogger(__name__)
_STAMPS: Final = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
_ALERTS_PER_TABLE: Final = 100
_STAMP_BYTES_PER_TABLE: Final = 2**26
_INSTRUMENT: Final = "LSSTCam"


def open_alerts(paths: Sequence[str | Path], instrument: str | None = None) -> TableCatalog:
    """Open alert packets as a catalogue.

    Parameters
    ----------
    paths : sequence of `str` or `pathlib.Path`
        Files of alerts of Rubin, ZTF or another survey: Avro containers, or single packets as they come from
        a stream in Confluent's wire format; compressed with gzip or not, in tar archives or not.
    instrument : `str`, optional
        Instrument of Rubin's alerts, which do not say it; LSSTCam when not given.

    Returns
    -------
    catalog : `TableCatalog`
        The source that each alert is about. Columns ``cutoutTemplate``,
        ``cutoutScience`` and ``cutoutDifference`` hold the FITS files of its
        stamps. Visit and detector are null where the survey has neither.

    Raises
    ------
    CutoutsError
        Raised when there is no such file.
    """
    for path in paths:
        if not Path(path).exists() or Path(path).is_dir():
            raise CutoutsError(no_such("alert file", path))

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterator[pa.Table]:
        standardizer = Standardizer(Meanings(packer=RubinPacker), required=("diaSourceId",))
        stamps = [name for name in _STAMPS if columns is None or name in columns]
        for rows in _in_batches(_rows(paths, instrument or _INSTRUMENT, stamps)):
            names = dict.fromkeys(name for row in rows for name in row)
            table = pa.table({name: _array([row.get(name) for row in rows]) for name in names})
            yield standardizer(table)

    return TableCatalog(tables, grouped=True)


def _in_batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows a hundred at a time, or as many as have so many bytes of stamps."""
    batch: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(row.get(name) or b"") for name in _STAMPS)
        if len(batch) == _ALERTS_PER_TABLE or size > _STAMP_BYTES_PER_TABLE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _rows(paths: Iterable[str | Path], instrument: str, stamps: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each alert, and one for each that cannot be read."""
    for packet in _packets(paths):
        problem = packet.problem
        row: dict[str, Any] = {}
        if problem is None and packet.schema is not None:
            try:
                row = survey_row(packet.schema, packet.alert, instrument)
            except CutoutsError as error:
                problem = str(error)
        if problem is not None:
            row[REASON] = f"{packet.place}: {problem}"
        yield {"diaSourceId": None, **row} | {name: _stamp(packet.alert.get(name)) for name in stamps}


def _packets(paths: Iterable[str | Path]) -> Iterator[Packet]:
    """Yield the alerts of all files that can be read."""
    errors = []
    total = 0
    for path in paths:
        total += 1
        try:
            yield from read_packets(path)
        except CutoutsError as error:
            errors.append(error)
    cause = errors.pop() if errors and len(errors) == total else None
    for unreadable in errors:
        _LOG.warning("%s", unreadable)
    if cause is not None:
        raise cause


def _array(values: Sequence[Any]) -> pa.ChunkedArray:
    """Return a column; numbers of single precision, which Avro widened, as such."""
    array = arrow_array(values)
    if pa.types.is_float64(array.type):
        narrow = array.cast(pa.float32(), safe=False)
        if narrow.cast(pa.float64()).equals(array):
            return narrow
    return array


def _stamp(value: Any) -> bytes | None:
    """Return the FITS file of a stamp, which some schemas wrap."""
    if isinstance(value, Mapping):
        value = value.get("stampData")
    return bytes(value) if isinstance(value, bytes | bytearray) and value else None
