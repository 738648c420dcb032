"""What volunteers said of the sources of a directory: the order of work."""

__all__ = ("LABELS", "Labels", "read_labels")

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..._version import software_version
from ...domain import CutoutsError
from ...messages import progress_bar
from ...output import OutputDirectory, for_pandas, open_existing
from ._calibration import calibrate, draw_calibration
from ._classifications import Classifications, read_classifications
from ._exports import Export, open_export
from ._gold import GoldChoice, find_gold
from ._joined import join_subjects
from ._methods import Fractions, Method, Weights, judge
from ._pictures import Pictures, read_pictures
from ._question import QuestionChoice, choose_question
from ._report import count_rows, count_sources, describe, merged_subjects, warn_of_exports, warn_of_gold
from ._tables import label_table, unjoined_table, volunteer_table
from ._votes import cast_votes, measure_skills

LABELS: Final = "labels.parquet"
"""Name of the file of labels."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Labels:
    """What volunteers said, and how it was made out."""

    table: pa.Table
    """One row for each DiaSource, in the order of the manifest."""
    volunteers: pa.Table
    """One row for each volunteer."""
    unjoined: pa.Table
    """One row for each subject whose source is unknown, and for rows that could not be read, with reasons."""
    calibration: pa.Table
    """Fractions of real sources, see `calibrate`."""
    report: Mapping[str, Any]
    """What was read, chosen and counted."""

    def write(self, directory: OutputDirectory) -> list[str]:
        """Write everything into files of a directory; return their names."""
        import pyarrow.parquet as pq
        from pyarrow import csv as arrow_csv

        tables = {LABELS: self.table, "volunteers.parquet": self.volunteers}
        lists = {"unjoined.csv": self.unjoined, "calibration.csv": self.calibration}
        for name, table in tables.items():
            with directory.open(name, durable=True) as stream:
                pq.write_table(for_pandas(table), stream, compression="zstd")
        for name, table in lists.items():
            with directory.open(name) as stream:
                arrow_csv.write_csv(table, stream)
        directory.write("calibration.png", draw_calibration(self.calibration))
        directory.write("labels.json", json.dumps(self.report, indent=2).encode() + b"\n")
        return [*tables, *lists, "calibration.png", "labels.json"]


def read_labels(
    directory: str | os.PathLike[str],
    exports: Sequence[str | os.PathLike[str]],
    *,
    method: Method | None = None,
    question: QuestionChoice | None = None,
    gold: GoldChoice | None = None,
    write: bool = False,
    progress: bool | None = None,
) -> Labels:
    """Join what volunteers said to the DiaSources of a directory.

    Parameters
    ----------
    directory : `str` or `os.PathLike`
        Directory of pictures that a run has made: a path or a URI.
    exports : sequence of `str` or `os.PathLike`
        Classification exports of Zooniverse, which may overlap, and subject exports where the metadata in the
        former do not say which DiaSource a subject shows; CSV, also gzipped.
    method : `Method`, optional
        `Fractions` (the default), `Consensus` or `Weights`.
    question : `QuestionChoice`, optional
        Workflow, versions, task and answers, where there are several.
    gold : `GoldChoice`, optional
        Where it is said what sources are, beside training subjects.
    write : `bool`, optional
        Whether to write everything into the directory as well.
    progress : `bool`, optional
        Whether to show a progress bar; by default on a terminal.

    Returns
    -------
    labels : `Labels`
        What volunteers said.

    Raises
    ------
    CutoutsError
        Raised when an export cannot be read or is cut off, when it has to be
        said which question is meant, or when the directory has no pictures.
    """
    files = [open_export(os.fspath(path)) for path in exports]
    sources = [file for file in files if file.kind == "classifications"]
    if not sources:
        raise CutoutsError("Give a classification export of Zooniverse: labels are made of classifications.")
    question = question or QuestionChoice()
    with open_existing(directory) as (place, journal):
        with progress_bar("classifications", None, "row", progress) as bar:
            classifications = read_classifications(sources, question.workflow, bar.update)
        pictures = read_pictures(place, journal)
        labels = _make_labels(
            classifications, pictures, files, method or Fractions(), question, gold or GoldChoice()
        )
        del classifications, pictures  # files need memory too
        if write:
            labels.write(place)
    return labels


def _make_labels(
    classifications: Classifications,
    pictures: Pictures,
    exports: Sequence[Export],
    method: Method,
    choice: QuestionChoice,
    gold_choice: GoldChoice,
) -> Labels:
    names, rows, spoilt = classifications.names, classifications.rows, classifications.spoilt
    unreadable = spoilt.total()
    question, of_workflow, asked = choose_question(classifications, choice)
    joined = join_subjects(
        classifications,
        of_workflow,
        question.workflow,
        pictures,
        [export for export in exports if export.kind == "subjects"],
        lambda reason: spoilt.update([("", f"{reason} (subject export)")]),
    )
    per_subject = np.bincount(rows["subject"][asked], minlength=len(names.subjects))
    joined = replace(joined, source=np.where(per_subject > 0, joined.source, -1).astype(np.int32))
    source = joined.source[rows["subject"]]
    counted = asked & (source >= 0)
    votes = cast_votes(rows, counted, source, len(pictures))
    gold = find_gold(gold_choice, question, joined, pictures)
    if isinstance(method, Weights) and not gold.any():
        raise CutoutsError(
            "The method 'weights' needs sources of which it is known what they are: training subjects, a "
            "gold standard in a file, or fakes.",
            choices=("gold", "fakes"),
        )
    skills = measure_skills(votes, question.kinds, gold, len(names.volunteers))
    warnings = [*warn_of_exports(classifications, of_workflow, joined, per_subject), *warn_of_gold(skills)]
    verdict = judge(method, votes, question, skills)
    table = label_table(pictures, joined, names, votes, question, gold, verdict)
    report = {
        "version": software_version(),
        "exports": [export.path.name for export in exports],
        "classifications": count_rows(classifications, of_workflow, asked, votes, unreadable),
        **describe(question, method),
        "gold": {"real": int((gold > 0).sum()), "bogus": int((gold < 0).sum())},
        "sources": count_sources(table),
        "merged": merged_subjects(joined, names, pictures),
        "warnings": warnings,
    }
    for warning in warnings:
        _log.warning("%s", warning)
    decided = (verdict.label == 0) | (verdict.label == 1)
    snr, reliability = (
        None if (values := pictures.numbers(name)) is None else values[decided]
        for name in ("snr", "reliability")
    )
    return Labels(
        table,
        volunteer_table(names, votes, skills, method if isinstance(method, Weights) else Weights()),
        unjoined_table(joined, names, per_subject, spoilt),
        calibrate(verdict.label[decided] == 0, snr, reliability),
        report,
    )
