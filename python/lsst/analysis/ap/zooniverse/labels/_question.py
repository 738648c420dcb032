"""Which question the labels answer: workflow, versions, task and answers."""

__all__ = ("Question", "QuestionChoice", "choose_question", "slug")

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...domain import CutoutsError
from ._classifications import Classifications, Names
from ._responses import Response

_REAL_WORDS: Final = frozenset({"real", "yes"})
_BOGUS_WORDS: Final = frozenset({"bogus", "no", "not_real", "artefact", "artifact"})

type _Version = tuple[float, float]


@dataclass(frozen=True, slots=True)
class QuestionChoice:
    """Which question is meant; what is not said is found where there is but one."""

    workflow: int | None = None
    """Number of the workflow."""
    versions: str | None = None
    """Versions of the workflow: ``12.3``, ``12`` (all its minor versions),
    or a range with both ends, ``12:14.5``, or with one, ``12:``."""
    task: str | None = None
    """Task, such as ``T0``."""
    real: tuple[str, ...] = ()
    """Answers that mean real, in any of the words it has had."""
    bogus: tuple[str, ...] = ()
    """Answers that mean bogus."""


@dataclass(frozen=True, eq=False)
class Question:
    """The question that volunteers were asked, and its answers."""

    workflow: int
    """Number of the workflow."""
    workflow_name: str
    """Name of the workflow."""
    versions: tuple[str, ...]
    """Its versions of which classifications are taken."""
    task: str
    """The task."""
    answers: tuple[str, ...]
    """The answers that were given, as `slug` has them: those that mean real,
    those that mean bogus, others."""
    given: NDArray[np.bool_]
    """Whether a response has an answer, shape (responses, answers)."""
    real: frozenset[str]
    """Answers that mean real."""
    bogus: frozenset[str]
    """Answers that mean bogus."""
    meanings: tuple[str, ...]
    """What the answers mean: ``real``, ``bogus``, then others, which mean nothing but themselves."""
    means: NDArray[np.bool_]
    """Whether a response means that, shape (responses, meanings)."""

    @property
    def kinds(self) -> NDArray[np.int8]:
        """What each response says: 1 real, -1 bogus, 0 neither or both."""
        return self.means[:, 0].astype(np.int8) - self.means[:, 1].astype(np.int8)


def slug(answer: str) -> str:
    """Return an answer as a part of a column name.

    ``answer``: the text of an answer, such as ``Not sure!``. Returns: its letters and digits, such as
    ``not_sure``.
    """
    return re.sub(r"\W+", "_", answer.casefold()).strip("_") or "answer"


