"""What became of each DiaSource."""

__all__ = ("Failure", "Picture")

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..domain import DetectorVisit


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is in the directory."""

    diaSourceId: int
    """The DiaSource that it shows."""
    data_id: DetectorVisit | None
    """The images that it shows; `None` for stamps of an alert that does not say where they are from."""
    path: str
    """Where it is, relative to the directory of the run; empty where a run left the stamps alone."""
    size: int
    """Bytes of the file."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Catalogue values for the manifest, as text, by column name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A DiaSource that has no picture."""

    diaSourceId: int
    """The DiaSource."""
    data_id: DetectorVisit | None
    """Its images, `None` when its row does not say."""
    reason: str
    """Why, and what to do about it."""
