"""What the commands of this package have in common.

Nothing heavy is imported until the words are understood.
"""

__all__ = (
    "add_collections_option",
    "add_log_options",
    "add_place_options",
    "add_work_options",
    "at_least_one",
    "open_butler",
    "run_command",
    "tell",
)

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from .._version import software_version
from ..domain import CutoutsError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler
    from lsst.pipe.base import Struct

_SHOWN: Final = 5
"""How many files of a kind are named when there are many."""


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Add the words for the repository and the directory.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command. Neither word is required yet.
    """
    parser.add_argument("repo", metavar="REPO", nargs="?", help="butler repository: path, URI or label")
    parser.add_argument(
        "outdir", metavar="OUTDIR", nargs="?", help="directory for the pictures; made if needed"
    )
    parser.add_argument("--version", action="version", version=f"{parser.prog} {software_version()}")


def add_collections_option(group: "argparse._ArgumentGroup") -> None:
    """Add the option that names the collections.

    Parameters
    ----------
    group : `argparse._ArgumentGroup`
        Group of options that it belongs to.
    """
    group.add_argument(
        "--collections",
        metavar="NAME[,NAME]",
        action="append",
        help="collections to search, first match first",
    )


def add_work_options(group: "argparse._ArgumentGroup") -> None:
    """Add the options that say how the work is done.

    Parameters
    ----------
    group : `argparse._ArgumentGroup`
        Group of options that they belong to.
    """
    group.add_argument(
        "-j", "--jobs", type=at_least_one, default=1, metavar="N", help="number of processes (default: 1)"
    )
    earlier = group.add_mutually_exclusive_group()
    earlier.add_argument(
        "--overwrite", action="store_true", help="make the pictures that are in OUTDIR again"
    )
    earlier.add_argument("--append", action="store_true", help="add to pictures made with other settings")
    add_log_options(group)


def add_log_options(group: "argparse._ActionsContainer") -> None:
    """Add the options that say how much is told.

    Parameters
    ----------
    group : `argparse.ArgumentParser` or group
        What they belong to.
    """
    group.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        help="how much to tell (default: INFO)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress bar, and only warnings and errors")


def at_least_one(text: str) -> int:
    """Return the number that a word says.

    Parameters
    ----------
    text : `str`
        The word.

    Returns
    -------
    number : `int`
        The number, from 1.

    Raises
    ------
    ValueError, argparse.ArgumentTypeError
        Raised when it is none, or less than 1.
    """
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def run_command(
    parser: argparse.ArgumentParser,
    act: Callable[[argparse.Namespace], int],
    argv: Sequence[str] | None,
) -> int:
    """Do what the words of a command ask for.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    act : callable
        Does it, and returns the exit status.
    argv : sequence of `str` or `None`
        The words after the command's name; those of the process when `None`.

    Returns
    -------
    status : `int`
        That of ``act``; 2 when nothing could be done as asked, 130 when
        interrupted.
    """
    if "_ARGCOMPLETE" in os.environ:  # set by a shell that wants to complete a word
        import argcomplete

        argcomplete.autocomplete(parser)
    arguments = parser.parse_intermixed_args(argv)
    level = "WARNING" if arguments.quiet else arguments.log_level
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)
    try:
        return act(arguments)
    except CutoutsError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        how = ", without --overwrite" if getattr(arguments, "overwrite", False) else ""
        print(f"{parser.prog}: interrupted; run the same command again to finish{how}.", file=sys.stderr)
        return 130


def open_butler(repo: str, words: Sequence[str] | None) -> "Butler":
    """Open a repository read-only, and check that the collections exist.

    Parameters
    ----------
    repo : `str`
        Path, URI or label of the repository.
    words : sequence of `str` or `None`
        Collections to search, those with commas several.

    Returns
    -------
    butler : `lsst.daf.butler.Butler`
        The repository, with these as default collections.

    Raises
    ------
    CutoutsError
        Raised when the repository cannot be opened, or has no such
        collection.
    """
    from lsst.daf.butler import Butler, MissingCollectionError

    collections = [name for word in words or () for name in word.split(",") if name]
    try:
        butler = Butler.from_config(repo, collections=collections or None, writeable=False)
    except MissingCollectionError as error:
        _refuse_collections(f"{error}", Butler.from_config(repo, writeable=False), repo)
    except Exception as error:  # what comes depends on the kind of repository
        raise CutoutsError(f"Butler repository {repo} cannot be opened: {_first_line(error)}") from None
    try:
        butler.collections.query(butler.collections.defaults)
    except MissingCollectionError as error:
        _refuse_collections(str(error), butler, repo)
    if not butler.collections.defaults:
        _refuse_collections("It is not said which collections to search", butler, repo)
    return butler


def _refuse_collections(cause: str, butler: "Butler", repo: str) -> NoReturn:
    known = sorted(butler.collections.query("*"))
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    raise CutoutsError(f"{cause.rstrip('.')}. {repo} has {shown or 'none'}: name them with --collections.")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def tell(prog: str, outdir: str, result: "Struct") -> int:
    """Say what came of a run.

    Parameters
    ----------
    prog : `str`
        Name of the command.
    outdir : `str`
        Directory of the pictures.
    result : `lsst.pipe.base.Struct`
        What the task returned.

    Returns
    -------
    status : `int`
        0 when every picture is there, 1 when some failed.
    """
    rows: dict[str, Sequence[object]] = {
        "written": [len(result.written)],
        "already there": [len(result.skipped)],
        "failed": [len(result.failed)],
        "manifest": _few(result.manifests),
        "stamps": _few(result.stamps),
    }
    print(outdir)
    for name, values in rows.items():
        for number, value in enumerate(values):
            print(f"  {'' if number else name:15}{value}")
    if not result.failed:
        return 0
    first = result.failed[0]
    print(
        f"{prog}: {outdir}/failures.csv names what failed; the first is\n"
        f"  {first.diaSourceId}: {first.reason}",
        file=sys.stderr,
    )
    return 1


def _few(paths: Sequence[str]) -> list[str]:
    """Return the first of many paths, and how many there are more."""
    more = len(paths) - _SHOWN
    return [*paths[:_SHOWN], f"and {more} more"] if more > 0 else list(paths)
