"""Source catalogues of afw, with and without afw."""

__all__ = ("read_afw_catalog",)

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from ..domain import CutoutsError

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, LimitedButler


def read_afw_catalog(butler: "LimitedButler", ref: "DatasetRef") -> Table:
    """Return a SourceCatalog of a repository as an astropy table.

    Parameters
    ----------
    butler : `lsst.daf.butler.LimitedButler`
        The repository.
    ref : `lsst.daf.butler.DatasetRef`
        The dataset.

    Returns
    -------
    table : `astropy.table.Table`
        Its scalar columns and its flags, with units. Where there is no afw,
        the FITS file is read that afw wrote.

    Raises
    ------
    CutoutsError
        Raised when the file is not one that afw wrote.
    """
    try:
        import lsst.afw.table  # noqa: F401
    except ImportError:
        with butler.getURI(ref).as_local() as local:
            return _read_fits(local.ospath, str(ref))
    return butler.get(ref).asAstropy()


def _read_fits(path: str, name: str) -> Table:
    from astropy.io import fits

    with fits.open(path) as hdus:
        hdu: Any = next((h for h in hdus if isinstance(h, fits.BinTableHDU)), None)
        if hdu is None or "AFW_TABLE_VERSION" not in hdu.header:
            raise CutoutsError(f"{name} is no catalogue of afw: {path} has no such table.")
        columns = {
            column.name: np.array(hdu.data[column.name])
            for column in hdu.columns
            if hdu.data[column.name].ndim == 1 and column.format[-1] not in "PQX" and "P" not in column.format
        }
        table = Table(columns)
        for column in hdu.columns:
            if column.name in columns and column.unit:
                table[column.name].unit = column.unit
        for name_of_flag, values in _flags(hdu).items():
            table[name_of_flag] = values
    return table


def _flags(hdu: Any) -> dict[str, np.ndarray]:
    """Return the flags, which afw packs into bits that cards TFLAGn name."""
    if "flags" not in hdu.columns.names:
        return {}
    bits = np.asarray(hdu.data["flags"], dtype=bool).reshape(len(hdu.data), -1)
    cards = ((n, hdu.header.get(f"TFLAG{n}")) for n in range(1, bits.shape[1] + 1))
    return {name: bits[:, n - 1] for n, name in cards if name}
