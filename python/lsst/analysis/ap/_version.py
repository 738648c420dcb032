"""The version of this software."""

__all__ = ("software_version",)

from functools import cache


@cache
def software_version() -> str:
    """Return the version of this package.

    Returns: that of the installed distribution; in a stack environment without one, ``"unknown"``.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lsst-analysis-ap")
    except PackageNotFoundError:
        return "unknown"
