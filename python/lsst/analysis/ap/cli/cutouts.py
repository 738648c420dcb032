"""The command ``zooniverseCutouts``: words into a configuration, sources, a butler and one run.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
import sys
from typing import TYPE_CHECKING

from ..domain import CutoutsError
from ._command import Command, at_least_one
from ._options import (
    add_collections_option,
    add_config_options,
    add_place_words,
    add_work_options,
    configured,
    open_butler,
    print_report,
    report_result,
)
from ._sources import (
    add_source_options,
    check_source_options,
    columns_for,
    open_catalog,
    selection_of,
    with_additions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from ..runs._repository import Repository
    from ..sources import Catalog, Selection, SqlApdb, TableCatalog
    from ..zooniverseCutouts import ZooniverseCutoutsTask

_FEW = 1000
"""As many sources are held in memory before the work begins, as a batch of it may have."""

_EPOCHS = 12
"""How many stamps still make a picture that can be taken in at once."""

_DESCRIPTION = """
Make one picture of each DiaSource: template, science and difference image side by side, cut from the images
of a butler repository, and a manifest that Zooniverse accepts. Running the same command again finishes an
interrupted run and tries again what failed.
"""

_EPILOG = """
examples:
  ten pictures with the catalogue values above, to look at differencing:
    zooniverseCutouts --sqlitefile apdb.sqlite3 --limit 10 \\
        -c addMetadata=True --collections DemoCam/runs/demo repo/ look/

  plain pictures of the most reliable sources of an APDB, in four processes:
    zooniverseCutouts --apdb apdb.yaml --reliability-min 0.7 -j 4 \\
        --collections LSSTCam/prompt repo/ subjects/
    zooniverseCutoutsUpload subjects/ SUBJECT_SET

  a thousand sources over the whole range of reliability, once it is known
  how many there are to choose from:
    zooniverseCutouts --apdb apdb.yaml --where "snr > 5" --dry-run
    zooniverseCutouts --apdb apdb.yaml --where "snr > 5" --sample 1000 \\
        --stratify reliability:10 --collections LSSTCam/prompt repo/ subjects/

  the same with 50 injected fakes among them, in random order, as training
  subjects:
    zooniverseCutouts --apdb apdb.yaml --where "snr > 5" --sample 1000 \\
        --mix pixelFlags_injected:5% -c manifestOrder=random \\
        -c "manifestColumns=+#training_subject=pixelFlags_injected" \\
        --collections LSSTCam/prompt repo/ subjects/

  two sizes of stamp, for pictures hosted elsewhere, from a catalogue file:
    zooniverseCutouts --catalog sources.parquet -c sizes=30,60 \\
        -c urlRoot=https://host/pictures \\
        --collections LSSTCam/prompt repo/ pictures/

  the training set of a reliability classifier, stamps of 51x51 pixels as one
  NumPy array, without pictures:
    zooniverseCutouts --apdb apdb.yaml -c sizes=51 -c writeStamps=npy \\
        --no-pictures --collections LSSTCam/prompt repo/ training/

  an object per picture: its light curve above its stamps through time:
    zooniverseCutouts --apdb apdb.yaml --history strip --limit 20 \\
        --collections LSSTCam/prompt repo/ histories/

  the sources of some alerts, with the stamps that they bring:
    zooniverseCutouts --alerts alerts.avro more.avro pictures/

