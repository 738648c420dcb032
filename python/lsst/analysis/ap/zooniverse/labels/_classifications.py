"""All classifications of some exports, as arrays, in one pass."""

__all__ = ("Classifications", "Codes", "Names", "encode", "read_classifications")

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...domain import CutoutsError
from ._exports import Export
from ._identity import Identity, identify
from ._responses import Responses

_ROW: Final = np.dtype(
    [
        ("id", np.int64),
        ("time", np.int64),  # seconds since 1970, UTC
        ("subject", np.int32),
        ("volunteer", np.int32),
        ("workflow", np.int16),
        ("version", np.int16),
        ("response", np.int32),
        ("reason", np.int16),  # why the subject was retired by then; -1 when it was not
        ("counted", np.int32),  # classifications by Zooniverse's own count; -1 when unknown
    ]
)
# What Zooniverse puts before the metadata. It differs from row to row: too many to read as JSON.
_STATUS: Final = r'"retired":\s*\{(?P<status>[^{}]*)\}'
_RETIRED: Final = r'"retired_at":\s*"'
_REASON: Final = r'"retirement_reason":\s*"(?P<reason>[^"]*)"'
_COUNT: Final = r'"classifications_count":\s*(?P<count>[0-9]{1,9})\b'
_SECOND: Final = len("2026-01-10 12:00:00")


def encode(column: pa.Array, number_of: Callable[[str], int]) -> NDArray[np.int32]:
    """Return a number for each text; it is asked for once per different text."""
    encoded = column.dictionary_encode()
    numbers = np.array([number_of(text) for text in encoded.dictionary.to_pylist()], np.int32)
    return np.asarray(numbers[encoded.indices.to_numpy()])


class Codes:
    """Texts, numbered from 0 in the order in which they came first."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def texts(self) -> list[str]:
        """The texts, by number."""
        return list(self._numbers)

    def number_of(self, text: str) -> int:
        """Return the number of a text, a new one for a text that is new."""
        return self._numbers.setdefault(text, len(self._numbers))

    def encode(self, column: pa.Array) -> NDArray[np.int32]:
        """Return the number of each text."""
        return encode(column, self.number_of)

    def encode_and_tell(self, column: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return the number of each text, and the rows in which texts are for the first time."""
        known = len(self)
        numbers = self.encode(column)
        different, first = np.unique(numbers, return_index=True)
        return numbers, first[different >= known]


@dataclass
class Names:
    """What the numbers in the rows stand for."""

    subjects: Codes = field(default_factory=Codes)
    """Identifiers of subjects."""
    identities: list[Identity | None] = field(default_factory=list)
    """What each subject says of itself; `None` where that cannot be read."""
    volunteers: Codes = field(default_factory=Codes)
    """Names of volunteers; ``not-logged-in-...`` for those without account."""
    users: list[str] = field(default_factory=list)
    """Number of the account of each volunteer; empty without account."""
    workflows: Codes = field(default_factory=Codes)
    """Number and name of each workflow, with a blank between them."""
    versions: Codes = field(default_factory=Codes)
    """Versions of workflows."""
    responses: Responses = field(default_factory=Responses)
    """What volunteers answered."""
    reasons: Codes = field(default_factory=Codes)
    """Why subjects were retired."""


@dataclass(frozen=True, eq=False)
class Classifications:
    """Everything that volunteers did, one row for each classification."""

    rows: NDArray[np.void]
    """Each classification once, by its identifier, with the fields ``id``, ``time`` (seconds since 1970,
    UTC), ``subject``, ``volunteer``, ``workflow``, ``version``, ``response``, ``reason`` and ``counted``."""
    names: Names
    """What the numbers in the rows stand for."""
    others: int
    """How many rows were left out because they are of other workflows."""
    repeated: int
    """How many rows were there before, in this export or in another."""
    spoilt: Counter[tuple[str, str]]
    """How many rows could not be read, by subject and reason."""


def read_classifications(
    exports: Iterable[Export], workflow: int | None, advance: Callable[[int], object]
) -> Classifications:
    """Read classification exports, each row once, in blocks.

    ``exports``: the exports, which may overlap. ``workflow``: number of the workflow whose rows are wanted;
    all when `None`. ``advance``: is told how many rows more have been read. Raises `CutoutsError` when an
    export cannot be read, or there is no row.
    """
    names, spoilt = Names(), Counter[tuple[str, str]]()
    parts, others = [np.empty(0, _ROW)], 0
    for export in exports:
        for batch in export.read(lambda reason: spoilt.update([("", reason)])):
            advance(len(batch))
            if workflow is not None:
                others += len(batch)
                batch = batch.filter(pc.equal(batch.column("workflow_id"), str(workflow)))
                others -= len(batch)
            parts.append(_read_batch(batch, names, spoilt))
    rows = _concatenated(parts)
    if not len(rows) and not others:
        raise CutoutsError("The exports have no classifications.")
    repeated = len(rows)
    if (np.diff(rows["id"]) <= 0).any():
        # Of a row that several exports have the newest counts: it knows best whether the subject is retired.
        rows = rows[np.lexsort((rows["counted"], rows["id"]))]
        rows = rows[np.append(rows["id"][1:] != rows["id"][:-1], True)]
    repeated -= len(rows)
    return Classifications(_one_name_each(rows, names), names, others, repeated, spoilt)