def choose_question(
    classifications: Classifications, choice: QuestionChoice
) -> tuple[Question, NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the question.

    Returns ``of_workflow``: whether each row is of its workflow; ``asked``: whether each row has an answer to
    it, or none given. Raises `CutoutsError` when there are several to choose from, or none.
    """
    rows, names = classifications.rows, classifications.names
    workflow, label, rows_of_workflow = _choose_workflow(rows, names, choice.workflow)
    in_range = np.array([_in_range(version, choice.versions) for version in names.versions.texts], bool)
    asked = rows_of_workflow & in_range[rows["version"]]
    if not asked.any():
        known = sorted(_texts(names.versions.texts, rows["version"][rows_of_workflow]), key=_version)
        raise CutoutsError(
            f"Workflow {workflow} has no classifications of version {choice.versions}: there are "
            f"{_listed(known)}."
        )
    responses = names.responses.by_number()
    present = np.unique(rows["response"][asked])
    task = _choose_task([responses[number] for number in present], choice.task)
    asked &= np.array([task in response for response in responses], bool)[rows["response"]]
    versions = sorted(_texts(names.versions.texts, rows["version"][asked]), key=_version)
    found = {a for n in np.unique(rows["response"][asked]) for a in responses[n][task]}
    real, bogus = _choose_answers(found, choice)
    others = sorted({slug(answer) for answer in found} - real - bogus)
    answers = (*sorted(real), *sorted(bogus), *others)
    given = np.array(
        [[answer in map(slug, response.get(task, ())) for answer in answers] for response in responses], bool
    )
    ends = np.cumsum([0, len(real), len(bogus), *(1 for _ in others)])
    means = np.stack([given[:, start:end].any(axis=1) for start, end in pairwise(ends)], axis=1)
    meanings = ("real", "bogus", *others)
    question = Question(workflow, label, tuple(versions), task, answers, given, real, bogus, meanings, means)
    return question, rows_of_workflow, asked


def _choose_workflow(
    rows: NDArray[np.void], names: Names, wanted: int | None
) -> tuple[int, str, NDArray[np.bool_]]:
    texts = names.workflows.texts
    numbers = [text.partition(" ")[0] for text in texts]
    known = sorted(_texts(numbers, rows["workflow"]))
    if wanted is None and len(known) > 1:
        counts = np.bincount(rows["workflow"], minlength=len(texts))
        each = [f"{text} ({count})" for text, count in zip(texts, counts, strict=True)]
        raise CutoutsError(
            f"The exports have classifications of several workflows: {_listed(each)}. Choose one.",
            choices=("workflow",),
        )
    if not known or (wanted is not None and str(wanted) not in known):
        raise CutoutsError(
            f"The exports have no classifications of workflow {wanted}: leave it out to see what they have.",
            choices=("workflow",),
        )
    number = known[0] if wanted is None else str(wanted)
    codes = [code for code, other in enumerate(numbers) if other == number]  # its name may have changed
    return int(number), texts[codes[-1]].partition(" ")[2], np.isin(rows["workflow"], codes)


def _choose_task(responses: Iterable[Response], wanted: str | None) -> str:
    tasks = sorted({task for response in responses for task in response})
    if wanted is not None and wanted not in tasks:
        raise CutoutsError(
            f"Task {wanted} is no question that volunteers answered: there are {_listed(tasks) or 'none'}."
        )
    if wanted is None and len(tasks) != 1:
        if not tasks:
            raise CutoutsError("Volunteers answered no question.")
        raise CutoutsError(f"Volunteers answered the tasks {_listed(tasks)}. Choose one.", choices=("task",))
    return wanted or tasks[0]


def _choose_answers(found: Collection[str], choice: QuestionChoice) -> tuple[frozenset[str], frozenset[str]]:
    slugs = {slug(answer) for answer in found}
    shown = _listed(sorted(found))
    real = frozenset(map(slug, choice.real)) or (_REAL_WORDS & slugs)
    bogus = frozenset(map(slug, choice.bogus)) or (_BOGUS_WORDS & slugs)
    if real & bogus:
        raise CutoutsError(f"{_listed(sorted(real & bogus))} cannot mean both real and bogus.")
    others = slugs - real - bogus
    for answer in (*choice.real, *choice.bogus):
        if slug(answer) not in slugs and others:  # perhaps it is one of these, and spelt otherwise
            raise CutoutsError(f"Nobody answered {answer!r}: the answers are {shown}.")
    if not (real and bogus) and others:
        raise CutoutsError(
            f"It is not said which answers mean real, and which mean bogus. They are {shown}.",
            choices=("real", "bogus"),
        )
    return real, bogus


def _texts(texts: list[str], codes: NDArray[np.int32]) -> set[str]:
    return {texts[code] for code in np.unique(codes)}


def _listed(words: Collection[str], most: int = 10) -> str:
    shown = ", ".join(list(words)[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def _version(text: str) -> _Version:
    """Return a version that can be compared: 12.9 comes before 12.10."""
    major, _, minor = text.strip().partition(".")
    try:
        return float(major or 0), float(minor or 0)
    except ValueError:
        return 0.0, 0.0


def _in_range(version: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    first, colon, last = wanted.partition(":")
    last = last if colon else first
    for end in (first, last):
        if end and not re.fullmatch(r"\d+(\.\d+)?", end.strip()):
            raise CutoutsError(f"Versions {wanted!r} are no version and no range such as 12.3 or 12:14.5.")
    lowest = _version(first) if first else (0.0, 0.0)
    highest = _version(last) if "." in last else (float(last or "inf"), float("inf"))
    return lowest <= _version(version) <= highest
