"""Where the bytes of a dataset lie."""

__all__ = ("open_plain_fits",)

from typing import Any

from ._bytes import ByteSource, LocalBytes
from ._errors import StampError
from ._remote import RemoteBytes

FITS_EXTENSIONS = (".fits", ".fit", ".fits.fz")


def open_plain_fits(butler: Any, ref: Any) -> ByteSource | None:
    """Open the file of a dataset, when it is a FITS file of its own.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    ref : `lsst.daf.butler.DatasetRef`
        The dataset.

    Returns
    -------
    source : `ByteSource` or `None`
        The file; `None` when the dataset lies in memory, in a file of
        another format, in several files or in a part of one.

    Raises
    ------
    StampError
        Raised if the repository knows of no file.
    ImageFileError
        Raised if the file cannot be opened.
    """
    try:
        uri = butler.getURIs(ref).primaryURI
    except FileNotFoundError as error:
        raise StampError(f"{ref} is registered but the repository has no file for it: {error}") from error
    if uri is None or uri.fragment or not uri.path.lower().endswith(FITS_EXTENSIONS):
        return None
    return LocalBytes(uri.ospath) if uri.isLocal else RemoteBytes(uri)
