"""Send the subjects of a directory to Zooniverse, each once."""

__all__ = ("UploadResult", "upload")

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..domain import CutoutsError
from ..messages import progress_bar
from ..output import OutputDirectory, open_existing
from ._api import Panoptes
from ._api_connection import Connection, Patience
from ._api_login import Account, find_account
from ._ledger import Ledger
from ._upload_run import UploadRun
from ._upload_send import Sender
from ._upload_subjects import Subjects, read_subjects

_LOG: Final = logging.getLogger(__name__)
_TABLE: Final = "subjects.csv"
_FAILURES: Final = "upload_failures.csv"


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What came of an upload."""

    sent: tuple[int, ...]
    """DiaSources whose subjects this call completed."""
    skipped: tuple[int, ...]
    """DiaSources whose subjects were complete before."""
    failed: Mapping[int, str]
    """Why subjects are not complete, by diaSourceId."""
    left: int
    """How many subjects the limit left out."""
    table: str
    """Path of the table that joins subjects and DiaSources."""
    endpoint: str
    """Where the subject set is."""


def upload(
    directory: str | os.PathLike[str],
    subject_set: int,
    *,
    account: Account | None = None,
    staging: bool = False,
    jobs: int = 4,
    limit: int | None = None,
    progress: bool | None = None,
    patience: Patience | None = None,
) -> UploadResult:
    """Send what a subject set does not have yet of a directory.

    What has been sent is kept in the journal of the directory, so that the same call again sends what is
    missing, and nothing twice, however the earlier one ended.

    Parameters
    ----------
    directory : `str` or `os.PathLike`
        Directory of pictures with a manifest, of any style: a path or a URI.
    subject_set : `int`
        Identifier of the subject set.
    account : `Account`, optional
        Who uploads, and where to; by default as `find_account` finds, once the directory is in order.
    staging : `bool`, optional
        Whether `find_account` is to take the server for trials.
    jobs : `int`, optional
        How many connections to use.
    limit : `int`, optional
        How many subjects to send at most.
    progress : `bool`, optional
        Whether to show a progress bar; by default on a terminal.
    patience : `Patience`, optional
        How long to wait for the server.

    Returns
    -------
    result : `UploadResult`
        What came of it. In the directory ``subjects.csv`` joins subjects and
        DiaSources, and ``upload_failures.csv`` names what is not complete.

    Raises
    ------
    CutoutsError
        Raised when nothing can be sent at all, or nothing more.
    """
    if jobs < 1:
        raise CutoutsError(f"The number of connections is {jobs}; it must be at least 1.")
    with open_existing(directory) as (folder, journal):
        subjects = read_subjects(folder, journal)
        account = account or find_account(staging=staging)
        _refuse_other_sets(Ledger.places(journal), account.endpoint, subject_set)
        ledger = Ledger(journal, account.endpoint, subject_set)
        before = {identifier for identifier, entry in ledger.items() if entry.is_done}
        failed: Mapping[int, str] = {}
        left = 0
        try:
            if any(subject.diaSourceId not in before for subject in subjects.members):
                connection = Connection(patience or Patience())
                api = Panoptes(account, connection)
                sender = Sender(api, folder, api.subject_set(subject_set))
                run = UploadRun(subjects, ledger, connection, sender)
                failed = run.failed
                left = _carry_out(run, api, ledger, jobs, limit, progress)
        finally:
            _write_tables(folder, subjects, ledger, failed)
        skipped = [s.diaSourceId for s in subjects.members if s.diaSourceId in before]
        sent = [i for i, entry in ledger.items() if entry.is_done and i not in before]
        table = f"{folder.name.rstrip('/')}/{_TABLE}"
        return UploadResult(tuple(sent), tuple(skipped), failed, left, table, account.endpoint)


def _refuse_other_sets(places: list[tuple[str, int]], endpoint: str, subject_set: int) -> None:
    """Refuse to make subjects of DiaSources that have some on this server."""
    for server, number in places:
        if server == endpoint and number != subject_set:
            raise CutoutsError(
                f"The subjects of this directory are in subject set {number}; sent to {subject_set} as well, "
                f"volunteers would see each twice. Link them there: 'panoptes subject-set add-subjects "
                f"{subject_set}' with the first column of subjects.csv, or use the lab."
            )


def _carry_out(
    run: UploadRun, api: Panoptes, ledger: Ledger, jobs: int, limit: int | None, progress: bool | None
) -> int:
    """Send subjects; return how many are left out because of the limit."""
    run.prepare()
    ready = run.ready()
    some = ready if limit is None else ready[:limit]
    new = sum(subject.diaSourceId not in ledger for subject in some)
    user = api.user()
    told = "without a limit" if user.limit is None else f"of at most {user.limit}"
    _LOG.info("%s has sent %d subjects %s; %d are to send.", user.name, user.sent, told, new)
    if user.limit is not None and new > user.limit - user.sent:
        raise CutoutsError(
            f"{new} subjects are to send, and {user.name} may send {max(0, user.limit - user.sent)} more "
            f"(it has sent {user.sent} of {user.limit}). Send fewer with limit=, or ask Zooniverse "
            "for more: contact@zooniverse.org.",
            choices=("limit",),
        )
    wanted = {*ledger.doubtful(), *(subject.diaSourceId for subject in some)}
    with progress_bar("subjects", len(wanted), "subject", progress) as bar:
        run.send(wanted, jobs, bar)
    run.confirm()
    return len(ready) - len(some)


def _write_tables(
    folder: OutputDirectory, subjects: Subjects, ledger: Ledger, failed: Mapping[int, str]
) -> None:
    names = {subject.diaSourceId: subject.external_id for subject in subjects.members}
    rows = [
        [str(entry.subject), str(identifier), names.get(identifier, "")]
        for identifier, entry in ledger.items()
        if entry.subject is not None
    ]
    folder.write_csv(_TABLE, ["subject_id", "diaSourceId", "external_id"], rows)
    if failed:
        folder.write_csv(_FAILURES, ["diaSourceId", "reason"], [[str(i), why] for i, why in failed.items()])
    else:
        folder.remove([_FAILURES])
