"""Sources out of the Table Access Protocol of a data release."""

__all__ = ("DEFAULT_TAP_URL", "open_tap")

import io
import logging
import os
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow as pa

from ..domain import CutoutsError, UnreadableError
from ..messages import cause_of, install_line, public_uri, waiting_for
from ._astropy_files import check_votable
from ._catalog import TableCatalog
from ._columns import Meanings
from ._tables import arrow_tables

_LOG = logging.getLogger(__name__)

DEFAULT_TAP_URL: Final = "https://data.lsst.cloud/api/tap"
"""Service of the Rubin Science Platform, where the environment names no other."""

_URL_VARIABLE: Final = "EXTERNAL_TAP_URL"
_TOKEN_VARIABLE: Final = "ACCESS_TOKEN"
"""Where the notebooks of the Science Platform keep these."""


def open_tap(adql: str, url: str | None = None, meanings: Meanings | None = None) -> TableCatalog:
    """Open the result of a query as a catalogue.

    Parameters
    ----------
    adql : `str`
        The query, in ADQL. Its result needs the columns that every catalogue
        needs; ``ss_source`` is joined to ``DiaSource`` in the query itself.
    url : `str`, optional
        Address of the service; that of the environment variable
        ``EXTERNAL_TAP_URL``, or else `DEFAULT_TAP_URL`, when not given.
    meanings : `Meanings`, optional
        What its columns mean that do not say it themselves.

    Returns
    -------
    catalog : `TableCatalog`
        Its rows. The query is sent once, when they are first read. A token in the environment variable
        ``ACCESS_TOKEN`` is sent along, by encrypted connections only.

    Raises
    ------
    CutoutsError
        Raised when pyvo is not installed.
    """
    try:
        import pyvo  # noqa: F401
    except ImportError as error:
        raise CutoutsError(f"Queries need pyvo: {install_line('rsp')}") from error
    place = url or os.environ.get(_URL_VARIABLE) or DEFAULT_TAP_URL

    @cache
    def result() -> list[pa.Table]:
        return list(arrow_tables(_query(adql, place), meanings))

    return TableCatalog(lambda *_: result())


def _query(adql: str, url: str) -> Any:
    """Return what a query gives, as an astropy table."""
    import requests
    from astropy.io import votable
    from pyvo.dal.tap import TAPQuery, TAPResults

    token = os.environ.get(_TOKEN_VARIABLE, "")
    name = public_uri(url)
    with requests.Session() as session:
        if token and _is_private(url):
            session.headers["Authorization"] = f"Bearer {token}"
        elif token:
            _LOG.warning(
                "%s has no encrypted connection: the token of %s is not sent.", name, _TOKEN_VARIABLE
            )
        try:
            with waiting_for(f"the query of {name}"):
                content = TAPQuery(url, adql, session=session).execute_raw()
            stream = io.BytesIO(content)
            check_votable(stream, len(content))
            stream.seek(0)
            results = TAPResults(votable.parse(stream, verify="ignore", invalid="mask"), url=url)
        except CutoutsError as error:
            raise CutoutsError(f"The answer of {name} cannot be used: {error}") from error
        except Exception as error:  # pyvo, requests and the parser each have their own
            # Not chained: the request that it holds has the token.
            cause = cause_of(error).replace(token, "***") if token else cause_of(error)
            raise UnreadableError(f"TAP service {name} cannot be asked: {public_uri(cause)}") from None
    if results.query_status == "OVERFLOW":
        _LOG.warning("%s gives the first %d rows only: ask for less, or part by part.", name, len(results))
    return results.to_table()


def _is_private(url: str) -> bool:
    """Whether nobody else can read what is sent to an address."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")
