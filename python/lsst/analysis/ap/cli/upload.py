"""The command ``zooniverseCutoutsUpload``: a directory of pictures to a subject set of Zooniverse.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
import logging
import sys

from ..domain import CutoutsError
from ._command import Command, at_least_one, number_of_jobs

_DESCRIPTION = """
Send the subjects of a directory of pictures to a subject set of Zooniverse. What was sent is kept in the
directory: running the same command again sends what is missing, and nothing twice, however the earlier
run ended.
"""

_EPILOG = """
the account: PANOPTES_USERNAME and PANOPTES_PASSWORD, or what 'panoptes configure' wrote, or what you type in.

examples:
  look at what would be sent, send ten to see how they look to volunteers,
  then all of them:
    zooniverseCutoutsUpload --dry-run subjects/ 12345
    zooniverseCutoutsUpload --limit 10 subjects/ 12345
    zooniverseCutoutsUpload subjects/ 12345

  compare what was sent with what is there:
    zooniverseCutoutsUpload --status subjects/

exit status: 0 everything is there, 1 some subjects are not complete (upload_failures.csv names them), or
--status found a difference, 2 it could not be done.
"""

_SHOWN = 5
"""How many failures are told on the screen."""


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory", metavar="DIR", help="directory of pictures, with its manifest: path or URI"
    )
    parser.add_argument(
        "subject_set",
        metavar="SUBJECT_SET",
        nargs="?",
        type=at_least_one,
        help="number of the subject set; may be left out with --status",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    what.add_argument("--status", action="store_true", help="compare what was sent with what the set has")
    what.add_argument("--limit", metavar="N", type=at_least_one, help="send N subjects at most")
    parser.add_argument(
        "-j", "--jobs", type=number_of_jobs, default=4, metavar="N", help="number of connections (default: 4)"
    )
    parser.add_argument(
        "--staging",
        action="store_true",
        help="use Zooniverse's server for trials, which has its own accounts",
    )


def _run(arguments: argparse.Namespace) -> int:
    if arguments.subject_set is None and not arguments.status:
        raise CutoutsError(
            "The subject set is missing: give its number, which the lab shows and 'panoptes subject-set ls' "
            "prints."
        )
    logging.getLogger("urllib3").setLevel(logging.INFO)  # in more detail it shows signatures
    from ..zooniverse import upload, upload_status

    if arguments.status or arguments.dry_run:
        status = upload_status(arguments.directory, arguments.subject_set, staging=arguments.staging)
        for line in status.lines():
            print(line)
        return 0 if arguments.dry_run or status.agrees else 1
    result = upload(
        arguments.directory,
        arguments.subject_set,
        staging=arguments.staging,
        jobs=arguments.jobs,
        limit=arguments.limit,
        progress=False if arguments.quiet else None,
    )
    print(f"subject set {arguments.subject_set} at {result.endpoint}")
    rows = {"sent": len(result.sent), "already there": len(result.skipped), "failed": len(result.failed)}
    if result.left:
        rows["left"] = result.left
    for name, value in {**rows, "table": result.table}.items():
        print(f"  {name:15}{value}")
    for identifier, reason in list(result.failed.items())[:_SHOWN]:
        print(f"{_COMMAND.prog}: {identifier}: {reason}", file=sys.stderr)
    return 1 if result.failed else 0


_COMMAND = Command("zooniverseCutoutsUpload", "DIR SUBJECT_SET", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
