"""A server that stands in for Zooniverse: accounts, subject sets, subjects, media, imports.

It answers as the Panoptes API does, and fails as what stands before it does:
an error after the commit, a connection that breaks, too many requests, a
stale row, a signature that has expired. Faults come by a rate or from a list.

python tests/zooniverse/stand_in.py --port 8000 --fault-rate 0.05
"""

import argparse
import base64
import contextlib
import csv
import hashlib
import hmac
import http.server
import io
import json
import random
import secrets
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

USER, PASSWORD = "astronomer", "correct horse battery staple"
PROJECT, SUBJECT_SET = 1, 55

FAULTS = {
    "create": ("504 after", "drop after", "drop before", "503", "429", "409"),
    "list": ("503", "429", "drop before"),
    "read": ("503", "429"),
    "update": ("503", "429", "409", "412"),
    "link": ("503", "429", "409", "504 after"),
    "medium": ("403", "expired", "500", "drop before", "drop after", "429"),
    "login": (),
}
"""What may go wrong with each kind of request. "after" is after it has been done."""


@dataclass
class Subject:
    """One subject, as the server keeps it."""

    number: int
    project: int
    metadata: dict
    locations: list  # (media type, path of its own, or the URL of somebody else)
    external_id: str | None
    sets: set = field(default_factory=set)
    version: int = 0


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """An answer with a status of its own."""

    def __init__(self, status, message, **headers):
        super().__init__(message)
        self.status, self.headers = status, headers


class Faults:
    """Which requests go wrong, and how."""

    def __init__(self, rate=0.0, seed=0):
        self.rate, self.rng = rate, random.Random(seed)
        self.planned = defaultdict(deque)
        self.always = {}
        self.count = Counter()
        self.lock = threading.Lock()

    def plan(self, request, *faults):
        """Let the next requests of a kind go wrong in these ways; None lets one pass."""
        self.planned[request].extend(faults)

    def pick(self, request):
        with self.lock:
            if self.planned[request]:
                fault = self.planned[request].popleft()
            elif request in self.always:
                fault = self.always[request]
            elif FAULTS[request] and self.rng.random() < self.rate:
                fault = self.rng.choice(FAULTS[request])
            else:
                fault = None
            if fault:
                self.count[request, fault] += 1
            return fault


