"""Stamps from the datasets of a butler, whose images are opened where they lie."""

__all__ = ("RememberedImages", "TripletReader", "open_plain_fits")

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsst.daf.butler import DeferredDatasetHandle
from lsst.resources import ResourcePath

from ..domain import PANELS, Box, DetectorVisit
from ._butler_image import ButlerImage
from ._cut import Arrays, Grid, Opener, OpenImage, cut_triplets
from ._datasets import Datasets, locate
from ._errors import MissingDatasetError, Stamps
from ._fits_image import FitsImage, open_fits_image
from ._psf import load_psf
from ._repository import RepositoryDatasets
from ._warped import open_warped_template
from .fits._bytes import ByteSource, LocalBytes
from .fits._remote import RemoteBytes

FITS_EXTENSIONS = (".fits", ".fit", ".fits.fz")


def open_plain_fits(uri: ResourcePath | None) -> ByteSource | None:
    """Open the file of a dataset, when it is a FITS file of its own.

    ``uri``: where the dataset is, of whatever storage class; `None` when in several files. Returns: the file;
    `None` when the dataset lies in memory, in a file of another format or in a part of one. Raises
    `ImageFileError` if the file cannot be opened.
    """
    if uri is None or uri.fragment or not uri.path.lower().endswith(FITS_EXTENSIONS):
        return None
    return LocalBytes(uri.ospath) if uri.isLocal else RemoteBytes(uri)


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

    def open(
        self,
        handle: DeferredDatasetHandle,
        locate: Callable[[DeferredDatasetHandle], ResourcePath | None] = locate,
    ) -> OpenImage:
        """Open an image.

        ``locate``: what knows where its file is. Returns: to be closed before it is opened again. Raises
        `StampError` if the repository knows of no file; `ImageFileError` if the file cannot be opened, or
        holds no image.
        """
        known = self._known.pop(handle.ref.id, None)
        if known is not None and known[1].reopen():
            self._known[handle.ref.id] = known
            return known[0]
        if (source := open_plain_fits(locate(handle))) is None:
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


class TripletReader:
    """Reads the three stamps of DiaSources.

    ``datasets``: what finds the three images. ``planes``: mask planes that somebody needs, by afw's name; the
    masks are read when there are any. ``require_difference``: whether a source has no stamps where no
    difference image is stored. ``extras``: what stamps are to have beside their pixels where an image has it:
    ``mask``, ``variance``, ``psf``. ``images``: what opens images, where sources come again.
    """

    def __init__(
        self,
        datasets: Datasets,
        *,
        planes: Collection[str] = (),
        require_difference: bool = True,
        extras: Collection[str] = (),
        images: RememberedImages | None = None,
    ) -> None:
        self._datasets = datasets
        self._images = RememberedImages(0) if images is None else images
        self._with_mask = bool(planes) or "mask" in extras
        self._extras = frozenset(extras)
        self._require_difference = require_difference

    def prefetch(self, data_ids: Iterable[DetectorVisit]) -> None:
        """Find the images of some detectors in one query, where they are in a repository.

        ``data_ids``: detectors that will be read.
        """
        if isinstance(self._datasets, RepositoryDatasets):
            self._datasets.prefetch(data_ids)

    def read(self, data_id: DetectorVisit, ra: ArrayLike, dec: ArrayLike, sizes: ArrayLike) -> Stamps:
        """Return the stamps of sources of one detector.

        Each of the three images is opened once, and all positions go through its own WCS in one call.

        ``ra``, ``dec``: ICRS degrees, shape (N,). ``sizes``: sides of the stamps in pixels: the same for all
        sources, shape (sizes,), or each source its own, shape (N, sizes). Returns: for each source, in order,
        a triplet per size; or why there are none, as a value: a missing dataset or file, a corrupt file, no
        position, a stamp wholly off the image. Raises `ValueError` if ``ra``, ``dec`` and ``sizes`` differ in
        length or a size is not positive.
        """
        return cut_triplets(
            {role: self._opener(role, data_id) for role in PANELS},
            np.asarray(ra, dtype=np.float64),
            np.asarray(dec, dtype=np.float64),
            sizes,
            with_mask=self._with_mask,
            require_difference=self._require_difference,
            extras=self._extras,
        )

    def _opener(self, role: str, data_id: DetectorVisit) -> Opener:
        return lambda grid: self._open(role, data_id, grid)

    def _open(self, role: str, data_id: DetectorVisit, grid: Grid | None) -> OpenImage:
        try:
            handle = self._datasets.find(role, data_id)
        except MissingDatasetError:
            if role != "template" or grid is None:
                raise
            coadds = self._datasets.find_coadds(data_id, grid)
            if not coadds:
                raise
            return open_warped_template(coadds, self._images.open, grid)
        image = self._images.open(handle, self._datasets.locate)
        if "psf" in self._extras and isinstance(image, FitsImage):
            image.psf = load_psf(handle.butler, handle.ref)
        return image
