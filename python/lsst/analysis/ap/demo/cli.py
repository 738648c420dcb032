"""The command that makes the demo."""

__all__ = ("main",)

import argparse
import functools
import sys
from collections.abc import Sequence

from ..domain import CutoutsError
from ._make import make_demo


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="zooniverseCutoutsDemo",
        description="Write a synthetic sky as a butler repository (OUT/repo) and an alert production "
        "database (OUT/apdb.sqlite3 with its configuration OUT/apdb.yaml), to try zooniverseCutouts on; "
        "OUT/truth.parquet tells what each DiaSource really is.",
        usage="%(prog)s [options] OUT",
        formatter_class=functools.partial(argparse.ArgumentDefaultsHelpFormatter, width=79),
    )
    parser.add_argument("out", metavar="OUT", help="directory to write to; made when it does not exist")
    parser.add_argument("--seed", type=int, default=20260110, help="the same seed gives the same sky")
    parser.add_argument("--size", type=int, default=600, help="pixels per side of a detector")
    parser.add_argument(
        "--visits",
        type=int,
        default=12,
        help="number of visits, two every fifth night, in r, i and g by turns",
    )
    parser.add_argument("--detectors", type=int, default=2, help="number of detectors")
    parser.add_argument(
        "--sources-per-detector", type=int, default=12, help="number of changing sources on each detector"
    )
    parser.add_argument(
        "--other-run",
        action="store_true",
        help="process the same exposures by another version of the pipeline too, to compare two runs: "
        "collection DemoCam/runs/other, OUT/apdb-other.sqlite3, OUT/truth-other.parquet",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo in OUT")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Make the demo that the command line asks for.

    ``argv``: the arguments; by default those of the process. Returns: 0 when the demo was made, 1 when it
    could not be written, 2 when what was asked for cannot be.
    """
    arguments = build_parser().parse_args(argv)

    try:
        make_demo(
            arguments.out,
            seed=arguments.seed,
            size=arguments.size,
            visits=arguments.visits,
            detectors=arguments.detectors,
            sources_per_detector=arguments.sources_per_detector,
            other_run=arguments.other_run,
            overwrite=arguments.overwrite,
            report=lambda line: print(line, flush=True),
        )
    except CutoutsError as error:
        options = "".join(f" (--{choice})" for choice in error.choices)
        print(f"zooniverseCutoutsDemo: {error}{options}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"zooniverseCutoutsDemo: {error}", file=sys.stderr)
        return 1
    return 0
