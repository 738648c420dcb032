"""URLs of pictures that are hosted."""

__all__ = ("encoded_root", "hosted_url")

import re
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

_IN_A_PATH: Final = "/!$&'()*+,;=:@~%"
"""What a path may hold as it is (RFC 3986, 3.3), and the sign of what is encoded already."""

_HOST: Final = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")


def encoded_root(url: str) -> str:
    """Return the URL of a folder, as it may stand in front of a path.

    ``url``: what somebody wrote, such as ``https://host/night of January``. Returns: the same with blanks and
    letters outside ASCII encoded, without a slash at its end. Raises `ValueError` when it is no such URL.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL of a folder, such as https://host/path")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError(f"{url!r} has a query or a fragment, behind which no path of a picture can stand")
    if parts.username or parts.password:
        raise ValueError("it has a username or a password, which everybody would see")
    try:
        host, port = parts.hostname.encode("idna").decode(), parts.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host):
        raise ValueError(f"{url!r} has no host that can be found")
    if ":" in host:
        host = f"[{host}]"
    netloc = host if port is None else f"{host}:{port}"
    path = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(parts.path, safe=_IN_A_PATH))
    return urlunsplit((parts.scheme, netloc, path.rstrip("/"), "", ""))


def hosted_url(root: str, path: str) -> str:
    """Return where a picture is hosted.

    ``root``: URL of the directory, as `encoded_root` returns it.
    """
    return f"{root.rstrip('/')}/{quote(path)}"
