"""The alert production database of the demo."""

__all__ = ("DemoApdb",)

from pathlib import Path
from typing import Any

import astropy.time
import pandas as pd

from lsst.dax.apdb import Apdb
from lsst.dax.apdb.apdbSchema import ApdbTables
from lsst.dax.apdb.sql import ApdbSql

_DTYPES = {
    "boolean": "boolean",
    "short": "Int16",
    "int": "Int32",
    "long": "Int64",
    "float": "Float32",
    "double": "Float64",
}
"""The pandas types, all of which know null, of the schema's; others hold text."""


class DemoApdb:
    """A new APDB in an SQLite file.

    Parameters
    ----------
    path : `pathlib.Path`
        The file; one of that name is replaced.
    config_path : `pathlib.Path`
        Where the configuration that `lsst.dax.apdb.Apdb.from_uri` reads is
        written.
    instrument : `str`
        Name of the instrument, recorded in the metadata.
    """

    def __init__(self, path: Path, config_path: Path, instrument: str) -> None:
        config = ApdbSql.init_database(f"sqlite:///{path.absolute()}", enable_replica=False, drop=True)
        config.save(str(config_path))
        self._apdb = Apdb.from_uri(str(config_path))
        self._apdb.metadata.set("instrument", instrument, force=True)

    def diasource_table(self, rows: list[dict[str, Any]]) -> pd.DataFrame:
        """Make a table with all the columns of the schema.

        Parameters
        ----------
        rows : `list` [`dict`]
            DiaSources by column.

        Returns
        -------
        table : `pandas.DataFrame`
            What a row does not have is null, or the default of a column that
            may not be.
        """
        return self._complete(rows, ApdbTables.DiaSource)

    def store(self, mjd: float, objects: list[dict[str, Any]], sources: list[dict[str, Any]]) -> None:
        """Store what one visit found.

        Parameters
        ----------
        mjd : `float`
            Time of the visit, MJD TAI.
        objects : `list` [`dict`]
            DiaObjects that are new or changed, by column.
        sources : `list` [`dict`]
            DiaSources by column.
        """
        self._apdb.store(
            astropy.time.Time(mjd, format="mjd", scale="tai"),
            self._complete(objects, ApdbTables.DiaObject),
            self._complete(sources, ApdbTables.DiaSource),
        )

    def _complete(self, rows: list[dict[str, Any]], table: ApdbTables) -> pd.DataFrame:
        definition = self._apdb.tableDef(table)
        if definition is None:
            raise RuntimeError(f"The APDB schema has no table {table.name}")
        columns = {}
        for column in definition.columns:
            # The spatial index is the APDB's own affair.
            if column.name == "pixelId":
                continue
            default = None if column.nullable else (column.value or 0)
            values = [row.get(column.name, default) for row in rows]
            column_type = str(column.datatype).rpartition(".")[2].lower()
            columns[column.name] = pd.Series(
                [None if value != value else value for value in values],
                dtype=_DTYPES.get(column_type, "object"),
            )
        return pd.DataFrame(columns)
