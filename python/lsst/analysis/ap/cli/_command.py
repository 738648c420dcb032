"""A command: its words, understood or refused by name; what it does; and where its errors become one line.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("Command", "at_least_one", "number_of_jobs", "positive")

import argparse
import logging
import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ..domain import CutoutsError
from ..messages import did_you_mean

_log = logging.getLogger(__name__)

_WIDTH: Final = 79
"""Columns of a help text, whatever the terminal: a usual one has 80."""

_MOST_JOBS: Final = 1000
"""More than any machine has cores."""


class _ShowVersion(argparse.Action):
    """Print the version, which is looked for when somebody asks and not before."""

    def __call__(self, parser: argparse.ArgumentParser, *args: Any) -> None:
        from .._version import software_version

        print(parser.prog, software_version())
        parser.exit()


class _HelpFormatter(argparse.HelpFormatter):
    """Wraps paragraphs, and leaves lines that are indented as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = re.split(r"\n\s*\n", text.strip("\n"))
        return "\n\n".join(part if "\n " in part else textwrap.fill(part, _WIDTH) for part in parts)


@dataclass(frozen=True)
class Command:
    """One of the commands of this package."""

    prog: str
    """Its name."""
    places: str
    """Its words besides options, as the line of usage has them."""
    description: str
    """What it does."""
    epilog: str
    """Examples, and the exit status."""
    declare: Callable[[argparse.ArgumentParser], None]
    """Gives a parser its words."""
    act: Callable[[argparse.Namespace], int]
    """Does what they ask for, and returns the exit status."""

    def build_parser(self) -> argparse.ArgumentParser:
        """Return the parser of the command line; it imports no middleware."""
        parser = argparse.ArgumentParser(
            prog=self.prog,
            usage=f"%(prog)s [options] {self.places}",
            description=self.description,
            epilog=self.epilog,
            formatter_class=partial(_HelpFormatter, max_help_position=28, width=_WIDTH),
            allow_abbrev=False,
        )
        self.declare(parser)
        messages = parser.add_argument_group("what is reported")
        messages.add_argument(
            "--log-level",
            type=str.upper,
            choices=("DEBUG", "INFO", "WARNING", "ERROR"),
            default="INFO",
            help="least level of messages (default: INFO); DEBUG shows where each error was raised",
        )
        messages.add_argument(
            "--quiet", action="store_true", help="no progress bar, only warnings and errors"
        )
        messages.add_argument("--version", action=_ShowVersion, nargs=0, help="print the version and stop")
        return parser

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run the command.

        ``argv``: the words after the command's name; those of the process when not given. Returns: what the
        command's help says; 2 when nothing could be done as asked, 130 when interrupted.
        """
        try:
            try:
                return self._run(sys.argv[1:] if argv is None else argv)
            finally:
                if sys.stdout is not None:  # as it is when it was closed from the start
                    sys.stdout.flush()  # while a closed pipe can still be told from a failure
        except BrokenPipeError:  # whoever read the output, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE

    def _run(self, argv: Sequence[str]) -> int:
        parser = self.build_parser()
        if "_ARGCOMPLETE" in os.environ:  # set by a shell that wants to complete a word
            import argcomplete

            argcomplete.autocomplete(parser)
        arguments = _parse_words(parser, argv)
        level = "WARNING" if arguments.quiet else arguments.log_level
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)
        if level != "DEBUG":  # a server's butler tells of every request, with its address
            logging.getLogger("httpx2").setLevel(logging.WARNING)
            # Of trials that fail, the last one is told by the command.
            logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        try:
            _refuse_empty(arguments)
            return self.act(arguments)
        except CutoutsError as error:
            return self._refuse(f"{error}{_spell(parser, error.choices)}")
        except BrokenPipeError:
            raise
        except KeyboardInterrupt:
            how = ", without --overwrite" if getattr(arguments, "overwrite", False) else ""
            print(f"{self.prog}: interrupted; run the same command again to finish{how}.", file=sys.stderr)
            return 128 + signal.SIGINT
        except ModuleNotFoundError as error:
            return self._refuse(
                f"Python module {error.name} is not installed in {sys.prefix}, and this needs it. "
                "'pip check' names the packages that are missing."
            )
        except Exception as error:
            cause = " ".join(f"{type(error).__name__}: {error}".split())
            return self._refuse(
                f"something went wrong that nobody thought of: {cause}. With --log-level DEBUG the same "
                "command shows where; please report it."
            )

    def _refuse(self, message: str) -> int:
        _log.debug("It was raised here:", exc_info=True)
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        return 2


def number_of_jobs(text: str) -> int:
    """Return how many processes or connections a word says; 1 for 0, as some tasks spell no other process."""
    number = _whole(text)
    if not 0 <= number <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {_MOST_JOBS}")
    return max(number, 1)


def at_least_one(text: str) -> int:
    """Return the whole number from 1 that a word says."""
    if (number := _whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def positive(text: str) -> float:
    """Return the number above 0 that a word says."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _parse_words(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Return what the words of a command say; end the process for those that say nothing."""
    options = [name for action in parser._actions for name in action.option_strings]
    for word in argv:  # -collections would be -c with the value ollections
        if re.fullmatch(r"-[a-z][a-z-]+(=.*)?", word) and (name := f"-{word.partition('=')[0]}") in options:
            parser.error(f"{word}: an option of several letters has two dashes; write {name}")
    arguments, unknown = parser.parse_known_intermixed_args(argv)
    if unknown:
        parser.error(_unknown(unknown, options))
    _return_places(arguments, argv)
    return arguments


def _unknown(words: Sequence[str], options: Sequence[str]) -> str:
    """Return what is wrong with words that nobody asked for."""
    strange = [word.partition("=")[0] for word in words if re.match("--?[A-Za-z]", word)]
    if not strange:
        return f"unexpected {' '.join(words)}: put a value that has blanks in it between quotes"
    name = strange[0]
    hint = did_you_mean(f"--{name.strip('-')}", options) or " See --help for all options."
    return f"unknown option {name}.{hint}"


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


def _refuse_empty(arguments: argparse.Namespace) -> None:
    """Refuse an option that is given and empty, as of a shell variable that is not set.

    It would count as one that is not given, and so select everything or write into the present directory.
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


def _spell(parser: argparse.ArgumentParser, choices: Sequence[str]) -> str:
    """Return how a command spells the choices that a message names."""
    options = {action.dest: max(action.option_strings, key=len, default="") for action in parser._actions}
    words = [options.get(name) or f"-c {name}=VALUE" for name in choices]
    return f" (On the command line: {', '.join(words)}.)" if words else ""
