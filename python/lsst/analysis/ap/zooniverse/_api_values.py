"""What Zooniverse's API tells, as values."""

__all__ = ("Created", "Listed", "Location", "RefusedError", "SubjectSet", "User")

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain import CutoutsError

Location = str | Mapping[str, str]
"""A medium of a subject: the media type of a file to come, or a URL by its media type."""


class RefusedError(CutoutsError):
    """An answer that says no.

    ``message``: what was asked, and what the server says.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status."""


@dataclass(frozen=True)
class User:
    """An account, and what it may do."""

    name: str
    """Its name."""
    sent: int
    """How many subjects it has sent, ever."""
    limit: int | None
    """How many it may send; `None` for no limit."""


@dataclass(frozen=True)
class SubjectSet:
    """A subject set."""

    number: int
    """Its identifier."""
    name: str
    """What people call it."""
    project: str
    """The project that it belongs to."""
    metadata: Mapping[str, Any]
    """What the project keeps about it."""


@dataclass(frozen=True)
class Listed:
    """A subject that the server has."""

    number: int
    """Its identifier."""
    external_id: str | None
    """What its uploader calls it."""
    metadata: Mapping[str, str]
    """Its metadata."""


@dataclass(frozen=True)
class Created:
    """A subject that the server has just made, or is about to have media for."""

    number: int
    """Its identifier."""
    urls: tuple[str, ...]
    """Where its media are to be put, in order."""
    linked: bool
    """Whether the answer says that it is in the set."""
