"""The alert production database of the demo."""

__all__ = ("DemoApdb",)

from pathlib import Path

import astropy.time
import pandas as pd

from lsst.dax.apdb import Apdb
from lsst.dax.apdb.apdbSchema import ApdbTables
from lsst.dax.apdb.sql import ApdbSql

from ._camera import INSTRUMENT


class DemoApdb:
    """A new APDB in an SQLite file, and its configuration for `lsst.dax.apdb.Apdb.from_uri`.

    What is there under these names is replaced.
    """

    def __init__(self, path: Path, config_path: Path) -> None:
        config = ApdbSql.init_database(f"sqlite:///{path.absolute()}", enable_replica=False, drop=True)
        config.save(str(config_path))
        self.path, self.config_path = path, config_path
        self._apdb = Apdb.from_uri(str(config_path))
        self._apdb.metadata.set("instrument", INSTRUMENT, force=True)

    def complete(self, rows: pd.DataFrame, table: ApdbTables = ApdbTables.DiaSource) -> pd.DataFrame:
        """Return rows with exactly the columns of the schema.

        What they do not have is null, or the default of a column that may not be.
        """
        definition = self._apdb.tableDef(table)
        if definition is None:
            raise RuntimeError(f"The APDB schema has no table {table.name}")
        # The spatial index is the APDB's own affair.
        columns = [column for column in definition.columns if column.name != "pixelId"]
        dtypes = {column.name: column.pandas_type for column in columns}
        defaults = {column.name: column.value or 0 for column in columns if not column.nullable}
        return rows.reindex(columns=list(dtypes)).astype(dtypes).fillna(defaults)

    def store(self, mjd: float, objects: pd.DataFrame, sources: pd.DataFrame, forced: pd.DataFrame) -> None:
        """Store what one visit at a time, MJD TAI, found."""
        self._apdb.store(
            astropy.time.Time(mjd, format="mjd", scale="tai"),
            self.complete(objects, ApdbTables.DiaObject),
            self.complete(sources, ApdbTables.DiaSource),
            self.complete(forced, ApdbTables.DiaForcedSource),
        )
