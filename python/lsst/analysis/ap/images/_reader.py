"""Stamps from a butler repository."""

__all__ = ("TripletReader",)

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lsst.analysis.ap.domain import DetectorVisit, Triplet

from ._butler_image import ButlerImage
from ._cut import OpenImage
from ._errors import StampError
from ._find import find_dataset
from ._fits_image import open_fits_image
from ._image_types import ImageTypes
from ._locations import open_plain_fits
from ._triplets import cut_triplets


class TripletReader:
    """Reads the three stamps of DiaSources.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        Repository, with the default collections to search.
    image_types : `ImageTypes`
        Dataset types of the three images.
    planes : `~collections.abc.Collection` [`str`], optional
        Mask planes that somebody needs, by afw's name; the masks are read
        when there are any.
    """

    def __init__(self, butler: Any, image_types: ImageTypes, *, planes: Collection[str] = ()) -> None:
        self._butler = butler
        self._image_types = image_types
        self._planes = frozenset(planes)

    def read(
        self, data_id: DetectorVisit, ra: ArrayLike, dec: ArrayLike, sizes: ArrayLike
    ) -> list[tuple[Triplet, ...] | StampError]:
        """Return the stamps of sources of one detector.

        Each of the three images is opened once, and all positions go through
        its own WCS in one call.

        Parameters
        ----------
        data_id : `DetectorVisit`
            Which images.
        ra, dec : `numpy.ndarray`
            ICRS degrees, shape (N,).
        sizes : `numpy.ndarray`
            Sides of the stamps in pixels: the same for all sources, shape
            (sizes,), or each source its own, shape (N, sizes).

        Returns
        -------
        triplets : `list` [`tuple` [`Triplet`, ...] or `StampError`]
            For each source, in order, a triplet per size; or why there are
            none, as a value: a missing dataset or file, a corrupt file, no
            position, a stamp wholly off the image.

        Raises
        ------
        ValueError
            Raised if ``ra``, ``dec`` and ``sizes`` differ in length or a size
            is not positive.
        """
        types = self._image_types
        return cut_triplets(
            self._opener(types.template, data_id),
            self._opener(types.science, data_id),
            self._opener(types.difference, data_id),
            np.asarray(ra, dtype=np.float64),
            np.asarray(dec, dtype=np.float64),
            sizes,
            with_mask=bool(self._planes),
        )

    def _opener(self, dataset_type: str, data_id: DetectorVisit) -> Callable[[], OpenImage]:
        return lambda: self._open(dataset_type, data_id)

    def _open(self, dataset_type: str, data_id: DetectorVisit) -> OpenImage:
        ref = find_dataset(self._butler, dataset_type, data_id)
        if (source := open_plain_fits(self._butler, ref)) is not None:
            return open_fits_image(source)
        return ButlerImage(self._butler, ref)
