"""A command: what declares its words, what it does with them, and the border where errors become one line.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("Command",)

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
from ._words import parse_words, refuse_empty, spell

_log = logging.getLogger(__name__)

_WIDTH: Final = 79
"""Columns of a help text, whatever the terminal: a usual one has 80."""


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
                sys.stdout.flush()  # while a closed pipe can still be told from a failure
        except BrokenPipeError:  # whoever read the output, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE

    def _run(self, argv: Sequence[str]) -> int:
        parser = self.build_parser()
        if "_ARGCOMPLETE" in os.environ:  # set by a shell that wants to complete a word
            import argcomplete

            argcomplete.autocomplete(parser)
        arguments = parse_words(parser, argv)
        level = "WARNING" if arguments.quiet else arguments.log_level
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)
        if level != "DEBUG":  # a server's butler tells of every request, with its address
            logging.getLogger("httpx2").setLevel(logging.WARNING)
        try:
            refuse_empty(arguments)
            return self.act(arguments)
        except CutoutsError as error:
            return self._refuse(f"{error}{spell(parser, error.choices)}")
        except BrokenPipeError:
            raise
        except KeyboardInterrupt:
            how = ", without --overwrite" if getattr(arguments, "overwrite", False) else ""
            print(f"{self.prog}: interrupted; run the same command again to finish{how}.", file=sys.stderr)
            return 128 + signal.SIGINT
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
