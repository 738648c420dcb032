"""Which DiaSources a command is asked for: the options that say it, and the catalogue that they mean.

Nothing heavy is imported until the words are understood.
"""

__all__ = (
    "add_source_options",
    "check_source_options",
    "columns_for",
    "open_catalog",
    "selection_of",
    "with_additions",
)

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..criteria import CRITERIA, Takes
from ..domain import CutoutsError
from ._options import require_places

if TYPE_CHECKING:
    from ..runs._repository import Repository
    from ..runs.config import RepositoryConfig
    from ..sources import Catalog, Selection, SqlApdb, TableCatalog

_SOURCES: Final[Mapping[str, Mapping[str, Any]]] = {
    "--sqlitefile --sqlite-file": {"metavar": "FILE", "help": "APDB in an SQLite file"},
    "--postgres-url --postgres_url": {"metavar": "URL", "help": "APDB in PostgreSQL: postgresql://..."},
    "--apdb": {"metavar": "URI", "help": "APDB by its dax_apdb configuration file, or label:NAME"},
    "--catalog": {
        "metavar": "FILE",
        "help": "Parquet, CSV, ECSV, FITS or VOTable file, a folder of Parquet files, or the URI of one",
    },
    "--catalog-dataset": {
        "metavar": "NAME",
        "help": "dataset type of tables in REPO, such as dia_source_detector",
    },
    "--tap": {
        "metavar": "ADQL",
        "help": "what a query gives that a TAP service answers (needs the extra [rsp])",
    },
    "--alerts": {
        "metavar": "FILE",
        "nargs": "+",
        "help": "alert packets of Rubin or ZTF, whose own stamps are shown; REPO is then not given",
    },
}
_DETAILS: Final[Mapping[str, Mapping[str, Any]]] = {
    "--namespace": {"metavar": "NAME", "help": "schema of the PostgreSQL database that holds the APDB"},
    "--data-query": {
        "metavar": "EXPR",
        "help": "which tables of --catalog-dataset: 'visit=42 AND detector IN (1, 2)'",
    },
    "--tap-url": {
        "metavar": "URL",
        "help": "address of the TAP service (default: the Rubin Science Platform's); the token is taken from "
        "the environment variable ACCESS_TOKEN",
    },
    "--flag-map": {
        "metavar": "FILE",
        "help": "what the bits of an old packed column of flags mean: YAML as in ap_association",
    },
}
_OTHER_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "reliability_min": ("--reliabilityMin",),
    "reliability_max": ("--reliabilityMax",),
    "limit": ("-n",),
}
"""Short spellings, and those of plotImageSubtractionCutouts."""

_PLACES: Final = tuple(names.split()[0].removeprefix("--").replace("-", "_") for names in _SOURCES)

