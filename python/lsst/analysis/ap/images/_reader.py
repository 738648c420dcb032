"""Stamps from a butler repository."""

__all__ = ("TripletReader",)

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lsst.analysis.ap.domain import DetectorVisit, Triplet

from ._butler_image import ButlerImage
from ._bytes import LocalBytes
from ._cut import OpenImage
from ._errors import StampError
from ._fits_image import open_fits_image
from ._image_types import ImageTypes
from ._objects import ObjectImage
from ._triplets import cut_triplets

FITS_EXTENSIONS = (".fits", ".fit", ".fits.fz")


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
        self, data_id: DetectorVisit, ra: ArrayLike, dec: ArrayLike, sizes: Sequence[int]
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
        sizes : `~collections.abc.Sequence` [`int`]
            Sides of the stamps in pixels.

        Returns
        -------
        triplets : `list` [`tuple` [`Triplet`, ...] or `StampError`]
            For each source, in order, a triplet per size; or why there are
            none, as a value: a missing dataset or file, a corrupt file, no
            position, a stamp wholly off the image.

        Raises
        ------
        ValueError
            Raised if ``ra`` and ``dec`` differ in length or a size is not
            positive.
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
        ref = self._find(dataset_type, data_id)
        try:
            locations = self._butler.getURIs(ref)
        except FileNotFoundError as error:
            raise StampError(f"{ref} is registered but the repository has no file for it: {error}") from error
        uri = locations.primaryURI
        if uri is None or uri.fragment or not uri.path.lower().endswith(FITS_EXTENSIONS):
            if uri is not None and uri.scheme == "mem":
                return ObjectImage(self._butler.get(ref), str(ref))
            return ButlerImage(self._butler, ref)
        return open_fits_image(LocalBytes(uri.ospath))

    def _find(self, dataset_type: str, data_id: DetectorVisit) -> Any:
        collections = ", ".join(self._butler.collections.defaults)
        where = f"no {dataset_type} for {data_id} in {collections}"
        try:
            ref = self._butler.find_dataset(
                dataset_type,
                instrument=data_id.instrument,
                visit=data_id.visit,
                detector=data_id.detector,
            )
        except Exception as error:
            # The butler has many words for a data ID that it does not know.
            raise StampError(f"{where}: {error}") from error
        if ref is None:
            raise StampError(where)
        return ref
