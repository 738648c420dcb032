"""The formats in which stamps can be left."""

__all__ = ("FORMATS", "find_format")

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from ..domain import CutoutsError
from ._fits import FITS
from ._format import StampFormat
from ._npy import NPY
from ._parquet import PARQUET
from ._zarr import ZARR

_KNOWN: Final[Mapping[str, StampFormat]] = {"npy": NPY, "zarr": ZARR, "fits": FITS, "parquet": PARQUET}

FORMATS: Final = tuple(_KNOWN)
"""Names of the formats."""


def find_format(name: str) -> StampFormat:
    """Return a format by its name.

    Parameters
    ----------
    name : `str`
        One of `FORMATS`.

    Returns
    -------
    format : `StampFormat`
        The format.

    Raises
    ------
    CutoutsError
        Raised when the package that it needs is not installed.
    """
    if name == "zarr" and not _is_installed("zarr"):
        raise CutoutsError(
            "Stamps in zarr (writeStamps) need the package zarr, which is not installed: "
            "pip install 'lsst-analysis-ap[zarr]', or choose npy, fits or parquet."
        )
    return _KNOWN[name]


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # somebody put None in its place
        return False
