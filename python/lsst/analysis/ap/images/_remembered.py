"""The images of datasets, which need not be found and parsed again each time."""

__all__ = ("RememberedImages",)

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from numpy.typing import NDArray

from lsst.daf.butler import DeferredDatasetHandle

from ..domain import Box
from ._butler_image import ButlerImage
from ._cut import OpenImage
from ._fits_image import FitsImage, open_fits_image
from ._locations import open_plain_fits
from .fits._bytes import LocalBytes

_MOST_PIXELS: Final = 40_000
"""Of how many pixels of a plane of an image to remember the values."""

type Read = Callable[[Sequence[Box]], list[NDArray[Any]]]


class RememberedImages:
    """Opens the images of datasets.

    What was read of the FITS files that were opened last is kept: where they
    are, headers, the WCS, some stamps. A file that was written again is read
    again.

    Parameters
    ----------
    limit : `int`
        How many files to remember.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[UUID, tuple[_RememberedImage, LocalBytes]] = OrderedDict()

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
        if not self._limit or not isinstance(source, LocalBytes):  # other addresses are not valid for long
            return open_fits_image(source)
        image = _RememberedImage(source)
        self._known[handle.ref.id] = image, source
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return image


class _RememberedImage(FitsImage):
    """An image that keeps the stamps that were read last."""

    def __init__(self, source: LocalBytes) -> None:
        try:
            super().__init__(source)
        except BaseException:
            source.close()
            raise
        self._pixels, self._bits = _Stamps(super().read), _Stamps(super().read_mask)

    def read(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        # Docstring inherited.
        return self._pixels(boxes)

    def read_mask(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        # Docstring inherited.
        return self._bits(boxes)


@dataclass(frozen=True)
class _Stamps:
    read: Read
    known: OrderedDict[Box, NDArray[Any]] = field(default_factory=OrderedDict)

    def __call__(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        unread = list(dict.fromkeys(box for box in boxes if box not in self.known))
        new = dict(zip(unread, self.read(unread), strict=True))
        found = [new[box] if box in new else self.known[box] for box in boxes]
        self.known.update(new)
        while sum(array.size for array in self.known.values()) > _MOST_PIXELS:
            self.known.popitem(last=False)
        return found
