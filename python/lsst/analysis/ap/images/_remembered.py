"""The images of datasets, which need not be found and parsed again each time."""

__all__ = ("RememberedImages",)

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final
from uuid import UUID

from numpy.typing import NDArray

from lsst.daf.butler import DeferredDatasetHandle

from ..domain import Box
from ._butler_image import ButlerImage
from ._cut import Arrays, OpenImage
from ._fits_image import FitsImage, open_fits_image
from ._locations import open_plain_fits
from .fits._bytes import LocalBytes

_MOST_PIXELS: Final = 8_000_000
"""Of how many pixels to remember the values: some 9000 stamps of the usual size, 32 MB."""


class RememberedImages:
    """Opens the images of datasets.

    What was read of the FITS files that were opened last is kept: where they are, headers, the WCS, some
    stamps. A file that was written again is read again.

    ``limit``: how many files to remember.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[UUID, tuple[_RememberedImage, LocalBytes]] = OrderedDict()
        self._stamps = _Stamps()

    def open(self, handle: DeferredDatasetHandle) -> OpenImage:
        """Open an image.

        Returns: to be closed before it is opened again. Raises `StampError` if the repository knows of no
        file; `ImageFileError` if the file cannot be opened, or holds no image.
        """
        known = self._known.pop(handle.ref.id, None)
        if known is not None and known[1].reopen():
            self._known[handle.ref.id] = known
            return known[0]
        if (source := open_plain_fits(handle)) is None:
            return ButlerImage(handle)
        if not self._limit or not isinstance(source, LocalBytes):  # other addresses are not valid for long
            return open_fits_image(source)
        image = _RememberedImage(source, self._stamps)
        self._known[handle.ref.id] = image, source
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return image


class _RememberedImage(FitsImage):
    """An image whose stamps are kept."""

    def __init__(self, source: LocalBytes, stamps: "_Stamps") -> None:
        try:
            super().__init__(source)
        except BaseException:
            source.close()
            raise
        self._stamps = stamps

    def read(self, boxes: Sequence[Box], kinds: Collection[str] = ("image",)) -> Arrays:
        # Docstring inherited.
        read = super().read
        arrays = read(boxes, ("variance",)) if "variance" in kinds else {}
        for kind in {"image", "mask"} & set(kinds):
            arrays |= self._stamps.get(self, kind, boxes, read)
        return arrays


class _Stamps:
    """The stamps that were read last."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, NDArray[Any]] = OrderedDict()
        self._pixels = 0

    def get(self, image: FitsImage, kind: str, boxes: Sequence[Box], read: Callable[..., Arrays]) -> Arrays:
        """Return boxes of a kind of pixels, of which those are read that are not known."""
        plane = image, kind
        unread = list(dict.fromkeys(box for box in boxes if (plane, box) not in self._known))
        arrays = read(unread, (kind,))
        if kind not in arrays:
            return {}
        new = dict(zip(unread, arrays[kind], strict=True))
        found = [new[box] if box in new else self._known[plane, box] for box in boxes]
        for box, array in new.items():
            self._known[plane, box] = array
            self._pixels += array.size
        while self._pixels > _MOST_PIXELS:
            self._pixels -= self._known.popitem(last=False)[1].size
        return {kind: found}
