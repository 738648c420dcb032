"""Compare what a directory says it has sent with what the server has."""

__all__ = ("UploadStatus", "upload_status")

import os
from collections.abc import Iterator
from dataclasses import dataclass

from ..domain import CutoutsError
from ..output import Journal, open_existing
from ._api import Panoptes
from ._api_connection import Connection, Patience
from ._api_login import Account, find_account
from ._api_values import User
from ._ledger import Ledger
from ._upload_match import match_subjects
from ._upload_subjects import read_subjects


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """How a directory and a subject set compare."""

    name: str
    """Where the set is, and what it is called."""
    user: User
    """The account, and its limits."""
    subjects: int
    """Subjects that the manifest of the directory asks for."""
    complete: int
    """Those of them that were sent with their pictures."""
    without_picture: tuple[int, ...]
    """DiaSources whose subjects are there and lack their pictures."""
    unsent: int
    """Subjects that the server has not been asked for, or has not made."""
    missing: tuple[int, ...]
    """DiaSources whose subjects were sent, and are not in the set any more."""
    unrecorded: tuple[int, ...]
    """DiaSources whose subjects are in the set, though the directory does not say so."""
    surplus: tuple[int, ...]
    """Subjects in the set of DiaSources that have another one there."""
    foreign: int
    """Subjects in the set that are not of this directory."""

    @property
    def agrees(self) -> bool:
        """Whether everything is there, once."""
        return self.complete == self.subjects and not (self.missing or self.unrecorded or self.surplus)

    def lines(self) -> Iterator[str]:
        """Yield what there is to know, for a person."""
        limit = "no limit" if self.user.limit is None else f"at most {self.user.limit}"
        yield self.name
        yield f"  {'account':26}{self.user.name}, {self.user.sent} subjects sent so far, {limit}"
        for label, value in (
            ("in the directory", self.subjects),
            ("sent", self.complete),
            ("to send", self.unsent),
            ("without their pictures", len(self.without_picture)),
            ("sent, and gone since", len(self.missing)),
            ("there, and not recorded", len(self.unrecorded)),
            ("there once too often", len(self.surplus)),
            ("of others", self.foreign),
        ):
            yield f"  {label:26}{value}"
        if self.surplus:
            yield f"  subjects too many: {' '.join(map(str, self.surplus))}"


def upload_status(
    directory: str | os.PathLike[str],
    subject_set: int | None = None,
    *,
    account: Account | None = None,
    staging: bool = False,
    patience: Patience | None = None,
) -> UploadStatus:
    """Compare a directory with a subject set, and change nothing.

    Parameters
    ----------
    directory : `str` or `os.PathLike`
        Directory of pictures: a path or a URI.
    subject_set : `int`, optional
        Identifier of the subject set; by default the one that the directory was sent to.
    account : `Account`, optional
        Who asks, and where; by default as `find_account` finds, once the directory is in order.
    staging : `bool`, optional
        Whether `find_account` is to take the server for trials.
    patience : `Patience`, optional
        How long to wait for the server.

    Returns
    -------
    status : `UploadStatus`
        How they compare.

    Raises
    ------
    CutoutsError
        Raised when the server cannot be asked, or it is not known for what.
    """
    with open_existing(directory) as (folder, journal):
        subjects = read_subjects(folder, journal)
        account = account or find_account(staging=staging)
        number = _the_set(journal, account) if subject_set is None else subject_set
        ledger = Ledger(journal, account.endpoint, number)
        api = Panoptes(account, Connection(patience or Patience()))
        found = api.subject_set(number)
        match = match_subjects(subjects.members, ledger, api.subjects(number))
        known = {i: e for i, e in ledger.items() if e.subject is not None}
        return UploadStatus(
            name=f"subject set {number} ({found.name!r}) of project {found.project} at {account.endpoint}",
            user=api.user(),
            subjects=len(subjects.members),
            complete=sum(e.sent and i in match.found for i, e in known.items()),
            without_picture=tuple(i for i, e in known.items() if not e.sent),
            unsent=sum(s.diaSourceId not in known.keys() | match.found.keys() for s in subjects.members),
            missing=tuple(i for i, e in known.items() if e.linked and i not in match.found),
            unrecorded=tuple(i for i in match.found if i not in known),
            surplus=tuple(sorted(number for several in match.surplus.values() for number in several)),
            foreign=match.foreign,
        )


def _the_set(journal: Journal, account: Account) -> int:
    sets = [number for server, number in Ledger.places(journal) if server == account.endpoint]
    if len(sets) != 1:
        raise CutoutsError(
            f"Nothing of this directory has been sent to {account.endpoint}: say which subject set to "
            "compare it with."
        )
    return sets[0]
