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
    "processes",
    "report_result",
    "run_command",
)

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from .._version import software_version
from ..domain import CutoutsError
from ..messages import public_uri, waiting_for

if TYPE_CHECKING:
    from lsst.daf.butler import Butler
    from lsst.pipe.base import Struct

_log = logging.getLogger(__name__)

_MOST_PROCESSES: Final = 1000
"""More than any machine has cores."""

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
        metavar="NAME",
        nargs="+",
        action="append",
        help="collections to search, first match first, with commas or blanks between them; * stands for any "
        "letters",
    )


def add_work_options(group: "argparse._ArgumentGroup") -> None:
    """Add the options that say how the work is done.

    Parameters
    ----------
    group : `argparse._ArgumentGroup`
        Group of options that they belong to.
    """
    group.add_argument(
        "-j", "--jobs", type=processes, default=1, metavar="N", help="number of processes (default: 1)"
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


def processes(text: str) -> int:
    """Return the number of processes or connections that a word says.

    Parameters
    ----------
    text : `str`
        The word.

    Returns
    -------
    number : `int`
        The number; 1 for 0, which is how some tasks spell no other process.

    Raises
    ------
    ValueError, argparse.ArgumentTypeError
        Raised when it is none, or impossible.
    """
    number = int(text)
    if not 0 <= number <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {_MOST_PROCESSES}")
    return max(number, 1)


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
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser.parse_intermixed_args(argv)
    _return_places(arguments, argv)
    level = "WARNING" if arguments.quiet else arguments.log_level
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)
    if level != "DEBUG":  # a server's butler tells of every request, with its address
        logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        _refuse_empty(arguments)
        status = act(arguments)
        sys.stdout.flush()  # while a closed pipe can still be told from a failure
        return status
    except CutoutsError as error:
        _log.debug("It was raised here:", exc_info=True)
        print(f"{parser.prog}: error: {error}{_spelled(parser, error.choices)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        how = ", without --overwrite" if getattr(arguments, "overwrite", False) else ""
        print(f"{parser.prog}: interrupted; run the same command again to finish{how}.", file=sys.stderr)
        return 128 + signal.SIGINT
    except Exception as error:
        _log.debug("It was raised here:", exc_info=True)
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        print(
            f"{parser.prog}: error: something went wrong that nobody thought of: {cause}. With --log-level "
            "DEBUG the same command shows where; please report it.",
            file=sys.stderr,
        )
        return 2


def _refuse_empty(arguments: argparse.Namespace) -> None:
    """Refuse an option that is given and empty, as of a shell variable that is not set.

    It would count as one that is not given, and so select everything or
    write into the present directory.
    """

    def is_empty(value: object) -> bool:
        if isinstance(value, list):
            return any(map(is_empty, value))
        return isinstance(value, str) and not value.strip(" ,")

    for name, value in vars(arguments).items():
        if is_empty(value):
            raise CutoutsError(
                f"{name} is given and empty: give it a value, or leave it out.",
                choices=() if name in ("repo", "outdir") else (name,),
            )


def _spelled(parser: argparse.ArgumentParser, choices: Sequence[str]) -> str:
    """Return how a command spells the choices that a message names."""
    options = {action.dest: max(action.option_strings, key=len, default="") for action in parser._actions}
    words = [options.get(name) or f"-c {name}=..." for name in choices]
    return f" (On the command line: {', '.join(words)}.)" if words else ""


def _return_places(arguments: argparse.Namespace, argv: Sequence[str]) -> None:
    """Give REPO and OUTDIR back what an option before them took for collections.

    The names of collections have blanks or commas between them, so that
    ``--collections A B REPO OUTDIR`` is understood by what is missing.
    """
    groups = getattr(arguments, "collections", None)
    missing = [name for name in ("outdir", "repo") if getattr(arguments, name, "") is None]
    if not groups or not missing:
        return
    taken = groups[-1]
    places = [taken.pop() for _ in missing if len(taken) > 1]
    if arguments.repo is not None:
        places.append(arguments.repo)
    arguments.repo, arguments.outdir = (*sorted(places, key=list(argv).index), None, None)[:2]


def open_butler(repo: str, groups: Sequence[Sequence[str]] | None) -> "Butler":
    """Open a repository read-only, and check that the collections exist.

    Parameters
    ----------
    repo : `str`
        Path, URI or label of the repository.
    groups : sequence of sequence of `str` or `None`
        Collections to search, as ``--collections`` gives them.

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

    words = [name.strip() for group in groups or () for word in group for name in word.split(",")]
    if groups and not any(words):
        raise CutoutsError("--collections is given and empty: name collections, or leave it out.")
    try:
        with waiting_for(f"butler repository {public_uri(repo)}"):
            butler = Butler.from_config(repo, writeable=False)
    except Exception as error:  # what comes depends on the kind of repository
        raise CutoutsError(
            f"Butler repository {public_uri(repo)} cannot be opened: {_first_line(error)}"
        ) from error
    collections: list[str] = []
    for word in filter(None, words):
        try:
            found = butler.collections.query(word)
        except MissingCollectionError as error:
            _refuse_collections(str(error), butler, repo, error)
        if not found:
            _refuse_collections(f"No collection is named {word}", butler, repo)
        # Of names with a wildcard, the newest first, as their time stamps sort.
        collections += [word] if word in found else sorted(found, reverse=True)
    if collections:
        butler = butler.clone(collections=tuple(dict.fromkeys(collections)))
    if not butler.collections.defaults:
        _refuse_collections("It is not said which collections to search", butler, repo)
    return butler


def _refuse_collections(cause: str, butler: "Butler", repo: str, error: Exception | None = None) -> NoReturn:
    known = sorted(butler.collections.query("*"))
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    raise CutoutsError(
        f"{cause.rstrip('.')}. {public_uri(repo)} has {shown or 'none'}: name them with --collections."
    ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def report_result(prog: str, outdir: str, result: "Struct") -> int:
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
        **{name: _few(commands) for name, commands in result.uploads.items()},
    }
    outdir = public_uri(outdir)
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
