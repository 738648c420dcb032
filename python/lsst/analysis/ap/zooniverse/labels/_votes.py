"""The votes on each DiaSource, one of each volunteer, and how well volunteers know real from bogus."""

__all__ = ("Skills", "Votes", "cast_votes", "measure_skills")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_UNKNOWN = 0.5


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes by source, of a source in the order in which they were cast."""

    source: NDArray[np.int32]
    """Row of the source of each vote, ascending."""
    volunteer: NDArray[np.int32]
    """Who cast it."""
    response: NDArray[np.int32]
    """Number of the response."""
    sources: int
    """How many sources there are, with votes or without."""
    replaced: int
    """How many classifications do not count because the same volunteer classified the same source later."""

    def per_source(
        self, weights: NDArray[np.float64] | NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Return the number of votes on each source, or the sum of their weights."""
        sums = np.bincount(self.source, weights, minlength=self.sources)
        return sums.astype(np.float64, copy=False)

    def take(self, wanted: NDArray[np.bool_]) -> "Votes":
        """Return some of the votes, still in order."""
        return Votes(
            self.source[wanted], self.volunteer[wanted], self.response[wanted], self.sources, self.replaced
        )

    @property
    def from_last(self) -> NDArray[np.int64]:
        """How many votes on its source were cast after each vote."""
        ends = np.cumsum(np.bincount(self.source, minlength=self.sources))
        return ends[self.source] - 1 - np.arange(len(self.source))

    def per_column(self, table: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the votes on each source whose response has a property.

        ``table``: whether a response has a property, shape (responses, properties). Returns: number of votes,
        shape (sources, properties).
        """
        counts = np.empty((self.sources, table.shape[1]), np.int64)
        for number in range(table.shape[1]):
            counts[:, number] = self.per_source(table[self.response, number])
        return counts


def cast_votes(
    rows: NDArray[np.void], wanted: NDArray[np.bool_], source: NDArray[np.int32], sources: int
) -> Votes:
    """Let each volunteer have one vote on a source: the latest.

    ``rows``: classifications with the fields ``id``, ``time``, ``volunteer`` and ``response``. ``sources``:
    how many sources there are.
    """
    identifier, time, volunteer = (rows[name][wanted] for name in ("id", "time", "volunteer"))
    source = source[wanted]
    order = np.lexsort((identifier, time, volunteer, source))
    pair = source[order].astype(np.int64) << 32 | volunteer[order]
    kept = order[np.append(pair[1:] != pair[:-1], True)] if len(order) else order
    kept = kept[np.lexsort((identifier[kept], time[kept], source[kept]))]
    response = rows["response"][wanted]
    return Votes(source[kept], volunteer[kept], response[kept], sources, len(order) - len(kept))


@dataclass(frozen=True, eq=False)
class Skills:
    """What each volunteer made of sources of which it is known what they are."""

    confusion: NDArray[np.int64]
    """How often each volunteer called a source of either kind either name, shape (volunteers, 2, 2): what it
    is, what it was called; real comes first, then bogus."""

    @property
    def seen(self) -> NDArray[np.int64]:
        """How many such sources each volunteer judged."""
        return np.asarray(self.confusion.sum(axis=(1, 2)))

    @property
    def rates(self) -> NDArray[np.float64]:
        """P(says real | real) and P(says bogus | bogus), shape (volunteers, 2).

        The plain fractions; 0.5, which says nothing, for a kind that a volunteer has not seen.
        """
        right = np.stack([self.confusion[:, 0, 0], self.confusion[:, 1, 1]], axis=1)
        total = self.confusion.sum(axis=2)
        return np.where(total > 0, right / np.maximum(total, 1), _UNKNOWN)


def measure_skills(votes: Votes, kinds: NDArray[np.int8], gold: NDArray[np.int8], volunteers: int) -> Skills:
    """Count what volunteers made of the sources of which it is known what they are.

    ``kinds``: what each response says: 1 real, -1 bogus, 0 neither; the last is not counted. ``gold``: what
    each source is, in the same numbers; 0 when unknown. ``volunteers``: how many volunteers there are.
    """
    truth, said = gold[votes.source], kinds[votes.response]
    counts = (truth != 0) & (said != 0)
    cells = votes.volunteer[counts] * np.int64(4) + 2 * (truth[counts] < 0) + (said[counts] < 0)
    return Skills(np.bincount(cells, minlength=4 * volunteers).reshape(volunteers, 2, 2))
