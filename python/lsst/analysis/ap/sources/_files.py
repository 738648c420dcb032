"""DiaSource catalogues in files."""

__all__ = ("read_catalog",)

from pathlib import Path

import pyarrow as pa

from ..domain import CutoutsError
from ._tables import arrow_tables

_ASTROPY_FORMATS = {".ecsv": "ascii.ecsv", ".fits": "fits", ".fit": "fits", ".vot": "votable"}


def read_catalog(path: str | Path) -> pa.Table:
    """Read a DiaSource catalogue.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        A Parquet, CSV, ECSV, FITS or VOTable file, told by its suffix.

    Returns
    -------
    table : `pyarrow.Table`
        All its rows, with the column names of today.

    Raises
    ------
    CutoutsError
        Raised when there is no such file, when it cannot be read, or when it
        lacks a required column.
    """
    path = Path(path)
    if not path.is_file():
        raise CutoutsError(f"There is no catalogue {path}. Check the path.")
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".parq", ".pq"):
            import pyarrow.parquet as pq

            table = pq.read_table(path)
        elif suffix == ".csv":
            import pyarrow.csv

            table = pyarrow.csv.read_csv(path)
        elif suffix in _ASTROPY_FORMATS:
            from astropy.table import Table

            table = Table.read(path, format=_ASTROPY_FORMATS[suffix])
        else:
            raise CutoutsError(
                f"The kind of catalogue {path} is unknown: its suffix {suffix!r} is none of "
                f".parquet, .csv, {', '.join(_ASTROPY_FORMATS)}. Rename or convert it."
            )
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise CutoutsError(f"Catalogue {path} cannot be read as {suffix[1:]}: {error}") from error
    try:
        return next(arrow_tables(table))
    except CutoutsError as error:
        raise CutoutsError(f"{path}: {error}") from None
