"""From the words that say which DiaSources to a catalogue and a selection.

Nothing heavy is imported until it is needed.
"""

__all__ = ("columns_for", "open_catalog", "selection_of", "with_additions")

import argparse
from typing import TYPE_CHECKING, Final

from ..criteria import CRITERIA

if TYPE_CHECKING:
    from ..runs._repository import Repository
    from ..sources import Catalog, Selection, SqlApdb, TableCatalog
    from ..zooniverseCutouts import ZooniverseCutoutsConfig

_PUBLISHED_URL: Final = "rubin@usdf-prompt-processing-dev.slac.stanford.edu/lsst-devl"
"""Where plotImageSubtractionCutouts looks for a namespace when nothing else is said."""


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


def columns_for(arguments: argparse.Namespace, config: "ZooniverseCutoutsConfig") -> frozenset[str] | None:
    """Return which columns of the catalogue the work needs; `None` for all.

    A file may have columns that are meant for the manifest, a database only those of its schema. Stamps as
    arrays come with the whole row.
    """
    from ..runs._manifest_columns import needed_columns
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
        from ._mixing import MixedCatalog, parse_mix

        catalog = MixedCatalog(catalog, [parse_mix(word) for word in arguments.mix])
    if arguments.gold:
        from ._gold import GoldCatalog, read_gold

        catalog = GoldCatalog(catalog, read_gold(arguments.gold))
    return catalog
