"""The options that say which DiaSources: where they are, and which of them are wanted.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("add_source_options", "assign_places", "source_is_given")

import argparse
from collections.abc import Mapping
from typing import Final

from ..criteria import CRITERIA, Criterion, Takes

_SOURCES: Final = (
    "sqlitefile",
    "postgres_url",
    "namespace",
    "apdb",
    "catalog",
    "catalog_dataset",
    "tap",
    "alerts",
)

_OTHER_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "reliability_min": ("--reliabilityMin",),
    "reliability_max": ("--reliabilityMax",),
    "limit": ("-n",),
}
"""Short spellings, and those of plotImageSubtractionCutouts."""


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
        "--tap", metavar="ADQL", help="what a query gives that a TAP service answers (needs the extra [rsp])"
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
        "--tap-url",
        metavar="URL",
        help="address of the TAP service (default: the Rubin Science Platform's); the token is taken from "
        "the environment variable ACCESS_TOKEN",
    )
    more.add_argument(
        "--flag-map",
        metavar="FILE",
        help="what the bits of an old packed column of flags mean: YAML as in ap_association",
    )

    choice = parser.add_argument_group("which of them (each condition leaves out sources without a value)")
    for criterion in CRITERIA:
        _add_criterion(choice, criterion)
    choice.add_argument("--all", action="store_true", help="all of them, whatever the limit (the default)")


def _add_criterion(group: "argparse._ArgumentGroup", criterion: Criterion) -> None:
    names = [f"--{criterion.name.replace('_', '-')}", *_OTHER_SPELLINGS.get(criterion.name, ())]
    # A percent sign would be taken for one of argparse's own words.
    words = criterion.doc.replace("%", "%%")
    if criterion.takes is Takes.SWITCH:
        group.add_argument(*names, dest=criterion.name, action="store_true", default=None, help=words)
    elif criterion.takes.is_list:
        group.add_argument(*names, dest=criterion.name, metavar=criterion.shown, action="append", help=words)
    else:
        group.add_argument(*names, dest=criterion.name, metavar=criterion.shown, help=words)


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


def assign_places(arguments: argparse.Namespace) -> str | None:
    """Separate the files of alerts from the output directory, and say what is missing.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The parsed words. Without a repository the places in them are corrected.

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
