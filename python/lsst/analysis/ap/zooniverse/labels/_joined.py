"""Which source each subject of the exports shows, and whether it is retired."""

__all__ = ("Joined", "join_subjects")

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ._classifications import Classifications, Names
from ._exports import Export
from ._identity import Identity, identify, picture_name
from ._pictures import Pictures

_SILENT: Final = "its metadata do not say which DiaSource it shows: give the subject export as well"


@dataclass(frozen=True, eq=False)
class Joined:
    """What became of each subject, by its number in `Names`."""

    source: NDArray[np.int32]
    """Row of the source that it shows; -1 when unknown."""

    reasons: Sequence[str]
    """Why it is unknown."""

    identities: Sequence[Identity | None]
    """What it says of itself."""

    retired: NDArray[np.int32]
    """Number of the reason for which it was retired; -1 when it was not."""

    counted: NDArray[np.int32]
    """How many classifications Zooniverse counted; -1 when unknown."""


def join_subjects(
    classifications: Classifications,
    of_workflow: NDArray[np.bool_],
    workflow: int,
    pictures: Pictures,
    exports: Sequence[Export],
    spoilt: Callable[[str], object],
) -> Joined:
    """Find the source of each subject.

    A subject is known by the diaSourceId in its metadata, else by a key or
    an external identifier, else by the name of its picture, be it in the
    metadata or in the locations of a subject export, else by the ledger of
    the upload.

    Parameters
    ----------
    classifications : `Classifications`
        All classifications.
    of_workflow : `numpy.ndarray`
        Whether each is of the workflow.
    workflow : `int`
        Number of the workflow.
    pictures : `Pictures`
        The sources.
    exports : sequence of `Export`
        Subject exports.
    spoilt : callable
        Is told of each row of these that could not be read.

    Returns
    -------
    joined : `Joined`
        What was found.
    """
    names, rows = classifications.names, classifications.rows[of_workflow]
    number = len(names.subjects)
    retired, counted = np.full(number, -1, np.int32), np.full(number, -1, np.int32)
    known = rows["reason"] >= 0
    retired[rows["subject"][known]] = rows["reason"][known]  # rows ascend: the last one stays
    np.maximum.at(counted, rows["subject"], rows["counted"])
    identities = list(names.identities)
    sent = (pictures.sent.get(int(subject)) for subject in names.subjects.texts)
    places = [_place(*known, pictures) for known in zip(identities, sent, strict=True)]
    for export in exports:
        for batch in export.read(spoilt):
            _read_subjects(batch, str(workflow), names, identities, places, pictures, retired, counted)
    source = np.array([row for row, _ in places], np.int32)
    return Joined(source, [reason for _, reason in places], identities, retired, counted)


def _place(identity: Identity | None, sent: int | None, pictures: Pictures) -> tuple[int, str]:
    """Return the row of a source, or -1 and why it is unknown."""
    row, reason = _place_by_identity(identity, pictures)
    return (row, reason) if row >= 0 or sent is None else (pictures.rows_by_id.get(sent, -1), reason)


def _place_by_identity(identity: Identity | None, pictures: Pictures) -> tuple[int, str]:
    if identity is None:
        return -1, "its metadata cannot be read"
    given = identity.diaSourceId
    for word in (given, *identity.names):
        if word is not None and word.isdecimal() and (row := pictures.rows_by_id.get(int(word))) is not None:
            return row, ""
    for name in identity.names:
        if (row := pictures.rows_by_name.get(name)) is not None:
            return row, ""
    if given is not None and given.isdecimal():
        return -1, f"DiaSource {given} has no picture in the directory"
    if given is not None:
        return -1, f"its diaSourceId {given!r} is no whole number: a spreadsheet may have changed it"
    if identity.names:
        return -1, f"no picture in the directory is called {identity.names[0]}"
    return -1, _SILENT


def _read_subjects(
    batch: pa.RecordBatch,
    workflow: str,
    names: Names,
    identities: list[Identity | None],
    places: list[tuple[int, str]],
    pictures: Pictures,
    retired: NDArray[np.int32],
    counted: NDArray[np.int32],
) -> None:
    """Learn from a subject export what is not known yet."""
    batch = batch.filter(pc.is_in(batch.column("subject_id"), pa.array(names.subjects.texts, pa.string())))
    subjects = names.subjects.encode(batch.column("subject_id"))
    for row, subject in enumerate(subjects):
        if places[subject][0] < 0:
            identity = _identity(*(batch.column(name)[row].as_py() for name in ("metadata", "locations")))
            if identity is not None:
                identities[subject] = identity
                places[subject] = _place(identity, None, pictures)
    mine = pc.equal(batch.column("workflow_id"), workflow).to_numpy(zero_copy_only=False)
    is_retired = mine & pc.not_equal(batch.column("retired_at"), "").to_numpy(zero_copy_only=False)
    retired[subjects[is_retired]] = names.reasons.encode(batch.column("retirement_reason"))[is_retired]
    counts = batch.column("classifications_count").filter(pa.array(mine)).to_pylist()
    for subject, count in zip(subjects[mine], counts, strict=True):
        if count.isdecimal():
            counted[subject] = max(counted[subject], int(count))


def _identity(metadata: str, locations: str) -> Identity | None:
    try:
        values: dict[str, Any] = json.loads(metadata)
        urls = json.loads(locations or "{}").values()
        # Locations come last: what the metadata say is from whoever made the subject.
        return identify(
            {**values, **{f"location {n}": u for n, u in enumerate(urls) if picture_name(str(u))}}
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
