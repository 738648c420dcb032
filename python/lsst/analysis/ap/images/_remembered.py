"""The images of datasets, which need not be found and parsed again each time."""

__all__ = ("RememberedImages",)

from collections import OrderedDict
from uuid import UUID

from lsst.daf.butler import DeferredDatasetHandle

from ._butler_image import ButlerImage
from ._cut import OpenImage
from ._fits_image import FitsImage, open_fits_image
from ._locations import open_plain_fits
from .fits._bytes import LocalBytes


class RememberedImages:
    """Opens the images of datasets.

    What was read of the FITS files that were opened last, besides pixels, is
    kept: where they are, headers, the WCS. A file that was written again is
    read again.

    Parameters
    ----------
    limit : `int`
        How many files to remember.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[UUID, tuple[FitsImage, LocalBytes]] = OrderedDict()

    def open(self, handle: DeferredDatasetHandle) -> OpenImage:
        """Open an image.

        Parameters
        ----------
        handle : `lsst.daf.butler.DeferredDatasetHandle`
            The dataset.

        Returns
        -------
        image : `OpenImage`
            To be closed before it is opened again.

        Raises
        ------
        StampError
            Raised if the repository knows of no file.
        ImageFileError
            Raised if the file cannot be opened, or holds no image.
        """
        known = self._known.pop(handle.ref.id, None)
        if known is not None and known[1].reopen():
            self._known[handle.ref.id] = known
            return known[0]
        if (source := open_plain_fits(handle)) is None:
            return ButlerImage(handle)
        image = open_fits_image(source)
        if self._limit and isinstance(source, LocalBytes):  # addresses of other files are not valid for long
            self._known[handle.ref.id] = image, source
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        return image
