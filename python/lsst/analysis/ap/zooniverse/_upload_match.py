"""Find the subjects of a directory among those of a set."""

__all__ = ("Match", "match_subjects")

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ._api_values import Listed
from ._ledger import Entry
from ._upload_subjects import Subject

_NAMES: Final = tuple(f"{mark}diaSourceId" for mark in ("", "#", "//", "!", "%"))
"""Metadata in which uploads by other programs keep the identifier."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a set has of a directory."""

    found: Mapping[int, Entry]
    """Entries of the subjects that are there, by diaSourceId."""
    surplus: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Identifiers of the subjects that a DiaSource has beside the one of its entry."""
    foreign: int = 0
    """How many subjects show nothing of the directory."""


def match_subjects(
    subjects: Iterable[Subject], ledger: Mapping[int, Entry], listed: Iterable[Listed]
) -> Match:
    """Find the subjects of a directory among those of a set.

    ``ledger``: how far they have come, as far as it is known. Returns: which is which: by external_id, or
    else by a diaSourceId in the metadata.
    """
    by_external_id = {subject.external_id: subject.diaSourceId for subject in subjects}
    by_text = {str(identifier): identifier for identifier in by_external_id.values()}
    numbers: dict[int, list[int]] = defaultdict(list)
    foreign = 0
    for member in listed:
        identifier = by_external_id.get(member.external_id or "")
        if identifier is None and member.external_id is None:
            texts = (member.metadata[name] for name in _NAMES if name in member.metadata)
            identifier = next((by_text[text] for text in texts if text in by_text), None)
        if identifier is None:
            foreign += 1
        else:
            numbers[identifier].append(member.number)
    found, surplus = {}, {}
    for identifier, several in numbers.items():
        entry = ledger.get(identifier, Entry())
        if entry.subject not in several:
            # What was made first counts, as volunteers may have seen it. It is ours if we asked for one, and
            # know of no other.
            asked = entry.asked if entry.subject is None else None
            entry = replace(entry, asked=asked, subject=min(several), sent=False)
        found[identifier] = replace(entry, linked=True)
        if others := tuple(sorted(number for number in set(several) if number != entry.subject)):
            surplus[identifier] = others
    return Match(found, surplus, foreign)
