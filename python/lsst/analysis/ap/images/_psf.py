"""Images of point-spread functions, of afw or of lsst.images."""

__all__ = ("load_psf", "psf_image")

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsst.daf.butler import DatasetRef, LimitedButler

_log = logging.getLogger(__name__)


def load_psf(butler: LimitedButler, ref: DatasetRef) -> Any:
    """Return the point-spread function of an image.

    Returns: `None` when the image has none, or none that can be read here: those of afw need afw.
    """
    if "psf" not in ref.datasetType.storageClass.allComponents():
        return None
    try:
        return butler.get(ref.makeComponentRef("psf"))
    except Exception as error:  # whatever the formatter raises; the image itself may be fine
        _log.warning("The point-spread function of %s cannot be read: %s", ref, error)
        return None


def psf_image(psf: Any, x: float, y: float) -> NDArray[np.float64] | None:
    """Return the image of a point-spread function at a place.

    ``x``, ``y``: PARENT pixels. Returns: its middle pixel is the source, its sum 1; `None` where it has no
    value at that place.
    """
    try:
        if hasattr(psf, "compute_kernel_image"):
            return np.asarray(psf.compute_kernel_image(x=x, y=y).array, dtype=np.float64)
        from lsst.geom import Point2D

        return np.array(psf.computeKernelImage(Point2D(x, y)).array, dtype=np.float64)
    except Exception as error:
        _log.debug("A point-spread function has no value at x = %.1f, y = %.1f: %s", x, y, error)
        return None
