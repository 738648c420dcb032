"""Why a source has no stamps."""

__all__ = ("StampError",)

from ..domain import CutoutsError


class StampError(CutoutsError):
    """The reason why one source has no stamps.

    `TripletReader.read` returns these rather than raising them, so that a bad
    image costs its own sources only.
    """
