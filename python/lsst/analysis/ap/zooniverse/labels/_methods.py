"""From votes to labels: three methods."""

__all__ = ("Consensus", "Fractions", "Method", "Verdict", "Weights", "judge", "make_method")

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ...domain import CutoutsError
from ._question import Question
from ._votes import Skills, Votes

_ROUNDING: Final = 1e-9
"""What misses a limit by no more has reached it: one vote of somebody who is
right nine times out of ten makes exactly 0.9, but not in binary numbers."""

UNDECIDED: Final = -1
"""The label of a source on which the votes do not agree, or are too few."""

type Decision = tuple[NDArray[np.float64], NDArray[np.int64]]
"""``p_real`` and ``label`` of every source, as in `Verdict`."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the votes say of each source."""

    p_real: NDArray[np.float64]
    """Probability or fraction that it is real; NaN without votes."""
    label: NDArray[np.int64]
    """What it is, a number in `Question.meanings`; -1 while undecided."""
    stable: NDArray[np.bool_]
    """Whether the label was the same after each of the last votes."""
    used: NDArray[np.int64]
    """How many votes this rests on."""


class Method(Protocol):
    """A way to make labels of votes."""

    name: ClassVar[str]
    """How options and reports call it."""

    @property
    def stable_votes(self) -> int:
        """A label is stable when it held after each of so many last votes."""

    def counts(self, votes: Votes, question: Question, skills: Skills) -> NDArray[np.bool_]:
        """Return which votes count.

        ``skills``: how well each volunteer knows real from bogus.
        """

    def decide(self, votes: Votes, question: Question, skills: Skills) -> Decision:
        """Return ``p_real`` and ``label`` of every source by votes that count, as in `Verdict`.

        ``votes``: the votes so far. ``skills``: how well each volunteer knows real from bogus.
        """


def judge(method: Method, votes: Votes, question: Question, skills: Skills) -> Verdict:
    """Judge every source, and look whether the last votes changed anything.

    ``skills``: how well each volunteer knows real from bogus.
    """
    votes = votes.take(method.counts(votes, question, skills))
    p_real, label = method.decide(votes, question, skills)
    used = votes.per_source().astype(np.int64)
    stable = (label != UNDECIDED) & (used >= method.stable_votes)
    for number in range(1, method.stable_votes):
        _, earlier = method.decide(votes.take(votes.from_last >= number), question, skills)
        stable &= earlier == label
    return Verdict(p_real, label, stable, used)


@dataclass(frozen=True, slots=True)
class Fractions:
    """The fraction of votes for real among those for real or bogus."""

    name: ClassVar[str] = "fractions"

    accept: float = 0.9
    """A source is real from this fraction on."""
    reject: float = 0.1
    """A source is bogus up to this fraction."""
    stable_votes: int = 3
    """A label is stable when it held after each of so many last votes."""

    def __post_init__(self) -> None:
        _check_limits(self.accept, self.reject)

    def counts(self, votes: Votes, question: Question, skills: Skills) -> NDArray[np.bool_]:
        # Docstring inherited.
        return np.asarray(question.kinds[votes.response] != 0)

    def decide(self, votes: Votes, question: Question, skills: Skills) -> Decision:
        # Docstring inherited.
        total = votes.per_source()
        real = votes.per_source(question.kinds[votes.response] > 0)
        p_real = np.where(total > 0, real / np.maximum(total, 1), np.nan)
        return p_real, _labels(p_real, self.accept, self.reject)


@dataclass(frozen=True, slots=True)
class Consensus:
    """The answer that most volunteers gave, when enough of them agree."""

    name: ClassVar[str] = "consensus"

    agreeing: int = 2
    """So many volunteers must have given the answer. Two are enough for Rubin
    Difference Detectives to retire a subject (DMTN-337)."""
    agreement: float = 0.5
    """So large a fraction of those who answered must have given it, and no
    other answer may have as many votes."""
    stable_votes: int = 3
    """A label is stable when it held after each of so many last votes."""

    def counts(self, votes: Votes, question: Question, skills: Skills) -> NDArray[np.bool_]:
        # Docstring inherited.
        return np.asarray(question.means[votes.response].any(axis=1))

    def decide(self, votes: Votes, question: Question, skills: Skills) -> Decision:
        # Docstring inherited.
        counts = votes.per_column(question.means)
        most, second = -np.partition(-counts, 1, axis=1)[:, :2].T
        decided = (most >= self.agreeing) & (most > second)
        decided &= most >= self.agreement * votes.per_source() - _ROUNDING
        total = counts[:, 0] + counts[:, 1]
        p_real = np.where(total > 0, counts[:, 0] / np.maximum(total, 1), np.nan)
        return p_real, np.where(decided, counts.argmax(axis=1), UNDECIDED)


