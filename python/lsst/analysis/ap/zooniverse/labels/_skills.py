"""How well volunteers know real from bogus, by the sources of which it is known."""

__all__ = ("Skills", "measure_skills")

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._votes import Votes

_UNKNOWN = 0.5


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
