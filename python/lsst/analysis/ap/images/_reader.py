"""Stamps from the datasets of a butler."""

__all__ = ("TripletReader",)

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import ArrayLike

from ..domain import PANELS, DetectorVisit, Triplet
from ._cut import Grid, OpenImage
from ._datasets import Datasets
from ._errors import MissingDatasetError, StampError
from ._fits_image import FitsImage
from ._psf import load_psf
from ._remembered import RememberedImages
from ._repository import RepositoryDatasets
from ._triplets import Opener, cut_triplets
from ._warped import open_warped_template


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

    def read(
        self, data_id: DetectorVisit, ra: ArrayLike, dec: ArrayLike, sizes: ArrayLike
    ) -> list[tuple[Triplet, ...] | StampError]:
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
        image = self._images.open(handle)
        if "psf" in self._extras and isinstance(image, FitsImage):
            image.psf = load_psf(handle.butler, handle.ref)
        return image
