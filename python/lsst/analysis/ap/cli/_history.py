"""What ``--history`` asks for: objects through time instead of single sources."""

__all__ = ("write_histories",)

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain import CutoutsError
from ._options import print_report

if TYPE_CHECKING:
    import pyarrow as pa

    from ..sources import Catalog
    from ..zooniverseCutouts import ZooniverseCutoutsTask


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
    limit = 0 if arguments.history == "json" else arguments.epochs

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
