"""The command ``zooniverseCutoutsExport``: pictures of a pipeline into files.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
import sys

from ._command import Command
from ._options import (
    add_collections_option,
    add_config_options,
    add_place_words,
    add_work_options,
    configured,
    open_butler,
    report_result,
    require_places,
    validated,
)

_DESCRIPTION = """
Write the pictures that ZooniverseCutoutsPipelineTask put into a butler repository as files, with a manifest
that Zooniverse accepts: the files that zooniverseCutouts itself would make. Running the same command again
finishes an interrupted export.
"""

_EPILOG = """
example:
  make pictures with the pipeline, and write those of one visit as files:
    pipetask run -b repo/ -i LSSTCam/prompt -o u/me/cutouts \\
        --register-dataset-types -d "visit = 2026011000112" \\
        -p resource://lsst.analysis.ap/pipelines/zooniverseCutouts.yaml
    zooniverseCutoutsExport --collections u/me/cutouts \\
        --data-query "visit = 2026011000112" repo/ subjects/

exit status: 0 all pictures are there, 1 some failed (failures.csv names them), 2 it could not be done.
"""


def _declare(parser: argparse.ArgumentParser) -> None:
    add_place_words(parser)
    which = parser.add_argument_group("which pictures")
    add_collections_option(which)
    which.add_argument(
        "--dataset-type",
        metavar="NAME",
        default="dia_source_cutouts",
        help="dataset type of the pictures (default: dia_source_cutouts)",
    )
    which.add_argument(
        "--data-query", metavar="EXPR", help="which of them: 'visit=42 AND detector IN (1, 2)'"
    )
    add_config_options(parser, "what the files are")
    add_work_options(parser.add_argument_group("how the work is done"))


def _run(arguments: argparse.Namespace) -> int:
    if arguments.jobs > 1 and not arguments.show_config:
        from ..runs._pool import fork_workers

        fork_workers(arguments.jobs)
    from ..zooniverseCutoutsExport import ZooniverseCutoutsExportConfig, ZooniverseCutoutsExportTask

    config = configured(validated, arguments, ZooniverseCutoutsExportConfig())
    if arguments.show_config:
        config.saveToStream(sys.stdout)
        return 0
    require_places(arguments)
    butler = open_butler(arguments.repo, arguments.collections)
    result = ZooniverseCutoutsExportTask(config, butler=butler).run(
        arguments.outdir,
        datasetType=arguments.dataset_type,
        where=arguments.data_query or "",
        jobs=arguments.jobs,
        overwrite=arguments.overwrite,
        append=arguments.append,
        progress=False if arguments.quiet else None,
    )
    return report_result(_COMMAND.prog, arguments.outdir, result)


_COMMAND = Command("zooniverseCutoutsExport", "REPO OUTDIR", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
