"""The votes on each DiaSource: one of each volunteer."""

__all__ = ("Votes", "cast_votes")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
