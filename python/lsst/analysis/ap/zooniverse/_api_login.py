"""Who uploads, and where to."""

__all__ = ("PRODUCTION", "STAGING", "Account", "Tokens", "find_account")

import getpass
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..domain import CutoutsError
from ..messages import install_line
from ._api_connection import Patience

PRODUCTION: Final = "https://www.zooniverse.org"
"""Zooniverse itself."""

STAGING: Final = "https://panoptes-staging.zooniverse.org"
"""Zooniverse's server for trials, with accounts of its own."""

_CONFIGURATION: Final = Path(".panoptes", "config.yml")
"""Where panoptescli keeps its endpoint, username and password, from the home directory."""


@dataclass(frozen=True)
class Account:
    """Who uploads, and where to."""

    endpoint: str
    """URL of the server."""
    username: str
    """Name of the account."""
    password: str = field(repr=False)
    """Its password."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", self.endpoint.rstrip("/"))


def find_account(
    *,
    staging: bool = False,
    endpoint: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> Account:
    """Find out who uploads, and where to.

    Parameters
    ----------
    staging : `bool`, optional
        Whether to use the server for trials.
    endpoint : `str`, optional
        URL of the server. When not given: ``PANOPTES_ENDPOINT``, then that of
        panoptescli's configuration file, then Zooniverse's own.
    username, password : `str`, optional
        The account. When not given: ``PANOPTES_USERNAME`` and ``PANOPTES_PASSWORD``, then those of
        panoptescli's configuration file, if it is for this server, then what is typed in.

    Returns
    -------
    account : `Account`
        The account.

    Raises
    ------
    CutoutsError
        Raised when nothing says who uploads, and nobody can be asked.
    """
    configured = _configuration()
    if staging:
        endpoint = STAGING
    endpoint = endpoint or os.environ.get("PANOPTES_ENDPOINT") or configured.get("endpoint") or PRODUCTION
    endpoint = endpoint.rstrip("/")
    username = username or os.environ.get("PANOPTES_USERNAME")
    password = password or os.environ.get("PANOPTES_PASSWORD")
    # The password of one server is nothing for another.
    if configured.get("endpoint", endpoint).rstrip("/") == endpoint:
        if not username:
            username, password = configured.get("username"), password or configured.get("password")
        elif username == configured.get("username"):
            password = password or configured.get("password")
    if not (username and password):
        username, password = _ask(endpoint, username)
    return Account(endpoint, username, password)


def _configuration() -> Mapping[str, str]:
    path = Path.home() / _CONFIGURATION
    if not path.exists():
        return {}
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CutoutsError(
            f"{path} cannot be read ({type(error).__name__}): mend it with 'panoptes configure' or remove it."
        ) from error
    if not isinstance(found, dict):
        return {}
    return {str(name): str(value) for name, value in found.items() if value not in (None, "")}


def _ask(endpoint: str, username: str | None) -> tuple[str, str]:
    if sys.stdin is None or not sys.stdin.isatty():
        raise CutoutsError(
            f"Nothing says who uploads to {endpoint}: set PANOPTES_USERNAME and PANOPTES_PASSWORD, or run "
            "'panoptes configure'."
        )
    if not username:
        print(f"Username at {urlsplit(endpoint).netloc}: ", end="", file=sys.stderr, flush=True)
        username = sys.stdin.readline().strip()
    return username, getpass.getpass(f"Password of {username} at {urlsplit(endpoint).netloc}: ")


class Tokens:
    """The token that goes with each request, renewed in time.

    Logging in is left to panoptes_client. Several threads may use one.

    ``patience``: how long to wait for the server.
    """

    def __init__(self, account: Account, patience: Patience) -> None:
        self._account, self._patience = account, patience
        self._lock = threading.Lock()
        self._client: Any = None

    def get(self, refused: str | None = None) -> str:
        """Return a token.

        ``refused``: one that the server does not accept any more. Raises `CutoutsError` when the server does
        not let the account in.
        """
        with self._lock:
            if self._client is not None and self._client.bearer_token == refused:
                self._client = None
            return self._get()

    def _get(self) -> str:
        import requests

        panoptes_client = _panoptes_client()
        problem = ""
        for attempt in range(self._patience.attempts):
            if attempt:
                time.sleep(min(self._patience.first * 2 ** (attempt - 1), self._patience.longest))
            try:
                if self._client is None:
                    account = self._account
                    self._client = panoptes_client.Panoptes(
                        endpoint=account.endpoint, username=account.username, password=account.password
                    )
                if token := self._client.get_bearer_token():
                    return str(token)
                problem = "no token"
            except panoptes_client.panoptes.PanoptesAPIException as error:
                raise CutoutsError(
                    f"{self._account.endpoint} does not let {self._account.username!r} in: {error} Check "
                    "PANOPTES_USERNAME and PANOPTES_PASSWORD, or run 'panoptes configure'."
                ) from error
            # It takes every answer for one of success.
            except (requests.RequestException, ValueError, KeyError) as error:
                problem = type(error).__name__
            self._client = None
        raise CutoutsError(
            f"Logging in to {self._account.endpoint} failed {self._patience.attempts} times; the last time: "
            f"{problem}. Check the connection, and run the same command again later."
        )


def _panoptes_client() -> Any:
    """Import panoptes_client without letting it set up the logging of the process."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)  # with one, logging.basicConfig() leaves all as it is
    try:
        import panoptes_client
        import panoptes_client.panoptes
    except ImportError as error:
        raise CutoutsError(
            f"Uploading needs the package panoptes-client ({error}): {install_line('zooniverse')}"
        ) from error
    finally:
        root.removeHandler(silent)
    return panoptes_client
