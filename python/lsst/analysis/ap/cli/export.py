"""The command ``zooniverseCutoutsExport``: pictures of a pipeline into files.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("main",)

import argparse
import functools
import sys
from collections.abc import Sequence

from ..runs._pool import prepare_workers
from ._command import (
    add_collections_option,
    add_place_options,
    add_work_options,
    open_butler,
    report_result,
    run_command,
)
from ._config_options import add_config_options, make_config

_DESCRIPTION = """
Write the pictures that ZooniverseCutoutsPipelineTask put into a butler repository as files, with a manifest
that Zooniverse accepts: the files that zooniverseCutouts itself would make. Running the same command again
finishes an interrupted export.
"""

_EPILOG = """
example:
  make pictures with the pipeline, and write those of one visit as files:
    pipetask run -b repo/ -i LSSTCam/prompt -o u/me/cutouts --register-dataset-types \\
        -p resource://lsst.analysis.ap/pipelines/zooniverseCutouts.yaml -d "visit = 2026011000112"
    zooniverseCutoutsExport --collections u/me/cutouts --data-query "visit = 2026011000112" repo/ subjects/

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
    return run_command(parser, functools.partial(_run, parser), argv)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns
    -------
    parser : `argparse.ArgumentParser`
        It imports nothing of the middleware.
    """
    parser = argparse.ArgumentParser(
        prog="zooniverseCutoutsExport",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_place_options(parser)
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
    return parser


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.jobs > 1 and not arguments.show_config:
        prepare_workers()
    from ..zooniverseCutoutsExport import ZooniverseCutoutsExportConfig, ZooniverseCutoutsExportTask

    config = make_config(arguments, ZooniverseCutoutsExportConfig())
    if arguments.show_config:
        config.saveToStream(sys.stdout)
        return 0
    if arguments.repo is None or arguments.outdir is None:
        parser.error("give the butler repository and the output directory: REPO OUTDIR")
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
    return report_result(parser.prog, arguments.outdir, result)
