"""The command ``zooniverseCutoutsCompare``: the pictures of two runs of a pipeline, one above the other.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain import CutoutsError
from ._command import Command, at_least_one, positive
from ._options import (
    add_config_options,
    add_place_words,
    configured,
    open_butler,
    print_report,
    require_places,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from lsst.daf.butler import Butler

_DESCRIPTION = """
Compare two runs of a pipeline source by source. Each picture has the panels of the first run, those of the
second between the same limits, and what is left when the first is subtracted. Sources of both catalogues are
matched by position; those of one only are cut from both runs at their place on the sky.
"""

_EPILOG = """
example:
  fifty sources of two runs, first those that only one of them has:
    zooniverseCutoutsCompare --before u/me/before --after u/me/after \\
        --limit 50 repo/ compared/

exit status: 0 all pictures are there, 1 some are not (comparison.csv says why), 2 it could not be done.
"""


def _declare(parser: argparse.ArgumentParser) -> None:
    add_place_words(parser)
    what = parser.add_argument_group("what is compared")
    for name in ("before", "after"):
        what.add_argument(f"--{name}", metavar="NAME", required=True, help=f"collections of the run {name}")
    what.add_argument(
        "--catalog-dataset",
        metavar="NAME",
        default="dia_source_detector",
        help="dataset type of the DiaSources of both runs (default: dia_source_detector)",
    )
    what.add_argument("--data-query", metavar="EXPR", help="which of their tables: 'visit=42'")
    what.add_argument(
        "--radius", type=positive, default=1.0, metavar="R", help="greatest distance of a pair, arcseconds"
    )
    what.add_argument(
        "--limit", type=at_least_one, default=100, metavar="N", help="how many sources at most (default: 100)"
    )
    add_config_options(parser, "what the pictures look like")


def _run(arguments: argparse.Namespace) -> int:
    from ..zooniverseCutouts import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    task = configured(ZooniverseCutoutsTask, arguments, ZooniverseCutoutsConfig())
    if arguments.show_config:
        task.config.saveToStream(sys.stdout)
        return 0
    require_places(arguments)
    from ..output import open_directory

    runs = [open_butler(arguments.repo, [[name]]) for name in (arguments.before, arguments.after)]
    table = _sources(arguments, runs)
    task.butler = runs[0]
    grid = task.compare(table, *runs, limit=arguments.limit)
    rows = []
    with open_directory(arguments.outdir) as directory:
        for row, outcome in zip(grid.rows, grid.outcomes, strict=True):
            name = f"{row['diaSourceId']}.png"
            is_made = isinstance(outcome, bytes)
            if isinstance(outcome, bytes):
                directory.write(name, outcome)
            said = {"picture": name if is_made else "", "reason": "" if is_made else outcome}
            kept = ("diaSourceId", "visit", "detector", "found", "flux_ratio", "noise_ratio")
            rows.append({key: row.get(key, "") for key in kept} | said)
        rows.sort(key=lambda row: row["found"] == "both")
        directory.write_csv("comparison.csv", list(rows[0]), (list(map(str, row.values())) for row in rows))
    failed = sum(not isinstance(outcome, bytes) for outcome in grid.outcomes)
    report = {"compared": [len(rows) - failed], "failed": [failed]}
    if more := len(table) - len(rows):
        report["beyond --limit"] = [more]
    print_report(arguments.outdir, report)
    return 1 if failed else 0


def _sources(arguments: argparse.Namespace, runs: "Sequence[Butler]") -> "pa.Table":
    """Return the sources of both runs, those first that only one has."""
    import numpy as np
    import pyarrow as pa

    from ..gallery import match_sources
    from ..sources import Selection, open_butler_tables

    tables = []
    for butler in runs:
        catalog = open_butler_tables(butler, arguments.catalog_dataset, arguments.data_query or "")
        tables.append(pa.concat_tables(catalog.read(Selection()), promote_options="permissive"))
    before, after = tables
    of_before, of_after, _ = match_sources(before, after, arguments.radius)
    found = np.full(len(before), "before", object)
    found[of_before] = "both"
    gained = np.setdiff1d(np.arange(len(after)), of_after)
    parts = [
        before.append_column("found", pa.array(found.tolist(), pa.string())),
        after.take(gained).append_column("found", pa.array(["after"] * len(gained), pa.string())),
    ]
    table = pa.concat_tables(parts, promote_options="permissive")
    if not len(table):
        raise CutoutsError("Neither run has a DiaSource in these tables.")
    order = np.argsort(np.array(table.column("found").to_pylist()) == "both", kind="stable")
    return table.take(order)


_COMMAND = Command("zooniverseCutoutsCompare", "REPO OUTDIR", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
