"""DiaSources in the tables of a butler repository."""

__all__ = ("find_tables", "get_table", "open_butler_tables", "read_butler_table")

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..domain import CutoutsError, UnreadableError
from ..messages import cause_of, did_you_mean
from ._afw_catalog import read_afw_catalog
from ._catalog import TableCatalog
from ._columns import Meanings, Standardizer
from ._selection import Selection
from ._solar_system import is_without_position, join_solar_system
from ._synonyms import names_there
from ._tables import as_arrow

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, LimitedButler

_DATA_ID_COLUMNS: Final = ("instrument", "visit", "detector", "band")


def open_butler_tables(
    butler: "Butler", dataset_type: str, where: str = "", meanings: Meanings | None = None
) -> TableCatalog:
    """Open the DiaSource tables of a butler repository.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        Repository, with the default collections to search.
    dataset_type : `str`
        Tables of a detector, a visit or more, as ``dia_source_detector``,
        of any storage class: Arrow, astropy, pandas, or an afw SourceCatalog.
    where : `str`, optional
        Which of them: a data ID expression of the butler, such as
        ``"visit=42 AND detector IN (1, 2)"``; all when empty.
    meanings : `Meanings`, optional
        What its columns mean that do not say it themselves.

    Returns
    -------
    catalog : `TableCatalog`
        Their rows, with the columns ``instrument``, ``visit``, ``detector``
        and ``band`` of the data ID where they lack these.

    Raises
    ------
    CutoutsError
        Raised when there is no such dataset.
    """
    refs = find_tables(butler, dataset_type, where)
    if (names := _column_names(butler, refs[0])) is not None and is_without_position(names):
        return join_solar_system(
            lambda: (get_table(butler, ref, None) for ref in refs),
            lambda name: open_butler_tables(butler, name, meanings=meanings),
            dataset_type,
        )

    meanings = meanings or Meanings()
    standardizer = Standardizer(meanings)

    def tables(columns: Collection[str] | None, selection: Selection) -> Iterator[pa.Table]:
        wanted = None if columns is None else meanings.columns_for(columns)
        standardizer.begin()
        for ref in refs:
            if _may_have(ref, selection):
                yield _read(butler, ref, wanted, standardizer)

    return TableCatalog(tables, grouped="visit" in refs[0].datasetType.dimensions)


def find_tables(butler: "Butler", dataset_type: str, where: str = "") -> "list[DatasetRef]":
    """Find tables in the default collections of a repository.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_type : `str`
        Their dataset type.
    where : `str`, optional
        Which of them: a data ID expression; all when empty.

    Returns
    -------
    refs : `list` [`lsst.daf.butler.DatasetRef`]
        One table or more, by visit and detector.

    Raises
    ------
    CutoutsError
        Raised when there is none, or the expression is wrong.
    """
    from lsst.daf.butler import MissingDatasetTypeError

    collections = ", ".join(butler.collections.defaults)
    try:
        refs = butler.query_datasets(
            dataset_type, where=where, limit=None, explain=False, with_dimension_records=True
        )
    except MissingDatasetTypeError as error:
        known = sorted(t.name for t in butler.registry.queryDatasetTypes("*ia*ource*"))
        raise CutoutsError(
            f"The repository has no dataset type {dataset_type!r}.{did_you_mean(dataset_type, known)} "
            f"Of tables of sources it has {', '.join(known) or 'none'}."
        ) from error
    except Exception as error:  # the butler has many words for a wrong expression
        raise CutoutsError(
            f"Datasets {dataset_type} WHERE {where!r} cannot be found: {cause_of(error)}",
            choices=("data_query",),
        ) from error
    if not refs:
        of_them = f" WHERE {where!r}" if where else ""
        raise CutoutsError(f"There is no {dataset_type}{of_them} in {collections}.")
    return sorted(refs, key=lambda ref: (ref.dataId.get("visit", -1), ref.dataId.get("detector", -1)))


def _may_have(ref: "DatasetRef", selection: Selection) -> bool:
    """Whether the data ID of a table admits sources of a selection."""
    choices = (("visit", selection.visits), ("detector", selection.detectors))
    return all(not wanted or ref.dataId.get(name, wanted[0]) in wanted for name, wanted in choices)


def read_butler_table(
    butler: "LimitedButler", ref: "DatasetRef", meanings: Meanings | None = None
) -> Iterator[pa.Table]:
    """Read one table of DiaSources.

    Parameters
    ----------
    butler : `lsst.daf.butler.LimitedButler`
        What reads it.
    ref : `lsst.daf.butler.DatasetRef`
        The table, of any storage class that `open_butler_tables` knows.
    meanings : `Meanings`, optional
        What its columns mean that do not say it themselves.

    Yields
    ------
    table : `pyarrow.Table`
        Its rows, with the columns ``instrument``, ``visit``, ``detector``
        and ``band`` of the data ID where they lack these.

    Raises
    ------
    UnreadableError
        Raised when it cannot be read.
    CutoutsError
        Raised when it lacks a column that must be there.
    """
    yield _read(butler, ref, None, Standardizer(meanings, whole=True))


def _read(
    butler: "LimitedButler", ref: "DatasetRef", columns: Collection[str] | None, standardizer: Standardizer
) -> pa.Table:
    """Read a table, of those in Arrow's formats only the wanted columns."""
    table = get_table(butler, ref, columns)
    for name in _DATA_ID_COLUMNS:
        if name in ref.dataId.mapping and name not in table.column_names:
            table = table.append_column(name, pa.array([ref.dataId[name]] * len(table)))
    try:
        return standardizer(table)
    except CutoutsError as error:
        raise CutoutsError(f"{ref}: {error}", choices=error.choices) from error


def get_table(butler: "LimitedButler", ref: "DatasetRef", columns: Collection[str] | None) -> pa.Table:
    """Return a table with the names that it has there, of Arrow's formats only the wanted columns."""
    try:
        if ref.datasetType.storageClass_name == "SourceCatalog":
            table: Any = read_afw_catalog(butler, ref)
        elif columns is None or (names := _column_names(butler, ref)) is None:
            table = butler.get(ref)
        else:
            there = names_there(names, columns)
            table = butler.get(ref, parameters={"columns": there} if there else None)
    except CutoutsError:
        raise
    except Exception as error:  # whatever the formatter or the storage raises
        raise UnreadableError(
            f"{ref} cannot be read: {cause_of(error)}. Leave it out with a data query.",
            choices=("data_query",),
        ) from error
    if (found := as_arrow(table)) is None:
        raise CutoutsError(
            f"{ref} is no table: give the dataset type of tables of DiaSources, such as dia_source_detector."
        )
    return found


def _column_names(butler: "LimitedButler", ref: "DatasetRef") -> list[str] | None:
    """Return the columns of a table, if that costs less than to read it."""
    if not ref.datasetType.storageClass_name.startswith("Arrow"):
        return None
    try:
        return list(map(str, butler.get(ref.makeComponentRef("columns"))))
    except Exception:  # reading the table itself will tell
        return None
