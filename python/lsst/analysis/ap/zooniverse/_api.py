"""What an upload asks of Zooniverse's API, Panoptes."""

__all__ = ("Panoptes",)

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any, Final

from ._api_connection import Connection
from ._api_login import Account
from ._api_requests import Requests, only, said
from ._api_values import Created, Listed, Location, RefusedError, SubjectSet, User

_PAGE: Final = 100
"""Subjects of a page; the API gives no more."""


class Panoptes:
    """The API, as an account sees it.

    Several threads may use one.
    """

    def __init__(self, account: Account, connection: Connection) -> None:
        self._connection = connection
        self._requests = Requests(account, connection)

    def user(self) -> User:
        """Return the account and its limits."""
        user = only(self._requests.ask("GET", "/me")[0], "users")
        limit = None if user.get("upload_whitelist") else user.get("subject_limit")
        return User(str(user.get("login")), int(user.get("uploaded_subjects_count") or 0), limit)

    def subject_set(self, number: int) -> SubjectSet:
        """Return a subject set.

        Raises `RefusedError` when there is none, or not for this account.
        """
        try:
            answer, _ = self._requests.ask("GET", f"/subject_sets/{number}")
        except RefusedError as error:
            remedy = " The lab shows the numbers of your sets, as does 'panoptes subject-set ls'."
            raise RefusedError(error.status, f"{error}{remedy if error.status == 404 else ''}") from error
        found = only(answer, "subject_sets")
        return SubjectSet(
            number,
            str(found.get("display_name")),
            str(found["links"]["project"]),
            found.get("metadata") or {},
        )

    def subjects(self, subject_set: int) -> Iterator[Listed]:
        """Yield the subjects of a set."""
        page, pages = 1, 1
        while page <= pages:
            query = {"subject_set_id": subject_set, "page": page, "page_size": _PAGE, "sort": "id"}
            answer, _ = self._requests.ask("GET", "/subjects", params=query)
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

        ``locations``: its media, in order. Raises `UnansweredError` when it may have been made, or not;
        `RefusedError` when it was not made.
        """
        links = {"project": subject_set.project, "subject_sets": [str(subject_set.number)]}
        content = {
            "external_id": external_id,
            "metadata": dict(metadata),
            "locations": [place if isinstance(place, str) else dict(place) for place in locations],
            "links": links,
        }
        # A conflict undoes all of it; that is the one refusal that passes by itself.
        answer = self._requests.insist("POST", "/subjects", {"subjects": content}, repeatable=False)
        return _created(answer, subject_set.number)

    def renew(self, number: int, metadata: Mapping[str, str], locations: Sequence[Location]) -> Created:
        """Get new places for the media of a subject.

        ``metadata``: its metadata, which stays as it is: the API signs URLs to put something to in the answer
        to a change only. ``locations``: its media, which are then made anew; none to keep those that it has.
        """
        content: dict[str, Any] = {"metadata": dict(metadata)}
        if locations:
            content["locations"] = list(locations)
        answer = self._requests.insist("PUT", f"/subjects/{number}", {"subjects": content}, versioned=True)
        return _created(answer, None)

    def put(self, url: str, content: bytes, media_type: str) -> None:
        """Send a medium.

        Raises `RefusedError` when it is not taken, as when the signature has expired.
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
            raise RefusedError(response.status_code, f"the storage of media refused it ({said(response)})")

    def media_sizes(self, number: int) -> list[int | None]:
        """Return the sizes of the media of a subject.

        Returns: bytes of each, in order; `None` for one that never came.
        """
        answer, _ = self._requests.ask("GET", f"/subjects/{number}")
        sizes: list[int | None] = []
        for url in _created(answer, None).urls:
            response = self._connection.send("HEAD", url, allow_redirects=True)
            sizes.append(int(response.headers.get("Content-Length", 0)) if response.ok else None)
        return sizes

    def link(self, subject_set: int, subjects: Sequence[int]) -> None:
        """Put subjects into a set."""
        for some in batched(subjects, _PAGE):
            content = {"subjects": [str(number) for number in some]}
            self._requests.insist("POST", f"/subject_sets/{subject_set}/links/subjects", content)

    def index(self, subject_set: int, fields: Sequence[str]) -> None:
        """Let a set be searched by some metadata, as panoptescli does for columns marked ``%``."""
        if not fields:
            return
        found = self.subject_set(subject_set)
        wanted = {**found.metadata, "indexFields": ",".join(fields)}
        if wanted != found.metadata:
            content = {"subject_sets": {"metadata": wanted}}
            self._requests.insist("PUT", f"/subject_sets/{subject_set}", content, versioned=True)


def _created(answer: Any, subject_set: int | None) -> Created:
    subject = only(answer, "subjects")
    urls = tuple(url for location in subject["locations"] for url in location.values())
    sets = subject.get("links", {}).get("subject_sets") or ()
    return Created(int(subject["id"]), urls, str(subject_set) in map(str, sets))
