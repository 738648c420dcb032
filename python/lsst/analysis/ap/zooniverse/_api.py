"""What an upload asks of Zooniverse's API, Panoptes."""

__all__ = ("Created", "Listed", "Panoptes", "RefusedError", "SubjectSet", "User")

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from ..domain import CutoutsError
from ._api_connection import Connection, UnansweredError
from ._api_login import Account, Tokens

if TYPE_CHECKING:
    import requests

_ACCEPT: Final = "application/vnd.api+json; version=1"
_PAGE: Final = 100
"""Subjects of a page; the API gives no more."""

_STALE: Final = (409, 412)
"""Statuses of a row that somebody else has changed since it was read."""

Location = str | Mapping[str, str]
"""A medium of a subject: the media type of a file to come, or a URL by its
media type."""


class RefusedError(CutoutsError):
    """An answer that says no.

    Parameters
    ----------
    status : `int`
        HTTP status.
    message : `str`
        What was asked, and what the server says.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status."""


@dataclass(frozen=True)
class User:
    """An account, and what it may do."""

    name: str
    """Its name."""

    sent: int
    """How many subjects it has sent, ever."""

    limit: int | None
    """How many it may send; `None` for no limit."""


@dataclass(frozen=True)
class SubjectSet:
    """A subject set."""

    number: int
    """Its identifier."""

    name: str
    """What people call it."""

    project: str
    """The project that it belongs to."""

    metadata: Mapping[str, Any]
    """What the project keeps about it."""


@dataclass(frozen=True)
class Listed:
    """A subject that the server has."""

    number: int
    """Its identifier."""

    external_id: str | None
    """What its uploader calls it."""

    metadata: Mapping[str, str]
    """Its metadata."""


@dataclass(frozen=True)
class Created:
    """A subject that the server has just made, or is about to have media for."""

    number: int
    """Its identifier."""

    urls: tuple[str, ...]
    """Where its media are to be put, in order."""

    linked: bool
    """Whether the answer says that it is in the set."""


