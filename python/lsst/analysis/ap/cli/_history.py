"""The option ``--history``: objects through time instead of single sources."""

__all__ = ("add_history_option", "write_histories")

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain import CutoutsError
from ._options import print_report
from ._words import at_least_one

if TYPE_CHECKING:
    import pyarrow as pa

    from ..sources import Catalog
    from ..zooniverseCutouts import ZooniverseCutoutsTask


def add_history_option(group: argparse._ArgumentGroup) -> None:
    """Add ``--history`` and what goes with it."""
    group.add_argument(
        "--history",
        choices=("strip", "frames", "json"),
        help="the objects of the sources through time instead of the sources: one picture of stamps under a "
        "light curve, one picture for each epoch as the frames of a subject, or the light curve for "
        "Zooniverse's viewer. Files that are there are skipped",
    )
    group.add_argument(
        "--epochs",
        type=at_least_one,
        default=12,
        metavar="N",
        help="how many epochs --history shows at most (default: 12)",
    )


def write_histories(
    arguments: argparse.Namespace,
    task: "ZooniverseCutoutsTask",
    sources: "Iterable[pa.Table]",
    catalog: "Catalog",
) -> int:
    """Write the histories of the objects of some sources, all of whose epochs are in a catalogue.

    Returns: the exit status.
    """
    from ..views import History
    from ..views import write_histories as write

    if task.butler is None:
        raise CutoutsError("--history cuts stamps from many images: give a REPO.")
    limit = 1 if arguments.history == "json" else arguments.epochs

    def make(column: str, identifier: int) -> History:
        if column == "ssObjectId":
            return task.history(ssObjectId=identifier, catalog=catalog, limit=limit)
        return task.history(identifier, catalog=catalog, limit=limit)

    result = write(arguments.outdir, sources, make, arguments.history, overwrite=arguments.overwrite)
    print_report(
        arguments.outdir,
        {"written": [len(result.written)], "skipped": [len(result.skipped)], "failed": [len(result.failed)]},
    )
    return 1 if result.failed else 0
