"""What was read and chosen, in words and numbers."""

__all__ = ("count_rows", "count_sources", "describe", "merged_subjects", "warn_of_exports", "warn_of_gold")

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ._classifications import Classifications, Names
from ._joined import Joined
from ._methods import Method
from ._pictures import Pictures
from ._question import Question
from ._votes import Skills, Votes


def count_rows(
    classifications: Classifications,
    of_workflow: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    votes: Votes,
    unreadable: int,
) -> dict[str, int]:
    """Say what became of the rows of the exports.

    ``asked``: whether each is about the question. ``unreadable``: how many rows could not be read. Returns:
    the number that was read, followed by its parts.
    """
    there = len(classifications.rows)
    counted = len(votes.source) + votes.replaced
    return {
        "read": there + classifications.repeated + classifications.others + unreadable,
        "repeated": classifications.repeated,
        "unreadable": unreadable,
        "of other workflows": classifications.others + there - int(of_workflow.sum()),
        "of other versions or tasks": int(of_workflow.sum()) - int(asked.sum()),
        "of unknown sources": int(asked.sum()) - counted,
        "replaced by a later one": votes.replaced,
        "votes": len(votes.source),
    }


def count_sources(table: pa.Table) -> dict[str, int]:
    """Say how many sources have which label.

    Returns: the number of all, of those with votes, and of each label.
    """
    labels = pc.fill_null(table.column("label"), "undecided").value_counts().to_pylist()
    return {
        "all": len(table),
        "with votes": pc.sum(pc.greater(table.column("volunteers"), 0)).as_py() or 0,
        **{row["values"]: row["counts"] for row in sorted(labels, key=lambda row: str(row["values"]))},
    }


def describe(question: Question, method: Method) -> dict[str, Any]:
    """Return which question was taken, and how its answers were judged."""
    name, versions, others = question.workflow_name, list(question.versions), list(question.meanings[2:])
    return {
        "workflow": {"id": question.workflow, "name": name, "versions": versions},
        "task": question.task,
        "answers": {"real": sorted(question.real), "bogus": sorted(question.bogus), "other": others},
        "method": {"name": method.name, **asdict(method)},  # type: ignore[call-overload]
    }


def merged_subjects(joined: Joined, names: Names, pictures: Pictures) -> dict[str, list[str]]:
    """Return the subjects of those sources that have several, by diaSourceId."""
    subjects = np.flatnonzero(joined.source >= 0)
    several = np.bincount(joined.source[subjects], minlength=len(pictures)) > 1
    texts, merged = names.subjects.texts, dict[str, list[str]]()
    for subject in subjects[several[joined.source[subjects]]]:
        source = str(pictures.ids[joined.source[subject]])
        merged.setdefault(source, []).append(texts[subject])
    return {source: sorted(merged[source], key=int) for source in sorted(merged, key=int)}


def warn_of_exports(
    classifications: Classifications,
    of_workflow: NDArray[np.bool_],
    joined: Joined,
    per_subject: NDArray[np.int64],
) -> list[str]:
    """Say what of the exports is lost.

    ``per_subject``: how often each subject was asked about.
    """
    warnings = []
    if unreadable := classifications.spoilt.total():
        warnings.append(f"{unreadable} rows cannot be read; unjoined.csv has the reasons.")
    if lost := int(((joined.source < 0) & (per_subject > 0)).sum()):
        warnings.append(f"{lost} subjects cannot be joined to a picture; unjoined.csv has the reasons.")
    found = np.bincount(classifications.rows["subject"][of_workflow], minlength=len(joined.counted))
    lacking = np.maximum(joined.counted - found, 0)
    if lacking.any():
        warnings.append(
            f"Zooniverse counted {lacking.sum()} classifications more, of {np.count_nonzero(lacking)} "
            "subjects, than are there: an export is cut off, or one is missing."
        )
    return warnings


def warn_of_gold(skills: Skills) -> list[str]:
    """Say when volunteers and the gold standard contradict each other."""
    cells = skills.confusion.sum(axis=0)
    if 2 * np.trace(cells) >= cells.sum():
        return []
    return [
        "Volunteers contradict the gold standard more often than not: check the order of the answers, and "
        "which of them mean real and bogus."
    ]
