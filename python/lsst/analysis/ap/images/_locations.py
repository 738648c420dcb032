"""Where the bytes of a dataset lie."""

__all__ = ("open_plain_fits",)

from lsst.daf.butler import DeferredDatasetHandle

from ._errors import StampError
from .fits._bytes import ByteSource, LocalBytes
from .fits._remote import RemoteBytes

FITS_EXTENSIONS = (".fits", ".fit", ".fits.fz")


def open_plain_fits(handle: DeferredDatasetHandle) -> ByteSource | None:
    """Open the file of a dataset, when it is a FITS file of its own.

    ``handle``: the dataset, of whatever storage class. Returns: the file; `None` when the dataset lies in
    memory, in a file of another format, in several files or in a part of one. Raises `StampError` if the
    repository knows of no file; `ImageFileError` if the file cannot be opened.
    """
    try:
        uri = handle.butler.getURIs(handle.ref).primaryURI
    except FileNotFoundError as error:
        reason = f"{handle.ref} is registered but the repository has no file for it: {error}"
        raise StampError(reason) from error
    if uri is None or uri.fragment or not uri.path.lower().endswith(FITS_EXTENSIONS):
        return None
    return LocalBytes(uri.ospath) if uri.isLocal else RemoteBytes(uri)
