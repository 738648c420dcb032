"""What can be wrong with a file of pixels."""

__all__ = ("ImageFileError", "UnsupportedTilesError")

from ...domain import CutoutsError


class ImageFileError(CutoutsError):
    """A file that is not what its dataset type promises.

    ``name``: path or URI of the file.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageFileError"], tuple[str, str]]:
        return type(self), (self.name, self.reason)


class UnsupportedTilesError(Exception):
    """A kind of tiled image that only astropy reads."""
