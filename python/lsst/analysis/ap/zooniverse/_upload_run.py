"""The course of an upload: what is asked when, and what is recorded before and after."""

__all__ = ("UploadRun",)

import logging
import time
from collections.abc import Container, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from ..domain import CutoutsError
from ._api_connection import Connection, Interrupted
from ._api_values import RefusedError
from ._ledger import Entry, Ledger
from ._upload_match import match_subjects
from ._upload_send import Outcome, Sender
from ._upload_subjects import Subject, Subjects

_LOG: Final = logging.getLogger(__name__)

_LISTINGS: Final = 6
"""How often a set is listed to find what had no clear answer."""

_NAMED: Final = 10
"""How many identifiers a message names."""


class UploadRun:
    """One upload at work.

    The ledger knows of each subject before the server is asked for it. After an answer that is not clear, and
    after the death of an earlier upload, the set itself tells whether the subject is there, once the server
    has had time to end what it was doing; only one that is not is asked for again.

    ``ledger``: how far they have come.
    """

    def __init__(self, subjects: Subjects, ledger: Ledger, connection: Connection, sender: Sender) -> None:
        self._subjects, self._ledger = subjects, ledger
        self._connection, self._sender = connection, sender
        self._set = sender.subject_set.number
        self._must_list = False  # whether to look at the set again before the end
        self.failed: dict[int, str] = {}
        """What this upload could not complete, and why, by diaSourceId."""

    def prepare(self) -> None:
        """Find out what the set has already.

        A set that this directory has never been sent to may have its subjects
        from another program, or from this one if the journal was lost.
        """
        if not self._ledger:
            self._list()
        self._sender.api.index(self._set, self._subjects.indexed)

    def ready(self) -> list[Subject]:
        """Return the subjects of which it is known what they lack."""

        def is_ready(identifier: int) -> bool:
            entry = self._ledger.get(identifier)
            return entry is None or (entry.subject is not None and not entry.sent)

        members = (s for s in self._subjects.members if s.diaSourceId not in self.failed)
        return [subject for subject in members if is_ready(subject.diaSourceId)]

    def send(self, wanted: Container[int], jobs: int, bar: Any) -> None:
        """Send subjects, and again what turns out not to be there.

        ``wanted``: the DiaSources whose subjects to send. ``jobs``: how many connections to use. ``bar``: is
        told of each subject that is dealt with. Raises `CutoutsError` when the server refuses what would go
        for all, does not answer any more, or never says what it has made.
        """
        for _ in range(_LISTINGS):
            self._send([subject for subject in self.ready() if subject.diaSourceId in wanted], jobs, bar)
            if not (doubtful := self._ledger.doubtful()):
                return
            # All of it at the end: the server has time meanwhile, and one listing answers for all.
            if (left := self._connection.patience.settle - min(doubtful.values())) > 0:
                _LOG.info("Waiting %.0f s, for %d subjects had no clear answer.", left, len(doubtful))
                time.sleep(left)
            self._list()
        raise CutoutsError(
            f"Zooniverse gives no clear answer for {len(doubtful)} subjects. What was sent is recorded: run "
            "the same command again later."
        )

    def confirm(self) -> None:
        """See to it that every subject is in the set, and no DiaSource there twice."""
        if self._must_list or self._unlinked():
            self._list()
        if unlinked := self._unlinked():
            self._sender.api.link(self._set, [entry.subject for entry in unlinked.values() if entry.subject])
            self._ledger.update({i: replace(entry, linked=True) for i, entry in unlinked.items()})

    def _unlinked(self) -> dict[int, Entry]:
        return {
            identifier: entry
            for identifier, entry in self._ledger.items()
            if entry.subject is not None and not entry.linked
        }

    def _list(self) -> None:
        """Take down which subjects the set has, and which it has not."""
        doubtful = self._ledger.doubtful()
        match = match_subjects(self._subjects.members, self._ledger, self._sender.api.subjects(self._set))
        self._must_list = False
        self._ledger.update({i: e for i, e in match.found.items() if self._ledger.get(i) != e})
        settle = self._connection.patience.settle
        self._ledger.forget(i for i, age in doubtful.items() if age >= settle and i not in match.found)
        if match.surplus:
            numbers = sorted(number for several in match.surplus.values() for number in several)
            _LOG.warning(
                "%d DiaSources are in the set more than once. Remove what is too much with: "
                "panoptes subject-set remove-subjects %d %s",
                len(match.surplus),
                self._set,
                " ".join(map(str, numbers[:_NAMED])) + (" ..." if len(numbers) > _NAMED else ""),
            )

    def _send(self, subjects: Iterable[Subject], jobs: int, bar: Any) -> None:
        """Send subjects over several connections, each known to the ledger before."""
        rest = iter(subjects)
        running: dict[Future[Outcome], Subject] = {}
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="upload")
        try:
            while True:
                if len(running) <= jobs:
                    running |= self._begin(pool, list(islice(rest, jobs)))
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                self._record([(running.pop(future), future) for future in done], bar)
        except BaseException:
            self._connection.call_off()
            pool.shutdown(cancel_futures=True)  # what is under way comes to its end
            with suppress(Exception):  # the first error is the one to tell
                self._record([(subject, future) for future, subject in running.items()], bar)
            raise
        finally:
            pool.shutdown()

    def _begin(self, pool: ThreadPoolExecutor, subjects: list[Subject]) -> dict[Future[Outcome], Subject]:
        self._ledger.ask(s.diaSourceId for s in subjects if s.diaSourceId not in self._ledger)
        return {
            pool.submit(self._sender, subject, self._ledger[subject.diaSourceId]): subject
            for subject in subjects
        }

    def _record(self, done: list[tuple[Subject, Future[Outcome]]], bar: Any) -> None:
        entries: dict[int, Entry] = {}
        forgotten, errors = [], []
        for subject, future in done:
            identifier = subject.diaSourceId
            error = Interrupted() if future.cancelled() else future.exception()
            if error is not None:
                errors.append(error)
                if isinstance(error, Interrupted | RefusedError) and self._ledger[identifier].is_doubtful:
                    forgotten.append(identifier)  # certainly not made
                continue
            outcome = future.result()
            if outcome.entry is None:
                forgotten.append(identifier)
            elif outcome.entry.is_doubtful:  # the server may be at it still: count from now
                entries[identifier] = replace(outcome.entry, asked=time.time())
                self._must_list = True
                continue
            else:
                entries[identifier] = outcome.entry
            if outcome.problem is not None:
                self.failed[identifier] = outcome.problem
            bar.update()
        self._ledger.update(entries)
        self._ledger.forget(forgotten)
        if errors:
            raise errors[0]
