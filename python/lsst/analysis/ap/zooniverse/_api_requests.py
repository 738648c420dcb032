"""Questions to Zooniverse's API, and its answers."""

__all__ = ("Requests", "only", "said")

from typing import TYPE_CHECKING, Any, Final

from ._api_connection import Connection, UnansweredError
from ._api_login import Account, Tokens
from ._api_values import RefusedError

if TYPE_CHECKING:
    import requests

_ACCEPT: Final = "application/vnd.api+json; version=1"

_STALE: Final = (409, 412)
"""Statuses of a row that somebody else has changed since it was read."""


class Requests:
    """Ask the API in the name of an account."""

    def __init__(self, account: Account, connection: Connection) -> None:
        self._root = f"{account.endpoint}/api"
        self._connection = connection
        self._tokens = Tokens(account, connection.patience)

    def insist(
        self, method: str, path: str, content: Any, *, versioned: bool = False, repeatable: bool = True
    ) -> Any:
        """Ask for a change, again when somebody else's came between.

        ``method``, ``path``: HTTP method, and path below that of the API. ``content``: what to send, as JSON
        can tell it. ``versioned``: whether the server wants to know which version is changed. ``repeatable``:
        whether it does no harm when it is done twice. Raises `RefusedError` when it says no;
        `UnansweredError` when it says nothing.
        """
        for _ in range(self._connection.patience.attempts):
            version = self.ask("GET", path)[1] if versioned else None
            try:
                return self.ask(method, path, version=version, repeatable=repeatable, json=content)[0]
            except RefusedError as error:
                if error.status not in _STALE:
                    raise
                refusal = error
            self._connection.rest()
        raise refusal

    def ask(
        self, method: str, path: str, *, version: str | None = None, repeatable: bool = True, **content: Any
    ) -> tuple[Any, str | None]:
        """Return an answer, and the version of what it tells of.

        ``method``, ``path``: HTTP method, and path below that of the API. ``repeatable``: whether it does no
        harm when it is done twice. Raises `RefusedError` when the answer is no; `UnansweredError` when there
        is none.
        """
        token = self._tokens.get()
        for again in (True, False):
            headers = {"Accept": _ACCEPT, "Authorization": f"Bearer {token}"}
            if version is not None:
                headers["If-Match"] = version
            response = self._connection.send(
                method, f"{self._root}{path}", repeatable=repeatable, headers=headers, **content
            )
            if response.status_code != 401 or not again:
                break
            token = self._tokens.get(refused=token)
        if not response.ok:
            raise RefusedError(
                response.status_code, f"Zooniverse refused {method} {path} ({said(response)})."
            )
        if not response.content:
            return None, response.headers.get("ETag")
        try:
            return response.json(), response.headers.get("ETag")
        except ValueError as error:
            problem = f"{self._root}{path} was answered with something that is no JSON"
            raise UnansweredError(f"{problem}: check the connection and PANOPTES_ENDPOINT.") from error


def only(answer: Any, kind: str) -> Any:
    """Return the one thing that an answer tells of.

    Raises `UnansweredError` when there is none.
    """
    try:
        return answer[kind][0]
    except (LookupError, TypeError) as error:
        raise UnansweredError(
            f"Zooniverse's answer has no {kind}: check that PANOPTES_ENDPOINT is a server of Panoptes."
        ) from error


def said(response: "requests.Response") -> str:
    """Return the status of an answer and its words, as far as they are meant for people.

    ``response``: an answer that says no.
    """
    try:
        errors = response.json()["errors"]
        words = "; ".join(str(error["message"]) for error in errors)
    except (ValueError, KeyError, TypeError):
        words = response.reason or ""
    return f"status {response.status_code}: {' '.join(words.split())[:300]}".rstrip(": ")
