"""Requests to a server that is not always at its best."""

__all__ = ("Connection", "Interrupted", "Patience", "UnansweredError", "UnreachableError")

import email.utils
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..domain import CutoutsError

if TYPE_CHECKING:
    import requests

_TRY_LATER: Final = (408, 429)
"""Statuses below 500 that tell nothing of the request itself."""

_LONGEST_WISH: Final = 600.0
"""Seconds of a server's wish to be left alone that are waited out."""


class UnansweredError(CutoutsError):
    """A request that got no clear answer.

    What it asked for may have been done, or may be done yet.
    """


class UnreachableError(CutoutsError):
    """A server that answers nothing any more, or wants to be left alone."""


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The work was called off while a request waited for its turn."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, in seconds unless said otherwise."""

    connect: float = 10.0
    """For a connection."""
    answer: float = 90.0
    """For an answer; what stands before Zooniverse gives up after 60."""
    first: float = 1.0
    """Before the second attempt; twice as long before each further one."""
    longest: float = 60.0
    """Between attempts, at most."""
    attempts: int = 8
    """How often one request is tried; of all, twice as many may fail in a row."""
    settle: float = 30.0
    """Until a request without an answer is taken for done or not done."""


class Connection:
    """Send requests, again and again where that is harmless.

    Several threads may use one; when the server is in trouble all of them slow down together.

    ``patience``: how long to wait.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._lock = threading.Lock()
        self._called_off = threading.Event()
        self._sessions = threading.local()
        self._failures = 0  # in a row, those at the same time counted once
        self._failed = 0.0
        self._not_before = 0.0

    def call_off(self) -> None:
        """Let no further request begin."""
        self._called_off.set()

    def send(self, method: str, url: str, *, repeatable: bool = True, **content: Any) -> "requests.Response":
        """Send a request until it is answered.

        ``repeatable``: whether it does no harm when it is done twice. Returns: the answer; its status may be
        one of refusal. Raises `UnansweredError` when there is no answer after all attempts; when the request
        is not to be done twice, after the first that may have done it; `UnreachableError` when the server
        answers nothing at all; `Interrupted` when the work was called off.
        """
        import requests

        limits = (self.patience.connect, self.patience.answer)
        for _ in range(self.patience.attempts):
            self._wait()
            began, wish = time.monotonic(), None
            try:
                response = self._session.request(method, url, timeout=limits, **content)
            except requests.RequestException as error:
                problem, untouched = _cause(error), _never_sent(error)
            else:
                if response.status_code < 500 and response.status_code not in _TRY_LATER:
                    self._failures = 0
                    return response
                problem = f"status {response.status_code} {response.reason or ''}".rstrip()
                untouched = response.status_code == 429
                wish = _seconds(response.headers.get("Retry-After"))
            self._slow_down(url, problem, wish, began)
            if not (repeatable or untouched):
                break
        raise UnansweredError(
            f"{_host(url)} gave no clear answer to {method} {urlsplit(url).path} ({problem}). Run the same "
            "command again later."
        )

    def rest(self) -> None:
        """Wait as after a first failure, for what passes by itself."""
        if self._called_off.wait(self.patience.first * random.uniform(0.5, 1.0)):
            raise Interrupted

    @property
    def _session(self) -> "requests.Session":
        # requests does not promise that threads can share one.
        if not hasattr(self._sessions, "session"):
            import requests

            from .._version import software_version

            self._sessions.session = requests.Session()
            self._sessions.session.auth = lambda request: request  # or ~/.netrc would replace the token
            self._sessions.session.headers["User-Agent"] = f"lsst-analysis-ap/{software_version()}"
        return self._sessions.session  # type: ignore[no-any-return]

    def _wait(self) -> None:
        while (left := self._not_before - time.monotonic()) > 0:
            if self._called_off.wait(left):
                break
        if self._called_off.is_set():
            raise Interrupted

    def _slow_down(self, url: str, problem: str, wish: float | None, began: float) -> None:
        if wish is not None and wish > _LONGEST_WISH:
            raise UnreachableError(
                f"{_host(url)} asks to be left alone for {wish:.0f} s ({problem}). Run the same command "
                "again after that."
            )
        with self._lock:
            if began > self._failed:
                self._failures, self._failed = self._failures + 1, time.monotonic()
            if self._failures > 2 * self.patience.attempts:
                raise UnreachableError(
                    f"{_host(url)} has failed {self._failures} times in a row; the last time: {problem}. "
                    "What was done is recorded: run the same command again later."
                )
            pause = min(self.patience.first * 2 ** (self._failures - 1), self.patience.longest)
            # Clients that failed together should not come back together.
            pause = max(wish or 0.0, pause * random.uniform(0.5, 1.0))
            self._not_before = max(self._not_before, time.monotonic() + pause)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _never_sent(error: "requests.RequestException") -> bool:
    """Return whether there was not even a connection to send a request on."""
    import requests
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    reason = error.args[0] if error.args else None
    return isinstance(error, requests.exceptions.ConnectTimeout) or (
        isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)
    )


def _cause(error: "requests.RequestException") -> str:
    """Return what went wrong, without the signature that a URL carries."""
    reason = error.args[0] if error.args else error
    reason = getattr(reason, "reason", None) or reason
    return f"{type(error).__name__}: {type(reason).__name__}"


def _seconds(retry_after: str | None) -> float | None:
    """Return the value of a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    with suppress(ValueError):
        return max(0.0, float(retry_after))
    with suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    return None
