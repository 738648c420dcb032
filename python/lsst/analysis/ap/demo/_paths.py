"""What a demo consists of."""

__all__ = ("DemoPaths",)

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoPaths:
    """Where the demo is and how much there is of it."""

    repo: Path
    """The butler repository."""
    apdb: Path
    """The APDB, an SQLite file."""
    apdb_config: Path
    """The configuration of the APDB for `lsst.dax.apdb.Apdb.from_uri`."""
    truth: Path
    """What each DiaSource really is, a Parquet file: ``diaSourceId``, ``kind`` in words, ``isReal``,
    ``trueFlux`` (nJy, in excess of the template) and ``number``, the same for all sources of one thing, -1
    for artefacts and what is injected."""
    collection: str
    """The RUN collection of the repository."""
    instrument: str
    """Name of the instrument."""
    visits: tuple[int, ...]
    """Visit IDs."""
    detectors: tuple[int, ...]
    """Detector IDs."""
    n_sources: int
    """Number of DiaSources."""
    n_objects: int
    """Number of DiaObjects."""
    other: "DemoPaths | None" = None
    """The run of another version of the pipeline in the same repository."""