exit status: 0 all pictures are there, 1 some failed (failures.csv names them), 2 it could not be done.
"""


def _declare(parser: argparse.ArgumentParser) -> None:
    add_source_options(parser)
    add_place_words(parser)
    image = parser.add_argument_group("which images")
    add_collections_option(image)
    image.add_argument(
        "--instrument", metavar="NAME", help="instrument of the sources, where nothing else says it"
    )

    add_config_options(parser, "what the pictures look like")

    work = parser.add_argument_group("how the work is done")
    work.add_argument(
        "--dry-run", action="store_true", help="say how many sources are selected, of what kind, and stop"
    )
    work.add_argument(
        "--gallery", action="store_true", help="also write OUTDIR/gallery/index.html, a page that shows them"
    )
    work.add_argument(
        "--no-pictures", action="store_true", help="only the stamps of -c writeStamps=..., no pictures"
    )
    work.add_argument(
        "--history",
        choices=("strip", "frames", "json"),
        help="the objects of the sources through time instead of the sources: one picture of stamps under a "
        "light curve, one picture for each epoch as the frames of a subject, or the light curve for "
        "Zooniverse's viewer. Files that are there are skipped",
    )
    work.add_argument(
        "--epochs",
        type=at_least_one,
        metavar="N",
        help=f"how many epochs --history shows at most (default: {_EPOCHS})",
    )
    work.add_argument("--retry-failed", action="store_true", help="only what failed in an earlier run")
    add_work_options(work)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.show_config:
        _make_task(arguments).config.saveToStream(sys.stdout)
        return 0
    check_source_options(arguments)
    if arguments.epochs is not None and not arguments.history:
        raise CutoutsError("--epochs says how many --history shows; give that too.")
    if arguments.gallery and "://" in str(arguments.outdir):
        raise CutoutsError("--gallery writes a page for a local directory: give a path as OUTDIR.")
    if arguments.jobs > 1 and not arguments.dry_run:
        from ..runs._pool import fork_workers

        fork_workers(arguments.jobs)
    from ..sources import StandardTables, keep_pandas_out

    keep_pandas_out()
    task = _make_task(arguments)
    if arguments.repo is not None:
        task.repo, task.butler = arguments.repo, open_butler(arguments.repo, arguments.collections)
    repository = task.repository
    catalog = open_catalog(arguments, repository)
    selection = selection_of(arguments)
    sources, total = _open_sources(arguments, repository, catalog, selection)
    if arguments.dry_run:
        return 0
    if arguments.history:
        return _write_histories(arguments, task, sources, catalog)
    asked = {"selection": selection.in_words(), "mix": ", ".join(arguments.mix), "gold": arguments.gold}
    result = task.run(
        StandardTables(sources),
        arguments.outdir,
        jobs=arguments.jobs,
        overwrite=arguments.overwrite,
        append=arguments.append,
        retry_failed=arguments.retry_failed,
        pictures=False if arguments.no_pictures else None,
        asked={name: text for name, text in asked.items() if text},
        total=total,
        progress=False if arguments.quiet else None,
    )
    if arguments.gallery and (result.written or result.skipped):
        from ..gallery import make_gallery

        make_gallery(arguments.outdir)
    return report_result(_COMMAND.prog, arguments.outdir, result)


def _make_task(arguments: argparse.Namespace) -> "ZooniverseCutoutsTask":
    from ..zooniverseCutouts import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    given = {"instrument": arguments.instrument, "flagMap": arguments.flag_map}
    return configured(ZooniverseCutoutsTask, arguments, ZooniverseCutoutsConfig(), given)


def _open_sources(
    arguments: argparse.Namespace,
    repository: "Repository",
    single: "SqlApdb | TableCatalog",
    selection: "Selection",
) -> "tuple[Iterator[pa.Table], int]":
    """Return the selected sources and their number, once they are checked."""
    from ..runs._survey import (
        SURVEY_COLUMNS,
        check_sources,
        describe_sources,
        refuse_empty_selection,
        survey,
        warn_of_absent,
    )

    catalog = with_additions(arguments, single)
    columns = SURVEY_COLUMNS if arguments.dry_run else columns_for(arguments, repository.config)
    # Few sources are read once. Many do not fit into memory, and are counted first by what must be known.
    is_few = selection.most is not None and selection.most <= _FEW
    sources = list(catalog.read(selection, columns)) if is_few else None
    found = survey(catalog.read(selection, SURVEY_COLUMNS) if sources is None else sources)
    if not found.count:
        refuse_empty_selection(selection, single.count)
    warn_of_absent(selection, found)
    if repository.butler is not None:
        check_sources(found, repository)
    if arguments.dry_run:
        for line in describe_sources(found):
            print(line)
    if arguments.write_catalog:
        from ._write_catalog import write_catalog

        write_catalog(catalog.read(selection), arguments.write_catalog, overwrite=arguments.overwrite)
    return catalog.read(selection, columns) if sources is None else iter(sources), found.count


def _write_histories(
    arguments: argparse.Namespace,
    task: "ZooniverseCutoutsTask",
    sources: "Iterable[pa.Table]",
    catalog: "Catalog",
) -> int:
    """Write the histories of the objects of some sources, all of whose epochs are in a catalogue.

    Returns: the exit status.
    """
    from ..views import History, write_histories

    if task.butler is None:
        raise CutoutsError("--history cuts stamps from many images: give a REPO.")
    limit = 0 if arguments.history == "json" else arguments.epochs or _EPOCHS

    def make(column: str, identifier: int) -> History:
        if column == "ssObjectId":
            return task.history(ssObjectId=identifier, catalog=catalog, limit=limit)
        return task.history(identifier, catalog=catalog, limit=limit)

    result = write_histories(
        arguments.outdir, sources, make, arguments.history, overwrite=arguments.overwrite
    )
    print_report(
        arguments.outdir,
        {"written": [len(result.written)], "skipped": [len(result.skipped)], "failed": [len(result.failed)]},
    )
    return 1 if result.failed else 0


_COMMAND = Command("zooniverseCutouts", "REPO OUTDIR", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