class Zooniverse(http.server.ThreadingHTTPServer):
    """The server, and all that it has been told."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port=0, fault_rate=0.0, seed=0, delay=0.0, subject_limit=10_000):
        super().__init__(("127.0.0.1", port), Handler)
        self.faults = Faults(fault_rate, seed)
        self.delay = delay  # seconds until a subject that was asked for is there
        self.subject_limit = subject_limit
        self.url_lifetime, self.token_lifetime = 1200.0, 7200.0
        self.retry_after = "0"
        self.answers_together = None  # a barrier at which requests wait before they are answered
        self.whitelisted = False  # whether the account is known to have no limit
        self.links_at_once = True  # whether a new subject is in the sets that its request names
        self.lock = threading.RLock()
        self.secret = secrets.token_bytes(16)
        self.tokens = {}
        self.projects = {PROJECT}
        self.sets = {}
        self.add_set(SUBJECT_SET, PROJECT, "January")
        self.subjects = {}
        self.uploaded = 0  # deleted subjects count, too
        self.media = {}
        self.imports = {}
        self.requests = Counter()
        self.page_limit = 100

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # clients are killed, and connections broken on purpose

    # What tests ask for.

    def in_set(self, number=SUBJECT_SET):
        """Return the subjects of a set."""
        with self.lock:
            return [subject for subject in self.subjects.values() if number in subject.sets]

    def orphans(self):
        """Return the subjects of no set."""
        with self.lock:
            return [subject for subject in self.subjects.values() if not subject.sets]

    def contents(self, subject):
        """Return the bytes of each picture of a subject; None for one that never came."""
        return [self.media.get(place) for _, place in subject.locations]

    def writes(self):
        """Return how many requests there were that change something."""
        changing = {"create", "update", "link", "medium"}
        return sum(number for kind, number in self.requests.items() if kind in changing)

    # What requests do.

    def add_set(self, number, project, name, metadata=None):
        place = {"project": project, "display_name": name, "metadata": metadata or {}, "version": 0}
        self.sets[number] = place

    def create_subject(self, given):
        unknown = given.keys() - {"locations", "metadata", "external_id", "links"}
        links = given.get("links") or {}
        unknown |= links.keys() - {"project", "subject_sets"}
        if unknown or "locations" not in given or "project" not in links:
            raise Refusal(422, f"The property '#/' contains additional properties {sorted(unknown)}")
        if int(links["project"]) not in self.projects:
            raise Refusal(422, "Couldn't find linked project for current user")
        sets = {int(number) for number in links.get("subject_sets", ())}
        if not sets <= self.sets.keys():
            raise Refusal(422, "Couldn't find linked subject_sets for current user")
        with self.lock:
            if self.uploaded >= self.subject_limit:
                message = f"User has uploaded {self.uploaded} subjects of {self.subject_limit} maximum"
                raise Refusal(403, message)
            self.uploaded += 1
            subject = Subject(
                len(self.subjects) + 101,
                int(links["project"]),
                dict(given.get("metadata") or {}),
                [self._location(place) for place in given["locations"]],
                given.get("external_id"),
                sets if self.links_at_once else set(),
            )
            self.subjects[subject.number] = subject
        return subject

    def update_subject(self, subject, given):
        if given.keys() - {"metadata", "locations", "links"}:
            raise Refusal(422, "The property '#/' contains additional properties")
        with self.lock:
            subject.metadata = given.get("metadata", subject.metadata)
            if given.get("locations"):
                subject.locations = [self._location(place) for place in given["locations"]]
            subject.version += 1

    def _location(self, place):
        if isinstance(place, str):
            kind = place
            if kind not in ("image/png", "image/jpeg", "image/gif", "image/svg+xml"):
                raise Refusal(422, f"Content-Type must be one of image/jpeg, image/png: {kind}")
            return kind, f"/media/{secrets.token_hex(8)}.{kind.partition('/')[2]}"
        return next(iter(place.items()))

    def import_manifest(self, text, number):
        """Make subjects of a manifest of hosted images, as the server's import does."""
        done, failed = 0, []
        for row in csv.DictReader(io.StringIO(text)):
            locations, metadata = [], {}
            for header, value in row.items():
                kind, _, name = header.partition(":")
                if kind == "location" and value:
                    locations.append({"image/png": value})
                elif kind == "metadata":
                    metadata[name] = value
            external_id = row.get("external_id")
            if any(subject.external_id == external_id for subject in self.in_set(number)):
                failed.append(external_id)
                continue
            links = {"project": self.sets[number]["project"], "subject_sets": [number]}
            self.create_subject(
                {"locations": locations, "metadata": metadata, "external_id": external_id, "links": links}
            )
            done += 1
        return {"imported_count": done, "failed_count": len(failed), "failed_uuids": failed}

    def as_json(self, subject, *, upload=False):
        locations = []
        for kind, place in subject.locations:
            url = place if "://" in place else self.url + (self.signed(place) if upload else place)
            locations.append({kind: url})
        links = {"project": str(subject.project), "subject_sets": [str(number) for number in subject.sets]}
        return {
            "id": str(subject.number),
            "metadata": subject.metadata,
            "locations": locations,
            "external_id": subject.external_id,
            "links": links,
        }

    def signed(self, path, expires=None):
        expires = time.time() + self.url_lifetime if expires is None else expires
        return f"{path}?se={expires!r}&sig={self._signature(path, repr(expires))}"

    def _signature(self, path, expires):
        return hmac.new(self.secret, f"{path} {expires}".encode(), hashlib.sha256).hexdigest()

    def check_signature(self, path, query):
        (expires,), (given,) = query.get("se", [""]), query.get("sig", [""])
        if not hmac.compare_digest(given, self._signature(path, expires)):
            raise Refusal(403, "AuthenticationFailed: Signature did not match")
        if float(expires) < time.time():
            raise Refusal(403, "AuthenticationFailed: Signed expiry time is in the past")


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def log_message(self, *_):
        pass

    def _handle(self):
        parts = urllib.parse.urlsplit(self.path)
        self.path_only, self.query = parts.path, urllib.parse.parse_qs(parts.query)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            self._drop()  # the client is gone
            return
        kind, act = self._route()
        self.server.requests[kind] += 1
        fault = self.server.faults.pick(kind)
        if self.server.answers_together is not None:
            self.server.answers_together.wait(10)
        try:
            if fault == "drop before":
                self._drop()
                return
            if fault == "429":
                raise Refusal(429, "Too many requests", **{"Retry-After": self.server.retry_after})
            if fault in ("403", "409", "412", "500", "503"):
                raise Refusal(int(fault), f"As if by chance: {fault}")
            if fault == "expired":
                raise Refusal(403, "AuthenticationFailed: Signed expiry time is in the past")
            status, answer, headers = act()
            if fault == "504 after":
                raise Refusal(504, "Gateway Time-out")
            if fault == "drop after":
                self._drop()
                return
        except Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            answer = {"errors": [{"message": str(refusal)}]}
        self._answer(status, answer, headers)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle

    def _answer(self, status, answer, headers):
        raw = isinstance(answer, bytes)
        content = answer if raw else b"" if answer is None else json.dumps(answer).encode()
        if status >= 500:
            content, raw = b"<html>Bad gateway</html>", True
        self.send_response(status)
        self.send_header("Content-Type", "image/png" if raw else "application/vnd.api+json; version=1")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _drop(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _route(self):
        """Return the kind of a request, and what does it."""
        words = self.path_only.strip("/").split("/")
        match self.command, words:
            case "GET", ["users", "sign_in"]:
                return "login", lambda: (200, {}, {"X-CSRF-Token": "token"})
            case "POST", ["users", "sign_in"]:
                return "login", self._sign_in
            case "POST", ["oauth", "token"]:
                return "login", self._token
            case "PUT", ["media", _]:
                return "medium", self._put_medium
            case "GET" | "HEAD", ["media", _]:
                return "read", self._get_medium
            case "GET", ["api", "me"]:
                return "read", self._allowed(self._me)
            case "GET", ["api", "projects", number]:
                return "read", lambda: self._project(number)
            case "GET", ["api", "subject_sets", number]:
                return "read", lambda: self._subject_set(number)
            case "POST", ["api", "subject_sets"]:
                return "update", self._allowed(self._create_set)
            case "PUT", ["api", "subject_sets", number]:
                return "update", self._allowed(lambda: self._update_set(number))
            case "POST", ["api", "subject_sets", number, "links", "subjects"]:
                return "link", self._allowed(lambda: self._link(number))
            case "GET", ["api", "set_member_subjects"]:
                return "read", self._members
            case "GET", ["api", "subjects"]:
                return "list", self._list
            case "POST", ["api", "subjects"]:
                return "create", self._allowed(self._create)
            case "GET", ["api", "subjects", number]:
                return "read", lambda: self._one_subject(number)
            case "PUT", ["api", "subjects", number]:
                return "update", self._allowed(lambda: self._update(number))
            case "POST", ["api", "subject_set_imports"]:
                return "create", self._allowed(self._import)
            case "GET", ["api", "subject_set_imports", number]:
                return "read", lambda: (200, {"subject_set_imports": [self.server.imports[int(number)]]}, {})
        return "read", lambda: (404, {"errors": [{"message": f"No route matches {self.path_only}"}]}, {})

    # Accounts.

    def _sign_in(self):
        user = json.loads(self.body)["user"]
        if (user["login"], user["password"]) != (USER, PASSWORD):
            return 401, {"error": "Invalid email or password."}, {}
        return 200, {"users": [{"id": "7", "login": USER}]}, {"Set-Cookie": "session=good; path=/"}

    def _token(self):
        if "session=good" not in self.headers.get("Cookie", ""):
            return 401, {"error": "invalid_grant"}, {}
        token = secrets.token_hex(8)
        self.server.tokens[token] = time.time() + self.server.token_lifetime
        lifetime = max(int(self.server.token_lifetime), 1000)  # clients renew theirs two minutes before
        return (
            200,
            {"access_token": token, "refresh_token": "r", "token_type": "Bearer", "expires_in": lifetime},
            {},
        )

    def _allowed(self, act):
        def checked():
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if self.server.tokens.get(token, 0) < time.time():
                raise Refusal(401, "You must be logged in to access this resource.")
            return act()

        return checked

    def _me(self):
        user = {
            "id": "7",
            "login": USER,
            "uploaded_subjects_count": self.server.uploaded,
            "subject_limit": self.server.subject_limit,
            "upload_whitelist": self.server.whitelisted,
        }
        return 200, {"users": [user]}, {}

    # Projects and sets.

    def _project(self, number):
        return 200, {"projects": [{"id": number, "display_name": "p", "configuration": {}, "links": {}}]}, {}

    def _find(self, kind, number):
        found = getattr(self.server, kind).get(int(number)) if number.isdigit() else None
        if found is None:
            raise Refusal(404, f"Could not find {kind} with id='{number}'")
        return found

    def _subject_set(self, number):
        found = self._find("sets", number)
        answer = {
            "id": number,
            "display_name": found["display_name"],
            "metadata": found["metadata"],
            "set_member_subjects_count": len(self.server.in_set(int(number))),
            "links": {"project": str(found["project"])},
        }
        return 200, {"subject_sets": [answer]}, {"ETag": f'W/"{found["version"]}"'}

    def _create_set(self):
        given = json.loads(self.body)["subject_sets"]
        with self.server.lock:
            number = max(self.server.sets) + 1
            project, name = int(given["links"]["project"]), given["display_name"]
            self.server.add_set(number, project, name, given.get("metadata"))
        return 201, self._subject_set(str(number))[1], {}

    def _check_version(self, version):
        given = self.headers.get("If-Match")
        if given is None:
            raise Refusal(428, "Request requires If-Match header to be present")
        if given != f'W/"{version}"':
            raise Refusal(412, "Attempted to update a stale object")

    def _update_set(self, number):
        found = self._find("sets", number)
        self._check_version(found["version"])
        found["metadata"] = json.loads(self.body)["subject_sets"]["metadata"]
        found["version"] += 1
        return self._subject_set(number)

    def _link(self, number):
        self._find("sets", number)
        for subject in json.loads(self.body)["subjects"]:
            self._find("subjects", subject).sets.add(int(number))
        return self._subject_set(number)

    def _members(self):
        meta = {"set_member_subjects": {"page": 1, "page_count": 1, "count": 0}}
        return 200, {"set_member_subjects": [], "meta": meta}, {}

    # Subjects.

    def _list(self):
        subjects = self.server.in_set(int(self.query["subject_set_id"][0]))
        size = min(int(self.query.get("page_size", ["20"])[0]), self.server.page_limit)
        page = int(self.query.get("page", ["1"])[0])
        pages = max(1, -(-len(subjects) // size))
        some = [self.server.as_json(subject) for subject in subjects[(page - 1) * size : page * size]]
        meta = {"page": page, "page_size": size, "count": len(subjects), "page_count": pages}
        return 200, {"subjects": some, "meta": {"subjects": meta}}, {}

    def _one_subject(self, number):
        subject = self._find("subjects", number)
        headers = {"ETag": f'W/"{subject.version}"'}
        return 200, {"subjects": [self.server.as_json(subject)]}, headers

    def _create(self):
        time.sleep(self.server.delay)
        subject = self.server.create_subject(json.loads(self.body)["subjects"])
        return 201, {"subjects": [self.server.as_json(subject, upload=True)]}, {}

    def _update(self, number):
        subject = self._find("subjects", number)
        self._check_version(subject.version)
        self.server.update_subject(subject, json.loads(self.body)["subjects"])
        return 200, {"subjects": [self.server.as_json(subject, upload=True)]}, {}

    def _import(self):
        given = json.loads(self.body)["subject_set_imports"]
        with urllib.request.urlopen(given["source_url"]) as stream:
            text = stream.read().decode()
        result = self.server.import_manifest(text, int(given["links"]["subject_set"]))
        number = len(self.server.imports) + 1
        self.server.imports[number] = {"id": str(number), **result}
        return 201, {"subject_set_imports": [self.server.imports[number]]}, {}

    # Media.

    def _put_medium(self):
        self.server.check_signature(self.path_only, self.query)
        if self.headers.get("x-ms-blob-type") != "BlockBlob":
            raise Refusal(400, "MissingRequiredHeader: x-ms-blob-type")
        digest = self.headers.get("Content-MD5")
        if digest and base64.b64decode(digest) != hashlib.md5(self.body, usedforsecurity=False).digest():
            raise Refusal(400, "Md5Mismatch")
        self.server.media[self.path_only] = self.body
        return 201, None, {}

    def _get_medium(self):
        content = self.server.media.get(self.path_only)
        return (404, None, {}) if content is None else (200, content, {})


def main():
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of the requests that go wrong")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subject-limit", type=int, default=10_000)
    arguments = parser.parse_args()
    server = Zooniverse(arguments.port, arguments.fault_rate, arguments.seed, 0.0, arguments.subject_limit)
    print(f"export PANOPTES_ENDPOINT={server.url} PANOPTES_USERNAME={USER} PANOPTES_PASSWORD='{PASSWORD}'")
    print(f"# project {PROJECT}, subject set {SUBJECT_SET}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