def _read_batch(batch: pa.RecordBatch, names: Names, spoilt: Counter[tuple[str, str]]) -> NDArray[np.void]:
    identifiers = _numbers(batch.column("classification_id"))
    times = _times(batch.column("created_at"))
    subject_numbers = _numbers(batch.column("subject_ids"))
    responses = encode(batch.column("annotations"), names.responses.number_of)
    faults = {
        "its classification_id is no number": pc.is_null(identifiers),
        "its created_at is no time": pc.is_null(times),
        "it is not about one subject": pc.is_null(subject_numbers),
        "its annotations are no JSON that Zooniverse writes": pa.array(responses < 0),
    }
    bad = np.zeros(len(batch), bool)
    for reason, fault in faults.items():
        fault = fault.to_numpy(zero_copy_only=False) & ~bad
        bad |= fault
        spoilt.update(
            (text, reason) for text in batch.column("subject_ids").filter(pa.array(fault)).to_pylist()
        )
    if bad.any():
        good = pa.array(~bad)
        batch, identifiers, times = batch.filter(good), identifiers.filter(good), times.filter(good)
        responses = responses[~bad]
    rows = np.empty(len(batch), _ROW)
    rows["id"] = identifiers.to_numpy()
    rows["time"] = times.to_numpy()
    subjects, data = batch.column("subject_ids"), batch.column("subject_data")
    rows["subject"], new = names.subjects.encode_and_tell(subjects)
    names.identities.extend(_identity(subjects[row].as_py(), data[row].as_py()) for row in new)
    rows["volunteer"], new = names.volunteers.encode_and_tell(batch.column("user_name"))
    names.users.extend(batch.column("user_id").take(pa.array(new)).to_pylist())
    workflows = pc.binary_join_element_wise(batch.column("workflow_id"), batch.column("workflow_name"), " ")
    rows["workflow"] = names.workflows.encode(workflows)
    rows["version"] = names.versions.encode(batch.column("workflow_version"))
    rows["response"] = responses
    rows["reason"], rows["counted"] = _retirements(data, names.reasons)
    return rows


def _concatenated(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Return all rows; the parts go one by one, so that there are never two of all."""
    rows = np.empty(sum(map(len, parts)), _ROW)
    end = len(rows)
    while parts:
        part = parts.pop()
        rows[end - len(part) : end] = part
        end -= len(part)
    return rows


def _numbers(column: pa.Array) -> pa.Array:
    """Return texts as integers, null where one is none."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        plain = pc.match_substring_regex(column, r"^[0-9]{1,18}$")
        return pc.if_else(plain, column, pa.scalar(None, pa.string())).cast(pa.int64())


def _times(column: pa.Array) -> pa.Array:
    """Return times such as ``2026-01-10 12:00:00 UTC`` in seconds since 1970, null where one is none."""
    seconds = pc.utf8_slice_codeunits(column, 0, _SECOND)
    try:
        return seconds.cast(pa.timestamp("s")).cast(pa.int64())
    except pa.ArrowInvalid:
        plain = pc.match_substring_regex(seconds, r"^\d{4}-[01]\d-[0-3]\d[ T][0-2]\d:[0-5]\d:[0-5]\d$")
        seconds = pc.if_else(plain, seconds, pa.scalar(None, pa.string()))
        return pc.strptime(
            pc.replace_substring(seconds, "T", " "), format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True
        ).cast(pa.int64())


def _identity(subject: str, data: str) -> Identity | None:
    try:
        return identify(json.loads(data)[subject])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _retirements(data: pa.Array, reasons: Codes) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return why each subject was retired, and how often it had been classified."""
    status = _extract(data, _STATUS)
    is_retired = pc.match_substring_regex(status, _RETIRED).to_numpy(zero_copy_only=False)
    reason = np.where(is_retired, reasons.encode(_extract(status, _REASON)), -1)
    count = pc.replace_substring_regex(_extract(status, _COUNT), "^$", "-1")
    return reason, count.cast(pa.int32()).to_numpy()


def _extract(texts: pa.Array, pattern: str) -> pa.Array:
    """Return what the group of a pattern has found in each text, nothing where it is not there."""
    found = pc.extract_regex(texts, pattern)
    return pc.if_else(pc.is_valid(found), pc.struct_field(found, 0), "")


def _one_name_each(rows: NDArray[np.void], names: Names) -> NDArray[np.void]:
    """Let volunteers who changed their name be one, under the newest name."""
    latest = np.full(len(names.volunteers), -1, np.int64)
    np.maximum.at(latest, rows["volunteer"], rows["id"])
    newest: dict[str, int] = {}
    for volunteer in np.argsort(latest):
        newest[names.users[volunteer]] = int(volunteer)
    numbers = [newest[user] if user else volunteer for volunteer, user in enumerate(names.users)]
    rows["volunteer"] = np.array(numbers, np.int32)[rows["volunteer"]] if numbers else rows["volunteer"]
    return rows
