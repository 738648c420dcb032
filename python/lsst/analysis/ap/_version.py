"""The version of this software."""

__all__ = ("software_version",)

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def software_version() -> str:
    """Return the version of this package.

    Returns
    -------
    version : `str`
        That of the installed distribution; in a stack environment without
        one, ``"unknown"``.
    """
    try:
        return version("lsst-analysis-ap")
    except PackageNotFoundError:
        return "unknown"
