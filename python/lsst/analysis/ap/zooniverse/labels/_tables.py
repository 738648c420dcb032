"""The tables that tell what volunteers said."""

__all__ = ("label_table", "unjoined_table", "volunteer_table")

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ._classifications import Names
from ._joined import Joined, why_unknown
from ._methods import Verdict, Weights
from ._pictures import Pictures
from ._question import Question
from ._votes import Skills, Votes


def label_table(
    pictures: Pictures,
    joined: Joined,
    names: Names,
    votes: Votes,
    question: Question,
    gold: NDArray[np.int8],
    verdict: Verdict,
) -> pa.Table:
    """Return one row for each source, in the order of the manifest.

    ``gold``: what is known of each source: 1 real, -1 bogus, 0 nothing. Returns: the columns of the
    catalogue, and those of the labels.
    """
    counts = votes.per_column(question.given)
    volunteers = votes.per_source().astype(np.int64)
    answered = votes.per_source(question.given[votes.response].any(axis=1)).astype(np.int64)
    fractions = counts / np.maximum(answered, 1)[:, None]
    labels = np.array([*question.meanings, None], object)  # undecided is -1, the last
    new: dict[str, Any] = _subjects(joined, names, votes.sources)
    new["volunteers"] = pa.array(volunteers, pa.int32())
    new["unanswered"] = pa.array(volunteers - answered, pa.int32())
    for number, answer in enumerate(question.answers):
        new[f"votes_{answer}"] = pa.array(counts[:, number], pa.int32())
    for number, answer in enumerate(question.answers):
        new[f"fraction_{answer}"] = pa.array(fractions[:, number], pa.float64(), mask=answered == 0)
    new["gold"] = pa.array(np.array([None, "real", "bogus"], object)[gold], pa.string())
    new["counted"] = pa.array(verdict.used, pa.int32())
    new["p_real"] = pa.array(verdict.p_real, pa.float64(), mask=np.isnan(verdict.p_real))
    new["stable"] = pa.array(verdict.stable)
    new["label"] = pa.array(labels[verdict.label], pa.string())
    known = pictures.catalogue
    return pa.table({name: known.column(name) for name in known.column_names if name not in new} | new)


def _subjects(joined: Joined, names: Names, sources: int) -> dict[str, Any]:
    """Return what is known of the subjects of each source; there may be several."""
    subjects = np.flatnonzero(joined.source >= 0)
    numbers = np.array(names.subjects.texts, object)[subjects].astype(np.int64)
    order = np.argsort(-numbers)  # so that the lowest one is the last to be written
    subjects, numbers = subjects[order], numbers[order]
    source = joined.source[subjects]
    first = np.zeros(sources, np.int64)
    first[source] = numbers
    count = np.bincount(source, minlength=sources)
    reason = np.full(sources, -1)
    retired = joined.retired[subjects] >= 0
    reason[source[retired]] = joined.retired[subjects][retired]
    reasons = np.array([*names.reasons.texts, None], object)
    return {
        "subjects": pa.array(count, pa.int32()),
        "subject_id": pa.array(first, pa.int64(), mask=count == 0),
        "retired": pa.array(reason >= 0),
        "retirement_reason": pa.array(reasons[reason], pa.string()),
    }


def volunteer_table(names: Names, votes: Votes, skills: Skills, weights: Weights) -> pa.Table:
    """Return one row for each volunteer who voted, the busiest first.

    ``names``: what the numbers of volunteers stand for. ``skills``: how well each volunteer knows real from
    bogus. Returns: votes, reference sources seen, confusion matrix and skills.
    """
    number = len(names.volunteers)
    count = np.bincount(votes.volunteer, minlength=number)
    texts = np.array(names.volunteers.texts, object)
    voted = np.flatnonzero(count)
    voted = np.array(sorted(voted, key=lambda volunteer: (-count[volunteer], texts[volunteer])), np.int64)
    cells, rates, seen = skills.confusion[voted], skills.rates[voted], skills.seen[voted]
    users = [int(user) if user.isdecimal() else None for user in (names.users[v] for v in voted)]
    columns: Mapping[str, Any] = {
        "volunteer": pa.array(texts[voted], pa.string()),
        "user_id": pa.array(users, pa.int64()),
        "votes": pa.array(count[voted], pa.int32()),
        "gold_seen": pa.array(seen, pa.int32()),
        "real_called_real": pa.array(cells[:, 0, 0], pa.int32()),
        "real_called_bogus": pa.array(cells[:, 0, 1], pa.int32()),
        "bogus_called_real": pa.array(cells[:, 1, 0], pa.int32()),
        "bogus_called_bogus": pa.array(cells[:, 1, 1], pa.int32()),
        "skill_real": pa.array(rates[:, 0], pa.float64(), mask=cells[:, 0].sum(axis=1) == 0),
        "skill_bogus": pa.array(rates[:, 1], pa.float64(), mask=cells[:, 1].sum(axis=1) == 0),
        "weighed": pa.array(seen >= weights.least_gold),
    }
    return pa.table(columns)


def unjoined_table(
    joined: Joined, names: Names, classifications: NDArray[np.int64], spoilt: Counter[tuple[str, str]]
) -> pa.Table:
    """Return one row for each subject without source, and for what could not be read.

    ``classifications``: how often each subject was classified. ``spoilt``: how many rows could not be read,
    by subject and reason. Returns: subject, number of classifications, and the reason.
    """
    texts = names.subjects.texts
    lost = np.flatnonzero((joined.source < 0) & (classifications > 0))
    rows = [(texts[n], int(classifications[n]), why_unknown(joined.identities[n])) for n in lost.tolist()]
    rows += [(subject, count, reason) for (subject, reason), count in spoilt.items()]
    rows.sort(key=lambda row: (len(row[0]), row))
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.int64(), pa.string())
    heads = ("subject_id", "classifications", "reason")
    return pa.table({h: pa.array(c, kind) for h, c, kind in zip(heads, columns, kinds, strict=True)})
