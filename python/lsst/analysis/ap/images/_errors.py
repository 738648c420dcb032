"""What can go wrong between a sky position and its stamps."""

__all__ = ("ImageFileError", "StampError")

from lsst.analysis.ap.domain import CutoutsError


class StampError(CutoutsError):
    """The reason why one source has no stamps.

    `TripletReader.read` returns these rather than raising them, so that a bad
    image costs its own sources only.
    """


class ImageFileError(CutoutsError):
    """A file that is not what its dataset type promises.

    Parameters
    ----------
    name : `str`
        Path or URI of the file.
    reason : `str`
        What is wrong with it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageFileError"], tuple[str, str]]:
        return type(self), (self.name, self.reason)
