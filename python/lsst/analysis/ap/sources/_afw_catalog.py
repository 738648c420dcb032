"""Source catalogues of afw, with and without afw."""

__all__ = ("afw_table", "calibrate_fluxes", "is_afw", "read_afw_catalog")

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ._kinds import REAL, read_values
from ._synonyms import SYNONYMS

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.daf.butler import DatasetRef, LimitedButler


def read_afw_catalog(butler: "LimitedButler", ref: "DatasetRef") -> "Table":
    """Return a SourceCatalog of a repository as an astropy table.

    Returns: its scalar columns and its flags, with units. Where there is no afw, the FITS file is read that
    afw wrote. Raises `CutoutsError` when the file is not one that afw wrote.
    """
    try:
        import lsst.afw.table  # noqa: F401
    except ImportError:
        with butler.getURI(ref).as_local() as local:
            return _read_fits(local.ospath, str(ref))
    return afw_table(butler.get(ref))


def is_afw(thing: Any) -> bool:
    """Return whether something is a catalogue of afw, or one of its records.

    Returns: told by the methods that they have, so that afw need not be there.
    """
    return hasattr(thing, "schema") and hasattr(thing.schema, "getAliasMap") and hasattr(thing, "extract")


def afw_table(source: Any) -> "Table":
    """Return a SourceCatalog or a SourceRecord of afw as an astropy table.

    Returns: its scalar columns and its flags, with units. Those that only a slot makes known
    (``slot_ApFlux_flag``) are there by that name too.
    """
    from astropy.table import Table

    if hasattr(source, "asAstropy"):
        if not source.isContiguous():
            source = source.copy(deep=True)
        table = source.asAstropy()
    else:
        values = {name: _plain(value) for name, value in source.extract("*").items()}
        table = Table({name: [value] for name, value in values.items() if np.ndim(value) == 0})
    return _with_slots(table, dict(source.schema.getAliasMap().items()))


def _plain(value: Any) -> Any:
    """Return an angle in degrees, and anything else as it is."""
    return value.asDegrees() if hasattr(value, "asDegrees") else value


def _with_slots(table: "Table", aliases: Mapping[str, str]) -> "Table":
    """Give a table the columns that it has under an alias only, if anybody wants them."""
    for wanted in SYNONYMS:
        name = wanted
        for _ in aliases:  # an alias may lead to another
            alias = next((a for a in aliases if name == a or name.startswith(f"{a}_")), None)
            if alias is None:
                break
            name = aliases[alias] + name.removeprefix(alias)
        if name != wanted and name in table.colnames and wanted not in table.colnames:
            table[wanted] = table[name]
    return table


_CALIBRATION: Final = "base_LocalPhotoCalib"
_APERTURE: Final = ("slot_ApFlux_instFlux", "slot_ApFlux_instFluxErr")


def calibrate_fluxes(table: pa.Table) -> pa.Table:
    """Turn the measurements of a raw catalogue into those of the APDB.

    ``table``: rows with afw's own names, or any others, which stay as they are. Returns: fluxes named
    ``..._instFlux`` and their errors are in nanojansky, times the ``base_LocalPhotoCalib`` of each row where
    it has one, and ``snr`` is the ratio of those in the aperture: so ap_association has it in its
    ``data/DiaSource.yaml``, by functors of ``lsst.pipe.tasks.functors``.
    """
    names = set(table.column_names)
    if set(_APERTURE) <= names and "snr" not in names:
        ratio = pc.divide(*(_numbers(table, name) for name in _APERTURE))
        table = table.append_column("snr", ratio)
    if _CALIBRATION in names:
        factor = _numbers(table, _CALIBRATION)
        for name in SYNONYMS:
            if name.endswith(("_instFlux", "_instFluxErr")) and name in names:
                flux = pc.multiply(_numbers(table, name), factor)
                table = table.set_column(table.schema.get_field_index(name), name, flux)
    return table


def _numbers(table: pa.Table, name: str) -> pa.ChunkedArray:
    return read_values(table.column(name), REAL).values.cast(pa.float64())


def _read_fits(path: str, name: str) -> "Table":
    from astropy.io import fits
    from astropy.table import Column, Table

    with fits.open(path) as hdus:
        hdu: Any = next((h for h in hdus if isinstance(h, fits.BinTableHDU)), None)
        if hdu is None or "AFW_TABLE_VERSION" not in hdu.header:
            raise CutoutsError(f"{name} is no catalogue of afw: {path} has no such table.")
        columns = {
            column.name: Column(np.array(hdu.data[column.name]), unit=column.unit)
            for column in hdu.columns
            if hdu.data[column.name].ndim == 1 and column.format[-1] not in "PQX" and "P" not in column.format
        }
        aliases = dict(card.split(":", 1) for card in hdu.header["ALIAS*"].values() if ":" in card)
        return _with_slots(Table(columns | _flags(hdu)), aliases)


def _flags(hdu: Any) -> dict[str, np.ndarray]:
    """Return the flags, which afw packs into bits that cards TFLAGn name."""
    if "flags" not in hdu.columns.names:
        return {}
    bits = np.asarray(hdu.data["flags"], dtype=bool).reshape(len(hdu.data), -1)
    cards = ((n, hdu.header.get(f"TFLAG{n}")) for n in range(1, bits.shape[1] + 1))
    return {name: bits[:, n - 1] for n, name in cards if name}
