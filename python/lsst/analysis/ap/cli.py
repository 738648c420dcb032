"""The command ``zooniverseCutouts``: words into a configuration, sources, a butler and one run.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("main",)

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from ._cli_config import add_config_options, make_config
from ._source_choice import columns_for, open_catalog, selection_in_words, selection_of
from ._source_options import add_source_options, settle_places, source_is_given
from ._version import software_version
from .domain import CutoutsError

if TYPE_CHECKING:
    import pyarrow as pa

    from lsst.daf.butler import Butler

    from .zooniverseCutouts import ZooniverseCutoutsConfig

_PROG = "zooniverseCutouts"

_DESCRIPTION = """
Make one picture of each DiaSource: template, science and difference image side by side, cut from the images
of a butler repository, and a manifest that Zooniverse accepts. Running the same command again finishes an
interrupted run and tries again what failed.
"""

_EPILOG = """
examples:
  ten pictures with the catalogue values above, to look at image differencing:
    zooniverseCutouts --sqlitefile apdb.sqlite3 --limit 10 -c addMetadata=True \\
        --collections DemoCam/runs/demo repo/ look/

  plain pictures of the most reliable sources of an APDB, in four processes:
    zooniverseCutouts --apdb apdb.yaml --reliability-min 0.7 -j 4 --collections LSSTCam/prompt repo/ subjects/
    panoptes subject-set upload-subjects SUBJECT_SET_ID subjects/manifest.csv

  a thousand sources over the whole range of reliability, once it is known how many there are to choose from:
    zooniverseCutouts --apdb apdb.yaml --where "snr > 5 and not isDipole" --dry-run
    zooniverseCutouts --apdb apdb.yaml --where "snr > 5 and not isDipole" --sample 1000 \\
        --stratify reliability:10 --collections LSSTCam/prompt repo/ subjects/

  two sizes of stamp, for pictures hosted elsewhere, from a catalogue file:
    zooniverseCutouts --catalog sources.parquet -c sizes=30,60 -c urlRoot=https://host/pictures \\
        --collections LSSTCam/prompt repo/ pictures/

  the training set of a reliability classifier, stamps of 51x51 pixels as one NumPy array:
    zooniverseCutouts --apdb apdb.yaml -c sizes=51 -c writeStamps=npy \\
        --collections LSSTCam/prompt repo/ training/

  the sources of some alerts, with the stamps that they bring:
    zooniverseCutouts --alerts alerts.avro more.avro pictures/

exit status: 0 all pictures are there, 1 some failed (failures.csv names them), 2 it could not be done.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of `str`, optional
        The words after the command's name; those of the process when not
        given.

    Returns
    -------
    status : `int`
        0 when every picture is there, 1 when some failed, 2 when nothing
        could be done as asked, 130 when interrupted.
    """
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:  # set by a shell that wants to complete a word
        import argcomplete

        argcomplete.autocomplete(parser)
    arguments = parser.parse_intermixed_args(argv)
    try:
        return _run(parser, arguments)
    except CutoutsError as error:
        print(f"{_PROG}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{_PROG}: interrupted; run the same command again to finish.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns
    -------
    parser : `argparse.ArgumentParser`
        It imports nothing of the middleware.
    """
    parser = argparse.ArgumentParser(
        prog=_PROG,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("repo", metavar="REPO", nargs="?", help="butler repository: path, URI or label")
    parser.add_argument(
        "outdir", metavar="OUTDIR", nargs="?", help="directory for the pictures; made if needed"
    )
    parser.add_argument("--version", action="version", version=f"{_PROG} {software_version()}")

    add_source_options(parser)

    image = parser.add_argument_group("which images")
    image.add_argument(
        "--collections",
        metavar="NAME[,NAME]",
        action="append",
        help="collections to search, first match first",
    )
    image.add_argument(
        "--instrument", metavar="NAME", help="instrument of the sources, where nothing else says it"
    )

    add_config_options(parser)

    work = parser.add_argument_group("how the work is done")
    work.add_argument(
        "--dry-run", action="store_true", help="say what is selected and what it would take, and stop"
    )
    work.add_argument(
        "-j", "--jobs", type=int, default=1, metavar="N", help="number of processes (default: 1)"
    )
    earlier = work.add_mutually_exclusive_group()
    earlier.add_argument(
        "--overwrite", action="store_true", help="make the pictures that are in OUTDIR again"
    )
    earlier.add_argument("--append", action="store_true", help="add to pictures made with other settings")
    work.add_argument("--retry-failed", action="store_true", help="only what failed in an earlier run")
    work.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        help="how much to tell (default: INFO)",
    )
    work.add_argument("--quiet", action="store_true", help="no progress bar, and only warnings and errors")
    return parser


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    level = "WARNING" if arguments.quiet else arguments.log_level
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=level)
    if arguments.show_config:
        make_config(arguments).saveToStream(sys.stdout)
        return 0
    if problem := settle_places(arguments):
        parser.error(problem)
    if not source_is_given(arguments):
        parser.error(
            "give the DiaSources: --sqlitefile, --postgres-url, --apdb, --catalog, --catalog-dataset or "
            "--alerts"
        )

    config = make_config(arguments)
    butler = None if arguments.repo is None else _open_butler(arguments.repo, arguments.collections)
    sources, total = _open_sources(arguments, config, butler)
    if arguments.dry_run:
        return 0
    from .zooniverseCutouts import ZooniverseCutoutsTask

    task = ZooniverseCutoutsTask(config, butler=butler)
    result = task.run(
        sources,
        arguments.outdir,
        jobs=arguments.jobs,
        overwrite=arguments.overwrite,
        append=arguments.append,
        retry_failed=arguments.retry_failed,
        asked={"selection": selection_in_words(selection_of(arguments))},
        total=total,
        progress=False if arguments.quiet else None,
    )
    print(
        f"{arguments.outdir}: {len(result.written)} written, {len(result.skipped)} already there, "
        f"{len(result.failed)} failed; manifest {result.manifest}"
    )
    if not result.failed:
        return 0
    first = result.failed[0]
    print(
        f"{_PROG}: {arguments.outdir}/failures.csv names what failed; the first is\n"
        f"  {first.diaSourceId}: {first.reason}",
        file=sys.stderr,
    )
    return 1


def _open_sources(
    arguments: argparse.Namespace, config: "ZooniverseCutoutsConfig", butler: "Butler | None"
) -> "tuple[Iterable[pa.Table], int]":
    """Return the selected sources and their number, once they are checked."""
    from ._checks import check_sources, describe_sources, warn_of_absent
    from .sources import SURVEY_COLUMNS, survey

    selection, catalog = selection_of(arguments), open_catalog(arguments, butler)
    found = survey(catalog.read(selection, SURVEY_COLUMNS))
    warn_of_absent(selection, found)
    if butler is not None:
        check_sources(found, butler, config.instrument)
    if arguments.dry_run:
        for line in describe_sources(found, config.makeStyle(), arguments.jobs):
            print(line)
    return catalog.read(selection, columns_for(arguments, config)), found.count


def _open_butler(repo: str, words: Sequence[str] | None) -> "Butler":
    """Open a repository read-only, and check that the collections exist."""
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
