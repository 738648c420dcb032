"""The command ``zooniverseCutoutsLabels``: what volunteers said, joined to the pictures they saw.

Nothing heavy is imported until the words are understood.
"""

__all__ = ("build_parser", "main")

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..messages import public_uri
from ._command import Command, at_least_one

if TYPE_CHECKING:
    from ..zooniverse import Labels

_DESCRIPTION = """
Join what volunteers said to the DiaSources of a directory of pictures. The exports are those that Zooniverse
makes on the page 'Data Exports' of a project: classification exports, which may overlap, and a subject
export where the subjects do not carry a diaSourceId.
"""

_EPILOG = """
written into DIR: labels.parquet, a row for each DiaSource in the order of the manifest; volunteers.parquet;
unjoined.csv, what belongs to no picture and why; calibration.csv and calibration.png, the fraction of real
sources by signal-to-noise ratio and reliability; labels.json, what was read and chosen.

examples:
  the fraction of volunteers who say that a source is real:
    zooniverseCutoutsLabels subjects/ classifications.csv

  weigh volunteers by what they made of sources that are known:
    zooniverseCutoutsLabels --method weights --gold gold.csv \\
        subjects/ classifications.csv.gz

  one of several questions, with words of its own, in the newer versions of a
  workflow:
    zooniverseCutoutsLabels --workflow 1234 --versions 12.5: --task T1 \\
        --real "A new source" --bogus "An artefact" --bogus "Nothing" \\
        subjects/ classifications.csv

  pictures again of what volunteers call bogus:
    zooniverseCutouts --catalog subjects/labels.parquet \\
        --where "label == 'bogus'" --collections LSSTCam/prompt repo/ bogus/

exit status: 0 everything is joined, 1 some is not (unjoined.csv has the reasons), 2 it could not be done.
"""

_METHODS = {
    "fractions": "p_real is the fraction of votes for real",
    "consensus": "the label is the answer that most volunteers gave",
    "weights": "votes are weighted by skill (DMTN-337)",
}
_CONSTANTS: dict[str, tuple[Callable[[str], float], str]] = {
    "accept": (float, "a source is real from this p_real on (fractions, weights; default: 0.9)"),
    "reject": (float, "a source is bogus up to this p_real (fractions, weights; default: 0.1)"),
    "stable_votes": (
        at_least_one,
        "a label is stable that held after each of so many last votes (default: 3)",
    ),
    "agreeing": (at_least_one, "so many must agree (consensus; default: 2)"),
    "agreement": (float, "so large a fraction must agree (consensus; default: 0.5)"),
    "prior": (float, "p_real before the first vote (weights; default: 0.5)"),
    "skill_min": (float, "no skill is taken to be smaller (weights; default: 0.05)"),
    "skill_max": (float, "no skill is taken to be larger (weights; default: 0.95)"),
    "least_gold": (int, "do not count who judged fewer reference sources (weights; default: 1)"),
}


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="directory of pictures: path or URI")
    parser.add_argument(
        "exports", metavar="EXPORT", nargs="+", help="classification or subject export, CSV, also .gz"
    )
    _add_question_options(parser.add_argument_group("which question, where there are several"))
    _add_method_options(parser.add_argument_group("from votes to labels"))
    _add_gold_options(parser.add_argument_group("reference sources, of which it is known what they are"))


def _add_question_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--workflow", metavar="ID", type=at_least_one, help="number of the workflow")
    group.add_argument(
        "--versions",
        metavar="RANGE",
        help="versions of the workflow: 12.3, 12 (with 12.1, 12.2, ...), 12:14.5, 12:",
    )
    group.add_argument("--task", metavar="NAME", help="task, such as T0")
    for kind in ("real", "bogus"):
        group.add_argument(
            f"--{kind}",
            metavar="ANSWER",
            action="append",
            help=f"an answer that means {kind}; may be repeated",
        )


def _add_method_options(group: "argparse._ArgumentGroup") -> None:
    said = "; ".join(f"{name}: {what}" for name, what in _METHODS.items())
    group.add_argument("--method", choices=_METHODS, default="fractions", help=f"{said} (default: fractions)")
    for name, (kind, words) in _CONSTANTS.items():
        metavar = "N" if kind is at_least_one or kind is int else "P"
        group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, type=kind, help=words)


def _add_gold_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--gold",
        metavar="FILE",
        type=Path,
        help="CSV or Parquet file with columns diaSourceId and answer (real, bogus, or an answer of the "
        "workflow); training subjects (#training_subject, #feedback_1_answer) are known without",
    )
    group.add_argument(
        "--fakes",
        metavar="COLUMN",
        help="column of the manifest that is true for injected sources: they are real",
    )
    group.add_argument(
        "--answer",
        metavar="ANSWER",
        dest="answers",
        action="append",
        help="an answer of the workflow, to be repeated for each in its order, in which #feedback_1_answer "
        "counts them from 0 (default: real, bogus)",
    )


def _run(arguments: argparse.Namespace) -> int:
    from ..zooniverse import GoldChoice, QuestionChoice, make_method, read_labels

    constants = {name: value for name in _CONSTANTS if (value := getattr(arguments, name)) is not None}
    labels = read_labels(
        arguments.directory,
        arguments.exports,
        method=make_method(arguments.method, constants),
        question=QuestionChoice(
            arguments.workflow,
            arguments.versions,
            arguments.task,
            tuple(arguments.real or ()),
            tuple(arguments.bogus or ()),
        ),
        gold=GoldChoice(arguments.gold, tuple(arguments.answers or ()), arguments.fakes),
        write=True,
        progress=False if arguments.quiet else None,
    )
    _tell(arguments, labels)
    return 1 if len(labels.unjoined) else 0


def _tell(arguments: argparse.Namespace, labels: "Labels") -> None:
    report = labels.report
    workflow, counts = report["workflow"], report["classifications"]
    versions = ", ".join(workflow["versions"])
    answers = "; ".join(f"{kind}: {', '.join(words)}" for kind, words in report["answers"].items() if words)
    sources = ", ".join(f"{count} {name}" for name, count in report["sources"].items())
    rows = {
        "workflow": f"{workflow['id']} {workflow['name']!r}, version {versions}, task {report['task']}",
        "answers": answers,
        "votes": f"{counts['votes']} of {counts['read']} classifications",
        "volunteers": len(labels.volunteers),
        "gold": f"{report['gold']['real']} real, {report['gold']['bogus']} bogus",
        "sources": sources,
        "unjoined": len(labels.unjoined),
        "labels": f"{public_uri(arguments.directory).rstrip('/')}/labels.parquet",
    }
    print(public_uri(arguments.directory))
    for name, value in rows.items():
        print(f"  {name:15}{value}")


_COMMAND = Command("zooniverseCutoutsLabels", "DIR EXPORT...", _DESCRIPTION, _EPILOG, _declare, _run)
build_parser, main = _COMMAND.build_parser, _COMMAND.main
