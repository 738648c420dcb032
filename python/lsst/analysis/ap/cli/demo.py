"""The command ``zooniverseCutoutsDemo``: a synthetic sky to try the others on.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
import inspect
import logging
from functools import partial

from ..demo import make_demo
from ..domain import CutoutsError
from ._command import Command

_DESCRIPTION = """
Write a synthetic sky as a butler repository (OUT/repo) and an alert production database (OUT/apdb.sqlite3
with its configuration OUT/apdb.yaml), to try zooniverseCutouts on; OUT/truth.parquet tells what each
DiaSource really is.
"""

_EPILOG = """
exit status: 0 the demo was made, 2 it could not be.
"""

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


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", metavar="OUT", help="directory to write to; made when it does not exist")
    for name, meaning in _NUMBERS.items():
        default = _DEFAULTS[name.replace("-", "_")].default
        help = f"{meaning} (default: {default})"
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=help)
    for name, meaning in _SWITCHES.items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)


def _run(arguments: argparse.Namespace) -> int:
    names = (name.replace("-", "_") for name in (*_NUMBERS, *_SWITCHES))
    choices = {name: getattr(arguments, name) for name in names}
    report = None if arguments.quiet else partial(print, flush=True)
    if arguments.log_level != "DEBUG":  # a new database begins with "dropping all tables"
        logging.getLogger("lsst.dax").setLevel(logging.WARNING)
    try:
        make_demo(arguments.root, report=report, **choices)
    except OSError as error:
        raise CutoutsError(f"The demo cannot be written: {error}.") from error
    return 0


_COMMAND = Command("zooniverseCutoutsDemo", "OUT", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
