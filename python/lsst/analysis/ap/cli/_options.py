"""The options that several commands have, and the report that they end with."""

__all__ = (
    "add_collections_option",
    "add_place_words",
    "add_work_options",
    "print_report",
    "report_result",
    "require_places",
)

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..domain import CutoutsError
from ..messages import public_uri
from ._words import number_of_jobs

if TYPE_CHECKING:
    from lsst.pipe.base import Struct

_SHOWN: Final = 5
"""How many files of a kind are named when there are many."""


def add_place_words(parser: argparse.ArgumentParser) -> None:
    """Add the words for the repository and the directory; neither is required yet."""
    parser.add_argument("repo", metavar="REPO", nargs="?", help="butler repository: path, URI or label")
    parser.add_argument("outdir", metavar="OUTDIR", nargs="?", help="directory for pictures; made if needed")


def require_places(arguments: argparse.Namespace) -> None:
    """Refuse a command that lacks one of these."""
    if arguments.repo is None or arguments.outdir is None:
        raise CutoutsError("Give the butler repository and the output directory: REPO OUTDIR.")


def add_collections_option(group: argparse._ArgumentGroup) -> None:
    """Add the option that names the collections."""
    group.add_argument(
        "--collections",
        metavar="NAME",
        nargs="+",
        action="append",
        help="collections to search, first match first, with commas or blanks between them; * stands for any "
        "letters",
    )


def add_work_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that say how the work is done."""
    group.add_argument(
        "-j", "--jobs", type=number_of_jobs, default=1, metavar="N", help="number of processes (default: 1)"
    )
    earlier = group.add_mutually_exclusive_group()
    earlier.add_argument("--overwrite", action="store_true", help="make the pictures in OUTDIR again")
    earlier.add_argument("--append", action="store_true", help="add to pictures made with other settings")


def print_report(outdir: str, rows: Mapping[str, Sequence[object]]) -> None:
    """Print what is in a directory now: values by what they are."""
    print(public_uri(outdir))
    for name, values in rows.items():
        for number, value in enumerate(values):
            print(f"  {'' if number else name:15}{value}")


def report_result(prog: str, outdir: str, result: "Struct") -> int:
    """Say what came of a run."""
    failed = len(result.failed)
    rows: dict[str, Sequence[object]] = {
        "written": [len(result.written)],
        "already there": [len(result.skipped)],
        "failed": [failed],
        "manifest": _few(result.manifests),
        "stamps": _few(result.stamps),
        **{name: _few(commands) for name, commands in result.uploads.items()},
    }
    print_report(outdir, rows)
    if not failed:
        return 0
    first = result.failed[0]
    print(
        f"{prog}: {public_uri(outdir)}/failures.csv names what failed; the first is\n"
        f"  {first.diaSourceId}: {first.reason}",
        file=sys.stderr,
    )
    return 1


def _few(paths: Sequence[str]) -> list[str]:
    """Return the first of many paths, and how many there are more."""
    more = len(paths) - _SHOWN
    return [*paths[:_SHOWN], f"and {more} more"] if more > 0 else list(paths)
