"""The command that makes the demo."""

__all__ = ("main",)

import argparse
import functools
import inspect
import sys
from collections.abc import Sequence

from ..domain import CutoutsError
from ._make import make_demo

_DEFAULTS = inspect.signature(make_demo).parameters
_NUMBERS = {
    "seed": "the same seed gives the same sky",
    "size": "pixels per side of a detector",
    "visits": "number of visits, two every fifth night, in r, i and g by turns",
    "detectors": "number of detectors",
    "sources-per-detector": "number of changing sources on each detector",
}
_SWITCHES = {
    "other-run": "process the same exposures by another version of the pipeline too, to compare two runs: "
    "collection DemoCam/runs/other, OUT/apdb-other.sqlite3, OUT/truth-other.parquet",
    "overwrite": "replace an earlier demo in OUT",
}


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
    parser.add_argument("root", metavar="OUT", help="directory to write to; made when it does not exist")
    for name, meaning in _NUMBERS.items():
        default = _DEFAULTS[name.replace("-", "_")].default
        parser.add_argument(f"--{name}", type=int, default=default, help=meaning)
    for name, meaning in _SWITCHES.items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Make the demo that the command line asks for.

    ``argv``: the arguments; by default those of the process. Returns: 0 when the demo was made, 1 when it
    could not be written, 2 when what was asked for cannot be.
    """
    arguments = build_parser().parse_args(argv)
    try:
        make_demo(**vars(arguments), report=functools.partial(print, flush=True))
    except (CutoutsError, OSError) as error:
        options = "".join(f" (--{choice})" for choice in getattr(error, "choices", ()))
        print(f"zooniverseCutoutsDemo: {error}{options}", file=sys.stderr)
        return 2 if isinstance(error, CutoutsError) else 1
    return 0
