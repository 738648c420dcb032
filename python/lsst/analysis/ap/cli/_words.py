"""The words of a command line: understood, or refused by name."""

__all__ = ("at_least_one", "number_of_jobs", "parse_words", "positive", "refuse_empty", "spell")

import argparse
import re
from collections.abc import Sequence
from typing import Final

from ..domain import CutoutsError
from ..messages import did_you_mean

_MOST_JOBS: Final = 1000
"""More than any machine has cores."""


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


def parse_words(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
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


def refuse_empty(arguments: argparse.Namespace) -> None:
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


def spell(parser: argparse.ArgumentParser, choices: Sequence[str]) -> str:
    """Return how a command spells the choices that a message names."""
    options = {action.dest: max(action.option_strings, key=len, default="") for action in parser._actions}
    words = [options.get(name) or f"-c {name}=VALUE" for name in choices]
    return f" (On the command line: {', '.join(words)}.)" if words else ""
