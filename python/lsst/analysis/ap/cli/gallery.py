"""The command ``zooniverseCutoutsGallery``: a page that shows pictures and takes labels.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from ..domain import CutoutsError
from ..messages import did_you_mean
from ._command import Command, positive

_DESCRIPTION = """
Write a page that shows the pictures of a directory, or compares those of two. It opens from the disk in any
browser, without a server and without the network: browse, filter, sort, plot and label with the keyboard.
"""

_EPILOG = """
OUT is the last word if it holds no pictures; without it, the page goes to the folder 'gallery' of the last
directory. OUT/index.html is the page, OUT/items.parquet has the path of each picture and every column.

examples:
  look at what zooniverseCutouts made:
    zooniverseCutoutsGallery pictures/
    open pictures/gallery/index.html

  a page that can be sent to somebody else, with words of one's own for labels:
    zooniverseCutoutsGallery --copy --labels transient:t,variable:v,bogus:b \\
        pictures/ to-send/

  what became of the sources when the pipeline changed:
    zooniverseCutoutsGallery before/ after/ comparison/

exit status: 0 the page is written, 2 it could not be done.
"""


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directories",
        metavar="DIR",
        nargs="+",
        help="directory of pictures; two to compare: before, after; then OUT",
    )
    parser.add_argument("--title", metavar="TEXT", help="title of the page (default: the directories' names)")
    parser.add_argument(
        "--labels",
        metavar="WORD:KEY[,WORD:KEY]",
        type=_labels,
        help="words of labels and their keys (default: real:r,bogus:b,unsure:u)",
    )
    parser.add_argument("--copy", action="store_true", help="put the pictures beside the page as well")
    changed = parser.add_argument_group("from where on a source of two directories has changed")
    for name, unit, default in (
        ("radius", "greatest distance of a source to itself, in arcseconds", 1.0),
        ("flux", "change of psfFlux, in units of its error", 1.0),
        ("reliability", "change of reliability", 0.1),
        ("shift", "change of the position, in arcseconds", 0.1),
    ):
        changed.add_argument(
            f"--{name}", metavar="X", type=positive, default=default, help=f"{unit} (default: {default})"
        )


def _labels(text: str) -> list[tuple[str, str]]:
    pairs = [tuple(part.rpartition(":")[::2]) for part in text.split(",") if part.strip()]
    words = [(word.strip(), key.strip().lower()) for word, key in pairs]
    if not words or not all(word and key for word, key in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form WORD:KEY, such as real:r,bogus:b")
    return words


def _run(arguments: argparse.Namespace) -> int:
    from ..gallery import Thresholds, make_gallery

    directories, out = _settle(arguments.directories)
    thresholds = Thresholds(arguments.radius, arguments.flux, arguments.reliability, arguments.shift)
    given = {} if arguments.labels is None else {"labels": arguments.labels}
    index = make_gallery(
        *directories, out=out, title=arguments.title, thresholds=thresholds, copy=arguments.copy, **given
    )
    print(index)
    return 0


def _settle(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the directories of pictures, and where the page goes."""
    from ..output import holds_pictures

    if len(words) == 1 or holds_pictures(last := Path(words[-1])):
        return list(words), None
    if len(words) == 2 and last.parent.is_dir() and not last.exists():
        runs = (
            path.name for path in last.parent.iterdir() if path != Path(words[0]) and holds_pictures(path)
        )
        if near := did_you_mean(last.name, runs, os.path.dirname(last)):
            raise CutoutsError(
                f"There is no directory {last}.{near} If the page is to go there, make that directory first."
            )
    return list(words[:-1]), words[-1]


_COMMAND = Command("zooniverseCutoutsGallery", "DIR [DIR] [OUT]", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