_PUBLISHED_URL: Final = "rubin@usdf-prompt-processing-dev.slac.stanford.edu/lsst-devl"
"""Where plotImageSubtractionCutouts looks for a namespace when nothing else is said."""


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which DiaSources."""
    group = parser.add_argument_group("where the DiaSources come from (one of these)")
    source = group.add_mutually_exclusive_group()
    for names, settings in _SOURCES.items():
        source.add_argument(*names.split(), **settings)
    more = parser.add_argument_group("more about them")
    for name, settings in _DETAILS.items():
        more.add_argument(name, **settings)
    choice = parser.add_argument_group("which of them (each condition leaves out sources without a value)")
    for criterion in CRITERIA:
        if criterion.takes is Takes.SWITCH:
            kind: dict[str, Any] = {"action": "store_true", "default": None}
        else:
            action = "append" if criterion.takes.is_list else "store"
            kind = {"action": action, "metavar": criterion.shown}
        choice.add_argument(
            f"--{criterion.name.replace('_', '-')}",
            *_OTHER_SPELLINGS.get(criterion.name, ()),
            dest=criterion.name,
            help=criterion.doc.replace("%", "%%"),  # which argparse would take for one of its own words
            **kind,
        )
    choice.add_argument("--all", action="store_true", help="all of them, whatever the limit (the default)")
    additions = parser.add_argument_group("what goes with them")
    additions.add_argument(
        "--mix",
        metavar="CONDITION:SHARE",
        action="append",
        default=[],
        help="mix in sources that meet another condition, at random: 'pixelFlags_injected:5%%' of all, or "
        "':50' of them; of --visit, --detector, --band, --time-... and the sky, but of no other condition",
    )
    additions.add_argument(
        "--gold",
        metavar="FILE",
        help="training subjects: CSV or Parquet with diaSourceId, answer (its number, from 0) and perhaps "
        "successMessage, failureMessage, id",
    )
    additions.add_argument(
        "--write-catalog", metavar="FILE", help="also write the selected sources as Parquet, all columns"
    )


def check_source_options(arguments: argparse.Namespace) -> None:
    """Refuse a command that does not say where the sources are, or where the pictures go."""
    place = next((name for name in _PLACES if getattr(arguments, name)), None)
    if place is None and not arguments.namespace:
        raise CutoutsError(
            "It is not said where the DiaSources are: give --sqlitefile, --postgres-url, --apdb, --catalog, "
            "--catalog-dataset, --tap or --alerts."
        )
    if arguments.data_query and place != "catalog_dataset":
        raise CutoutsError("--data-query says which tables of --catalog-dataset; give that too.")
    if arguments.tap_url and place != "tap":
        raise CutoutsError("--tap-url says which service answers --tap; give that too.")
    if arguments.namespace and place not in (None, "postgres_url"):
        raise CutoutsError(
            "--namespace belongs to --postgres-url: leave it out. The configuration of an APDB says its own, "
            "and other sources have none."
        )
    if not arguments.alerts:
        if not arguments.dry_run:
            require_places(arguments)
        elif arguments.catalog_dataset and arguments.repo is None:
            raise CutoutsError("--catalog-dataset needs the butler repository: give REPO.")
        return
    places = [place for place in (arguments.repo, arguments.outdir) if place is not None]
    if not places and not arguments.dry_run and len(arguments.alerts) > 1:
        places = [arguments.alerts.pop()]  # it came last, after the files
    if len(places) != 1 and not (arguments.dry_run and not places):
        raise CutoutsError(
            "With --alerts give the output directory only, no repository: --alerts FILE... OUTDIR."
        )
    arguments.repo, arguments.outdir = None, places[0] if places else None


def open_catalog(arguments: argparse.Namespace, repository: "Repository") -> "SqlApdb | TableCatalog":
    """Open what the sources are read from."""
    from .. import sources

    meanings, butler = repository.meanings, repository.butler
    if arguments.sqlitefile:
        return sources.SqlApdb.from_sqlite(arguments.sqlitefile, meanings)
    if arguments.postgres_url or arguments.namespace:
        url = arguments.postgres_url or _PUBLISHED_URL
        url = url if "://" in url else f"postgresql://{url}"
        return sources.SqlApdb.from_url(url, arguments.namespace, meanings)
    if arguments.apdb:
        return sources.open_apdb(arguments.apdb, meanings)
    if arguments.catalog_dataset:
        assert butler is not None  # as check_source_options has seen to
        where = arguments.data_query or ""
        return sources.open_butler_tables(butler, arguments.catalog_dataset, where, meanings)
    if arguments.tap:
        return sources.open_tap(arguments.tap, arguments.tap_url, meanings)
    if arguments.alerts:
        return sources.open_alerts(arguments.alerts, repository.config.instrument)
    return sources.open_catalog(arguments.catalog, meanings)


def columns_for(arguments: argparse.Namespace, config: "RepositoryConfig") -> frozenset[str] | None:
    """Return which columns of the catalogue the work needs; `None` for all.

    A file may have columns that are meant for the manifest, a database only those of its schema. Stamps as
    arrays come with the whole row.
    """
    from ..runs._lists import needed_columns
    from ..sources import PICTURE_COLUMNS

    has_own_columns = arguments.catalog or arguments.catalog_dataset or arguments.alerts or arguments.tap
    if has_own_columns or config.writeStamps != "none":
        return None
    return frozenset(PICTURE_COLUMNS) | needed_columns(config.chosenColumns())


def selection_of(arguments: argparse.Namespace) -> "Selection":
    """Return which of the sources are wanted.

    To be asked once: a list of identifiers may come through a pipe.
    """
    from ..sources import make_selection

    values = {criterion.name: getattr(arguments, criterion.name) for criterion in CRITERIA}
    if arguments.all:
        values["limit"] = None
    return make_selection(values)


def with_additions(arguments: argparse.Namespace, catalog: "Catalog") -> "Catalog":
    """Return a catalogue with what is added to its sources."""
    if arguments.mix:
        from ._additions import MixedCatalog, parse_mix

        catalog = MixedCatalog(catalog, [parse_mix(word) for word in arguments.mix])
    if arguments.gold:
        from ._additions import GoldCatalog, read_gold

        catalog = GoldCatalog(catalog, read_gold(arguments.gold))
    return catalog
