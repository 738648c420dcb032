"""The options that say which DiaSources: where they are, and which of them are wanted.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("add_source_options", "settle_places", "source_is_given")

import argparse
from collections.abc import Callable

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
        "--postgres-url", "--postgres_url", metavar="URL", help="APDB in PostgreSQL: postgresql://..."
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
