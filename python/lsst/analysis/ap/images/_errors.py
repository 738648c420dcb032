"""The stamps of sources, or why a source has none."""

__all__ = ("MissingDatasetError", "StampError", "Stamps")

from ..domain import CutoutsError, Triplet


class StampError(CutoutsError):
    """The reason why one source has no stamps.

    `TripletReader.read` returns these rather than raising them, so that a bad image costs its own sources
    only.

    ``reason``: the reason. Libraries' messages that it quotes may have several lines; those become one, which
    fits into a table.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(" ".join(line.strip() for line in reason.splitlines() if line.strip()))


class MissingDatasetError(StampError):
    """That the repository has no such image of a detector."""


type Stamps = list[tuple[Triplet, ...] | StampError]
"""For each source its triplets, one for each size; or why there are none."""