class Panoptes:
    """The API, as an account sees it.

    Several threads may use one.

    Parameters
    ----------
    account : `Account`
        Who asks, and whom.
    connection : `Connection`
        How to ask.
    """

    def __init__(self, account: Account, connection: Connection) -> None:
        self._root = f"{account.endpoint}/api"
        self._connection = connection
        self._tokens = Tokens(account, connection.patience)

    def user(self) -> User:
        """Return the account and its limits."""
        user = _only(self._ask("GET", "/me")[0], "users")
        limit = None if user.get("upload_whitelist") else user.get("subject_limit")
        return User(str(user.get("login")), int(user.get("uploaded_subjects_count") or 0), limit)

    def subject_set(self, number: int) -> SubjectSet:
        """Return a subject set.

        Parameters
        ----------
        number : `int`
            Its identifier.

        Returns
        -------
        subject_set : `SubjectSet`
            The set.

        Raises
        ------
        RefusedError
            Raised when there is none, or not for this account.
        """
        answer, _ = self._ask("GET", f"/subject_sets/{number}")
        found = _only(answer, "subject_sets")
        return SubjectSet(
            number,
            str(found.get("display_name")),
            str(found["links"]["project"]),
            found.get("metadata") or {},
        )

    def subjects(self, subject_set: int) -> Iterator[Listed]:
        """Yield the subjects of a set.

        Parameters
        ----------
        subject_set : `int`
            Identifier of the set.

        Yields
        ------
        subject : `Listed`
            One of them.
        """
        page, pages = 1, 1
        while page <= pages:
            query = {"subject_set_id": subject_set, "page": page, "page_size": _PAGE, "sort": "id"}
            answer, _ = self._ask("GET", "/subjects", params=query)
            for subject in answer["subjects"]:
                external_id = subject.get("external_id")
                yield Listed(
                    int(subject["id"]),
                    None if external_id is None else str(external_id),
                    subject.get("metadata") or {},
                )
            pages = int(answer.get("meta", {}).get("subjects", {}).get("page_count") or 1)
            page += 1

    def create(
        self,
        subject_set: SubjectSet,
        external_id: str,
        metadata: Mapping[str, str],
        locations: Sequence[Location],
    ) -> Created:
        """Make a subject in a set.

        Parameters
        ----------
        subject_set : `SubjectSet`
            The set.
        external_id : `str`
            What its uploader calls it.
        metadata : `~collections.abc.Mapping` [`str`, `str`]
            Its metadata.
        locations : sequence of `str` or `~collections.abc.Mapping`
            Its media, in order.

        Returns
        -------
        created : `Created`
            The subject.

        Raises
        ------
        UnansweredError
            Raised when it may have been made, or not.
        RefusedError
            Raised when it was not made.
        """
        links = {"project": subject_set.project, "subject_sets": [str(subject_set.number)]}
        content = {
            "external_id": external_id,
            "metadata": dict(metadata),
            "locations": [place if isinstance(place, str) else dict(place) for place in locations],
            "links": links,
        }
        # A conflict undoes all of it; that is the one refusal that passes by itself.
        answer = self._insist("POST", "/subjects", {"subjects": content}, repeatable=False)
        return _created(answer, subject_set.number)

    def renew(self, number: int, metadata: Mapping[str, str], locations: Sequence[Location]) -> Created:
        """Get new places for the media of a subject.

        Parameters
        ----------
        number : `int`
            The subject.
        metadata : `~collections.abc.Mapping` [`str`, `str`]
            Its metadata, which stays as it is: the API signs URLs to put
            something to in the answer to a change only.
        locations : sequence of `str` or `~collections.abc.Mapping`
            Its media, which are then made anew; none to keep those that it
            has.

        Returns
        -------
        renewed : `Created`
            The subject.
        """
        content: dict[str, Any] = {"metadata": dict(metadata)}
        if locations:
            content["locations"] = list(locations)
        answer = self._insist("PUT", f"/subjects/{number}", {"subjects": content}, versioned=True)
        return _created(answer, None)

    def put(self, url: str, content: bytes, media_type: str) -> None:
        """Send a medium.

        Parameters
        ----------
        url : `str`
            A signed URL.
        content : `bytes`
            The file.
        media_type : `str`
            What it is.

        Raises
        ------
        RefusedError
            Raised when it is not taken, as when the signature has expired.
        """
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        response = self._connection.send(
            "PUT",
            url,
            data=content,
            headers={
                "Content-Type": media_type,
                "Content-MD5": base64.b64encode(digest).decode(),  # the storage compares what came
                "x-ms-blob-type": "BlockBlob",
            },
        )
        if not response.ok:
            raise RefusedError(response.status_code, f"the storage of media refused it ({_said(response)})")

    def media_sizes(self, number: int) -> list[int | None]:
        """Return the sizes of the media of a subject.

        Parameters
        ----------
        number : `int`
            The subject.

        Returns
        -------
        sizes : `list` [`int` or `None`]
            Bytes of each, in order; `None` for one that never came.
        """
        answer, _ = self._ask("GET", f"/subjects/{number}")
        sizes: list[int | None] = []
        for url in _created(answer, None).urls:
            response = self._connection.send("HEAD", url, allow_redirects=True)
            sizes.append(int(response.headers.get("Content-Length", 0)) if response.ok else None)
        return sizes

    def link(self, subject_set: int, subjects: Sequence[int]) -> None:
        """Put subjects into a set.

        Parameters
        ----------
        subject_set : `int`
            Identifier of the set.
        subjects : sequence of `int`
            Identifiers of the subjects.
        """
        for some in batched(subjects, _PAGE):
            content = {"subjects": [str(number) for number in some]}
            self._insist("POST", f"/subject_sets/{subject_set}/links/subjects", content)

    def index(self, subject_set: int, fields: Sequence[str]) -> None:
        """Let a set be searched by some metadata, as panoptescli does for columns marked ``%``.

        Parameters
        ----------
        subject_set : `int`
            Identifier of the set.
        fields : sequence of `str`
            Names of the metadata.
        """
        if not fields:
            return
        found = self.subject_set(subject_set)
        wanted = {**found.metadata, "indexFields": ",".join(fields)}
        if wanted != found.metadata:
            content = {"subject_sets": {"metadata": wanted}}
            self._insist("PUT", f"/subject_sets/{subject_set}", content, versioned=True)

    def _insist(
        self, method: str, path: str, content: Any, *, versioned: bool = False, repeatable: bool = True
    ) -> Any:
        """Ask for a change, again when somebody else's came between."""
        for _ in range(self._connection.patience.attempts):
            version = self._ask("GET", path)[1] if versioned else None
            try:
                return self._ask(method, path, version=version, repeatable=repeatable, json=content)[0]
            except RefusedError as error:
                if error.status not in _STALE:
                    raise
                refusal = error
            self._connection.rest()
        raise refusal

    def _ask(
        self,
        method: str,
        path: str,
        *,
        version: str | None = None,
        repeatable: bool = True,
        **content: Any,
    ) -> tuple[Any, str | None]:
        """Return an answer, and the version of what it tells of."""
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
                response.status_code, f"Zooniverse refused {method} {path} ({_said(response)})."
            )
        if not response.content:
            return None, response.headers.get("ETag")
        try:
            return response.json(), response.headers.get("ETag")
        except ValueError as error:
            problem = f"{self._root}{path} was answered with something that is no JSON"
            raise UnansweredError(f"{problem}: check the connection and PANOPTES_ENDPOINT.") from error


def _only(answer: Any, kind: str) -> Any:
    """Return the one thing that an answer tells of."""
    try:
        return answer[kind][0]
    except (LookupError, TypeError) as error:
        raise UnansweredError(
            f"Zooniverse's answer has no {kind}: check that PANOPTES_ENDPOINT is a server of Panoptes."
        ) from error


def _created(answer: Any, subject_set: int | None) -> Created:
    subject = _only(answer, "subjects")
    urls = tuple(url for location in subject["locations"] for url in location.values())
    sets = subject.get("links", {}).get("subject_sets") or ()
    return Created(int(subject["id"]), urls, str(subject_set) in map(str, sets))


def _said(response: "requests.Response") -> str:
    """Return the status of an answer and its words, as far as they are meant for people."""
    try:
        errors = response.json()["errors"]
        words = "; ".join(str(error["message"]) for error in errors)
    except (ValueError, KeyError, TypeError):
        words = response.reason or ""
    return f"status {response.status_code}: {' '.join(words.split())[:300]}".rstrip(": ")