@dataclass(frozen=True, slots=True)
class Weights:
    """The probability of real, from votes that weigh as much as who cast them knows.

    Bayes' rule with each volunteer's P(says real | real) and P(says bogus | bogus) on reference sources, as
    Space Warps does it (Marshall et al. 2016, MNRAS 455, 1171). The constants are those of Rubin Difference
    Detectives (DMTN-337).
    """

    name: ClassVar[str] = "weights"

    accept: float = 0.9
    """A source is real from this probability on."""
    reject: float = 0.1
    """A source is bogus up to this probability."""
    stable_votes: int = 3
    """A label is stable when it held after each of so many last votes."""
    prior: float = 0.5
    """Probability of real before the first vote."""
    skill_min: float = 0.05
    """Skills are taken to be no smaller."""
    skill_max: float = 0.95
    """Skills are taken to be no larger, so that no single vote decides."""
    least_gold: int = 1
    """Votes of volunteers who judged fewer reference sources do not count."""

    def __post_init__(self) -> None:
        _check_limits(self.accept, self.reject)
        if not 0 < self.prior < 1:
            raise CutoutsError(f"The prior is {self.prior}; it must be between 0 and 1.")
        if not 0 < self.skill_min <= self.skill_max < 1:
            raise CutoutsError(
                f"Skills are limited to {self.skill_min} and {self.skill_max}: give the smaller one first, "
                "both between 0 and 1."
            )

    def counts(self, votes: Votes, question: Question, skills: Skills) -> NDArray[np.bool_]:
        # Docstring inherited.
        is_known = skills.seen >= self.least_gold
        return np.asarray((question.kinds[votes.response] != 0) & is_known[votes.volunteer])

    def decide(self, votes: Votes, question: Question, skills: Skills) -> Decision:
        # Docstring inherited.
        real, bogus = np.clip(skills.rates, self.skill_min, self.skill_max)[votes.volunteer].T
        says_real = question.kinds[votes.response] > 0
        evidence = np.log(np.where(says_real, real / (1 - bogus), (1 - real) / bogus))
        log_odds = np.log(self.prior / (1 - self.prior)) + votes.per_source(evidence)
        p_real = np.where(votes.per_source() > 0, 1 / (1 + np.exp(-log_odds)), np.nan)
        return p_real, _labels(p_real, self.accept, self.reject)


_METHODS: Final[dict[str, type[Fractions] | type[Consensus] | type[Weights]]] = {
    method.name: method for method in (Fractions, Consensus, Weights)
}


def make_method(name: str, constants: Mapping[str, Any]) -> Method:
    """Return a method by its name.

    Parameters
    ----------
    name : `str`
        ``fractions``, ``consensus`` or ``weights``.
    constants : `~collections.abc.Mapping` [`str`, any]
        Those of its constants that shall not have their defaults.

    Returns
    -------
    method : `Method`
        The method.

    Raises
    ------
    CutoutsError
        Raised when there is no such method, it has no such constant, or the constant makes no sense.
    """
    if name not in _METHODS:
        raise CutoutsError(f"There is no method {name!r}: there are {', '.join(_METHODS)}.")
    known = {method: [field.name for field in fields(kind)] for method, kind in _METHODS.items()}
    for constant in constants:
        if constant not in known[name]:
            others = " or ".join(method for method, names in known.items() if constant in names)
            raise CutoutsError(
                f"The method {name!r} has no constant {constant}; {others or 'no method'} has.",
                choices=("method", constant),
            )
    return _METHODS[name](**constants)


def _labels(p_real: NDArray[np.float64], accept: float, reject: float) -> NDArray[np.int64]:
    is_real, is_bogus = p_real >= accept - _ROUNDING, p_real <= reject + _ROUNDING
    return np.select([is_real, is_bogus], [0, 1], UNDECIDED)


def _check_limits(accept: float, reject: float) -> None:
    if not 0 <= reject < accept <= 1:
        raise CutoutsError(
            f"A source would be real from {accept} on and bogus up to {reject}: give limits between 0 and 1, "
            "the first one larger."
        )
