"""The options that say which DiaSources: where they are, and which of them are wanted.

Nothing heavy is imported until the words are understood.
"""

__all__ = (
    "add_source_options",
    "columns_for",
    "open_catalog",
    "selection_of",
    "settle_places",
    "source_is_given",
)

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from .domain import CutoutsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa

    from lsst.daf.butler import Butler

    from ._config import ZooniverseCutoutsConfig
    from .sources import Selection, Stratum


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


_SOURCES = ("sqlitefile", "postgres_url", "apdb", "catalog", "catalog_dataset", "alerts")


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which DiaSources.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """
    group = parser.add_argument_group("where the DiaSources come from (one of these)")
    source = group.add_mutually_exclusive_group()
    source.add_argument("--sqlitefile", "--sqlite-file", metavar="FILE", help="APDB in an SQLite file")
    source.add_argument(
        "--postgres-url", "--postgres_url", metavar="URL", help="APDB in PostgreSQL (needs psycopg2)"
    )
    source.add_argument(
        "--apdb", metavar="URI", help="APDB by its dax_apdb configuration file, or label:NAME"
    )
    source.add_argument(
        "--catalog",
        metavar="FILE",
        help="Parquet, CSV, ECSV, FITS or VOTable file, a folder of Parquet files, or the URI of one",
    )
    source.add_argument(
        "--catalog-dataset",
        metavar="NAME",
        help="dataset type of tables in REPO, such as dia_source_detector",
    )
    source.add_argument(
        "--alerts",
        metavar="FILE",
        nargs="+",
        help="alert packets of Rubin or ZTF, whose own stamps are shown; REPO is then not given",
    )

    more = parser.add_argument_group("more about them")
    more.add_argument(
        "--namespace", metavar="NAME", help="schema of the PostgreSQL database that holds the APDB"
    )
    more.add_argument(
        "--data-query",
        metavar="EXPR",
        help="which tables of --catalog-dataset: 'visit=42 AND detector IN (1, 2)'",
    )
    more.add_argument(
        "--flag-map",
        metavar="FILE",
        help="what the bits of an old packed column of flags mean: YAML as in ap_association",
    )

    choice = parser.add_argument_group("which of them (each condition leaves out sources without a value)")
    words = {"metavar": "NAME[,NAME]", "action": "append", "type": _words, "default": []}
    numbers = {"metavar": "N[,N]", "action": "append", "type": _numbers, "default": []}
    choice.add_argument("--ids", metavar="FILE", help="diaSourceIds: a file, or numbers with commas")
    choice.add_argument(
        "--object-ids", metavar="FILE", help="all sources of these diaObjectIds: a file, or numbers"
    )
    choice.add_argument(
        "--reliability-min", "--reliabilityMin", type=float, metavar="R", help="at least this reliable"
    )
    choice.add_argument(
        "--reliability-max", "--reliabilityMax", type=float, metavar="R", help="at most this reliable"
    )
    choice.add_argument("--snr-min", type=float, metavar="S", help="least signal-to-noise, of either sign")
    choice.add_argument("--snr-max", type=float, metavar="S", help="greatest signal-to-noise, of either sign")
    choice.add_argument("--band", **words, help="bands")  # type: ignore[arg-type]
    choice.add_argument("--visit", **numbers, help="visit IDs")  # type: ignore[arg-type]
    choice.add_argument("--detector", **numbers, help="detector IDs")  # type: ignore[arg-type]
    choice.add_argument("--time-min", metavar="T", help="not before: MJD, or 2026-01-10T12:00:00; TAI")
    choice.add_argument("--time-max", metavar="T", help="not after")
    choice.add_argument("--circle", metavar="RA,DEC,RADIUS", type=_reals, help="part of the sky, in degrees")
    choice.add_argument(
        "--polygon", metavar="RA,DEC,RA,DEC,...", type=_reals, help="convex part of the sky, in degrees"
    )
    choice.add_argument("--exclude-flags", **words, help="flags that must not be set")  # type: ignore[arg-type]
    choice.add_argument("--require-flags", **words, help="flags that must be set")  # type: ignore[arg-type]
    choice.add_argument(
        "--where",
        metavar="EXPR",
        help="a condition on columns as in Python: \"snr > 5 and (isDipole or band in ('r', 'i'))\"",
    )
    choice.add_argument(
        "--one-per-object", action="store_true", help="of each diaObject the source of greatest S/N only"
    )
    choice.add_argument("--sample", type=int, metavar="N", help="draw N at random")
    choice.add_argument("--seed", type=int, default=0, metavar="N", help="which random sample (default: 0)")
    choice.add_argument(
        "--stratify",
        metavar="NAME[:BINS]",
        action="append",
        type=_words,
        default=[],
        help="share the sample evenly: reliability:10, band, detector or visit",
    )
    amount = choice.add_mutually_exclusive_group()
    amount.add_argument(
        "-n", "--limit", type=int, metavar="N", help="the first N by visit, detector, diaSourceId"
    )
    amount.add_argument("--all", action="store_true", help="all of them (the default)")


def source_is_given(arguments: argparse.Namespace) -> bool:
    """Return whether it is said where the sources are.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words.

    Returns
    -------
    given : `bool`
        Whether one of the options is there.
    """
    return any(getattr(arguments, name) for name in _SOURCES)


def open_catalog(arguments: argparse.Namespace, butler: "Butler | None") -> Catalog:
    """Open what the sources are read from.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words.
    butler : `lsst.daf.butler.Butler` or `None`
        The repository of the images, where there is one.

    Returns
    -------
    catalog : `Catalog`
        The open catalogue.

    Raises
    ------
    CutoutsError
        Raised when it cannot be opened.
    """
    from . import sources

    flag_map = sources.FlagMap.from_file(arguments.flag_map) if arguments.flag_map else None
    packer = None if butler is None else sources.packer_of(butler, arguments.instrument)
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
        return sources.open_alerts(arguments.alerts, arguments.instrument)
    return sources.open_catalog(arguments.catalog, flag_map=flag_map, packer=packer)


def settle_places(arguments: argparse.Namespace) -> str | None:
    """Tell the files of alerts from the output directory, and say what is missing.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words. Without a repository their places are mended.

    Returns
    -------
    problem : `str` or `None`
        What is wrong with the command; `None` when nothing is.
    """
    if not arguments.alerts:
        if (arguments.repo is None or arguments.outdir is None) and not arguments.dry_run:
            return "give the butler repository and the output directory: REPO OUTDIR"
        return None
    places = [place for place in (arguments.repo, arguments.outdir) if place is not None]
    if not places and not arguments.dry_run and len(arguments.alerts) > 1:
        places = [arguments.alerts.pop()]  # it came last, after the files
    if len(places) != 1 and not (arguments.dry_run and not places):
        return "with --alerts give the output directory only, no repository: --alerts FILE... OUTDIR"
    arguments.repo, arguments.outdir = None, places[0] if places else None
    return None


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
        manifest, a database only those of its schema. Stamps as arrays come
        with the whole row.
    """
    from .output import manifest_name
    from .sources import PICTURE_COLUMNS

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
    from . import sources

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
    from .sources import Stratum

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


def _list_of[T](kind: Callable[[str], T], word: str) -> tuple[T, ...]:
    try:
        return tuple(kind(item.strip()) for item in word.split(",") if item.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is no list of numbers with commas between them") from None


def _words(word: str) -> tuple[str, ...]:
    return _list_of(str, word)


def _numbers(word: str) -> tuple[int, ...]:
    return _list_of(int, word)


def _reals(word: str) -> tuple[float, ...]:
    return _list_of(float, word)


def _flat[T](lists: Sequence[Sequence[T]]) -> tuple[T, ...]:
    return tuple(item for items in lists for item in items)
