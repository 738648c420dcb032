"""Which source each subject of the exports shows, and whether it is retired."""

__all__ = ("Joined", "join_subjects", "why_unknown")

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ._classifications import Classifications, Names
from ._exports import Export
from ._identity import NO_SOURCE, Identity, identify, picture_name, source_number
from ._pictures import Pictures


@dataclass(frozen=True, eq=False)
class Joined:
    """What became of each subject, by its number in `Names`."""

    source: NDArray[np.int32]
    """Row of the source that it shows; -1 when unknown."""
    identities: list[Identity | None]
    """What it says of itself; `None` where that cannot be read."""
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

    A subject is known by the diaSourceId in its metadata, else by a key or an external identifier, else by
    the name of its picture, be it in the metadata or in the locations of a subject export, else by the ledger
    of the upload.

    ``spoilt``: is told of each row of these that could not be read.
    """
    names, rows = classifications.names, classifications.rows
    texts = names.subjects.texts
    number = len(texts)
    joined = Joined(
        np.full(number, -1, np.int32),
        list(names.identities),
        np.full(number, -1, np.int32),
        np.full(number, -1, np.int32),
    )
    known = np.flatnonzero(of_workflow & (rows["reason"] >= 0))
    joined.retired[rows["subject"][known]] = rows["reason"][known]  # rows ascend: the last one stays
    np.maximum.at(joined.counted, rows["subject"][of_workflow], rows["counted"][of_workflow])
    _place(joined, np.arange(number), pictures)
    classified = pa.array(texts if exports else [], pa.string())
    for export in exports:
        for batch in export.read(spoilt):
            batch = batch.filter(pc.is_in(batch.column("subject_id"), classified))
            _read_subjects(batch, str(workflow), names, joined, pictures)
    if pictures.sent:
        left = np.flatnonzero(joined.source < 0)
        sent = [pictures.sent.get(int(texts[subject]), NO_SOURCE) for subject in left]
        joined.source[left] = pictures.find(np.array(sent, np.int64))
    return joined


def why_unknown(identity: Identity | None) -> str:
    """Return why the source of a subject is unknown."""
    if identity is None:
        return "its metadata cannot be read"
    given = identity.diaSourceId
    if given is not None and source_number(given) != NO_SOURCE:
        return f"DiaSource {given} has no picture in the directory"
    if given is not None:
        return f"its diaSourceId {given!r} is no whole number: a spreadsheet may have changed it"
    if identity.names:
        return f"no picture in the directory is called {identity.names[0]}"
    return "its metadata do not say which DiaSource it shows: give the subject export as well"


def _place(joined: Joined, subjects: NDArray[np.int_] | NDArray[np.int32], pictures: Pictures) -> None:
    """Find the sources of some subjects by what these say of themselves."""
    identities = [joined.identities[subject] for subject in subjects]
    given = [source_number(identity.diaSourceId or "") if identity else NO_SOURCE for identity in identities]
    joined.source[subjects] = pictures.find(np.array(given, np.int64))
    for subject, identity in zip(subjects, identities, strict=True):
        if joined.source[subject] < 0 and identity is not None:
            for name in identity.names:
                if (row := pictures.rows_by_name.get(name)) is None:
                    (row,) = pictures.find(np.array([source_number(name)]))
                if row >= 0:
                    joined.source[subject] = row
                    break


def _read_subjects(
    batch: pa.RecordBatch, workflow: str, names: Names, joined: Joined, pictures: Pictures
) -> None:
    """Learn from a subject export what is not known yet."""
    subjects = names.subjects.encode(batch.column("subject_id"))
    lost = np.flatnonzero(joined.source[subjects] < 0)
    for row in lost:
        identity = _identity(*(batch.column(name)[row].as_py() for name in ("metadata", "locations")))
        joined.identities[subjects[row]] = identity or joined.identities[subjects[row]]
    _place(joined, subjects[lost], pictures)
    mine = pc.equal(batch.column("workflow_id"), workflow).to_numpy(zero_copy_only=False)
    is_retired = mine & pc.not_equal(batch.column("retired_at"), "").to_numpy(zero_copy_only=False)
    joined.retired[subjects[is_retired]] = names.reasons.encode(batch.column("retirement_reason"))[is_retired]
    counts = [
        int(count) if count.isdecimal() else -1 for count in batch.column("classifications_count").to_pylist()
    ]
    np.maximum.at(joined.counted, subjects[mine], np.array(counts, np.int32)[mine])


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
