"""From the words that say which DiaSources to a catalogue and a selection.

Nothing heavy is imported until it is needed.
"""

__all__ = ("Catalog", "columns_for", "open_catalog", "selection_of")

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ..domain import CutoutsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

    from ..runs._repository import Repository
    from ..sources import Selection, Stratum
    from ..zooniverseCutouts import ZooniverseCutoutsConfig


class Catalog(Protocol):
    """What DiaSources are read from."""

    instrument: str | None
    """Name of the instrument; `None` where the catalogue does not say it."""

    def read(self, selection: "Selection", columns: "Collection[str] | None" = None) -> "Iterator[pa.Table]":
        """Yield the wanted sources.

        Parameters
        ----------
        selection : `~lsst.analysis.ap.sources.Selection`
            Which ones.
        columns : collection of `str`, optional
            Columns that are wanted; all when not given.

        Yields
        ------
        table : `pyarrow.Table`
            Some of them.
        """
        ...


def open_catalog(arguments: argparse.Namespace, repository: "Repository") -> Catalog:
    """Open what the sources are read from.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words.
    repository : `~lsst.analysis.ap.runs._repository.Repository`
        The repository of the images.

    Returns
    -------
    catalog : `Catalog`
        The open catalogue.

    Raises
    ------
    CutoutsError
        Raised when it cannot be opened.
    """
    from .. import sources

    flag_map, packer, butler = repository.flag_map, repository.packer, repository.butler
    if arguments.data_query and not arguments.catalog_dataset:
        raise CutoutsError("--data-query says which tables of --catalog-dataset; give that too.")
    if arguments.namespace and not arguments.postgres_url:
        raise CutoutsError("--namespace belongs to --postgres-url; a configuration (--apdb) says its own.")
    if arguments.sqlitefile:
        return sources.SqlApdb.from_sqlite(arguments.sqlitefile, flag_map=flag_map, packer=packer)
    if arguments.postgres_url:
        return sources.SqlApdb.from_url(
            arguments.postgres_url, arguments.namespace, flag_map=flag_map, packer=packer
        )
    if arguments.apdb:
        return sources.open_apdb(arguments.apdb, flag_map=flag_map, packer=packer)
    if arguments.catalog_dataset:
        if butler is None:
            raise CutoutsError("--catalog-dataset needs the butler repository: give REPO.")
        where = arguments.data_query or ""
        return sources.open_butler_tables(
            butler, arguments.catalog_dataset, where, flag_map=flag_map, packer=packer
        )
    if arguments.alerts:
        return sources.open_alerts(arguments.alerts, repository.config.instrument)
    return sources.open_catalog(arguments.catalog, flag_map=flag_map, packer=packer)


def columns_for(arguments: argparse.Namespace, config: "ZooniverseCutoutsConfig") -> frozenset[str] | None:
    """Return which columns of the catalogue the work needs.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words.
    config : `ZooniverseCutoutsConfig`
        What the pictures and the manifest show.

    Returns
    -------
    columns : `frozenset` [`str`] or `None`
        All when `None`: a file may have columns that are meant for the
        manifest, a database only those of its schema; and a training set
        gets whatever there is. Stamps as arrays come
        with the whole row.
    """
    from ..output import manifest_name
    from ..sources import PICTURE_COLUMNS

    if arguments.catalog or arguments.catalog_dataset or arguments.alerts or config.writeStamps != "none":
        return None
    return frozenset(PICTURE_COLUMNS) | {manifest_name(name) for name in config.manifestColumns}


def selection_of(arguments: argparse.Namespace) -> "Selection":
    """Return which of the sources are wanted.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words.

    Returns
    -------
    selection : `~lsst.analysis.ap.sources.Selection`
        The selection.

    Raises
    ------
    CutoutsError
        Raised when an option makes no sense.
    """
    from .. import sources

    regions = []
    if arguments.circle is not None:
        if len(arguments.circle) != 3:
            raise CutoutsError(
                "--circle takes right ascension, declination and radius in degrees: 53.1,-27.8,0.5"
            )
        regions.append(sources.circle(*arguments.circle))
    if (corners := arguments.polygon) is not None:
        if len(corners) % 2:
            raise CutoutsError("--polygon takes right ascension and declination of each corner in degrees.")
        regions.append(sources.polygon(list(zip(corners[::2], corners[1::2], strict=True))))
    ids, objects = arguments.ids, arguments.object_ids
    return sources.Selection(
        reliability_min=arguments.reliability_min,
        reliability_max=arguments.reliability_max,
        limit=arguments.limit,
        snr_min=arguments.snr_min,
        snr_max=arguments.snr_max,
        time_min=_mjd(arguments.time_min, "--time-min"),
        time_max=_mjd(arguments.time_max, "--time-max"),
        bands=_flat(arguments.band),
        visits=_flat(arguments.visit),
        detectors=_flat(arguments.detector),
        regions=tuple(regions),
        excluded_flags=_flat(arguments.exclude_flags),
        required_flags=_flat(arguments.require_flags),
        where=arguments.where,
        ids=sources.read_identifiers(ids) if ids else None,
        object_ids=sources.read_identifiers(objects, "diaObjectId") if objects else None,
        one_per_object=arguments.one_per_object,
        sample=arguments.sample,
        seed=arguments.seed,
        strata=tuple(_stratum(word) for word in _flat(arguments.stratify)),
    )


def _stratum(word: str) -> "Stratum":
    from ..sources import Stratum

    column, colon, bins = word.partition(":")
    if colon and not bins.isdecimal():
        raise CutoutsError(f"--stratify {word!r} is not NAME or NAME:BINS, such as reliability:10.")
    return Stratum(column, int(bins) if colon else None)


def _mjd(word: str | None, option: str) -> float | None:
    """Return a time as a modified Julian date, TAI."""
    if word is None:
        return None
    try:
        return float(word)
    except ValueError:
        from astropy.time import Time

        try:
            return float(Time(word, scale="tai").mjd)
        except ValueError:
            raise CutoutsError(
                f"{option} {word!r} is no MJD and no date such as 2026-01-10T12:00:00."
            ) from None


def _flat[T](lists: Sequence[Sequence[T]]) -> tuple[T, ...]:
    return tuple(item for items in lists for item in items)
