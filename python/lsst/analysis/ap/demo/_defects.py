"""What a detector and the visitors of the sky do to an image."""

__all__ = ("add_cosmic_rays", "bleed", "fill", "satellite")

import galsim
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]


def bleed(electrons: FloatArray, full_well: float) -> BoolArray:
    """Let charge over the full well run along its column, in place; return the full pixels.

    Half of it goes up from the brightest pixel and half down; what reaches the end of the column is lost.
    """
    for column in np.flatnonzero((electrons > full_well).any(axis=0)):
        pixels = electrons[:, column]
        peak, excess = pixels.argmax(), (pixels - full_well).clip(0).sum()
        np.minimum(pixels, full_well, out=pixels)
        for way in (pixels[peak:], pixels[:peak][::-1]):
            room = full_well - way
            way += np.clip(0.5 * excess - (np.cumsum(room) - room), 0, room)
    return np.asarray(electrons >= 0.999 * full_well)


def add_cosmic_rays(electrons: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Add straight tracks, sharper than any star, in place; return the pixels that were hit."""
    rows, columns = electrons.shape
    image = galsim.ImageD(columns, rows, xmin=0, ymin=0, scale=1.0)
    deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
    for _ in range(3 + rng.poisson(8e-6 * electrons.size)):
        length = 1.0 + rng.exponential(6.0)
        # Silicon gives 80 electrons per micrometre of the way; pixels have 10 micrometres.
        track = galsim.Box(length, 0.3) * (length * rng.lognormal(np.log(800), 0.6))
        center = galsim.PositionD(rng.uniform(0, columns), rng.uniform(0, rows))
        track = track.rotate(rng.uniform(0, 180) * galsim.degrees)
        track.drawImage(image, method="phot", rng=deviate, center=center, add_to_image=True)
    electrons += image.array
    return np.asarray(image.array > 0)


def fill(image: FloatArray, defects: BoolArray) -> None:
    """Replace defective pixels by the mean of the others, weighted with a Gaussian, in place."""
    weight = ndimage.gaussian_filter((~defects).astype(np.float64), 1.2)
    mean = ndimage.gaussian_filter(np.where(defects, 0.0, image), 1.2)
    image[defects] = mean[defects] / weight[defects].clip(1e-6)


def satellite(
    size: int, brightness: float, width: float, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Draw the streak of a tumbling satellite through the middle half of a square image.

    ``brightness`` is that on its axis at the brightest, ``width`` the standard
    deviation across, pixels. The second array has the pixels within four of those.
    """
    middle, angle = rng.uniform(0.25, 0.75, 2) * size, np.radians(rng.uniform(15, 75))
    y, x = np.mgrid[:size, :size] - middle[:, None, None]
    across = y * np.cos(angle) - x * np.sin(angle)
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / rng.uniform(110, 170)
    glint = (0.45 + 0.35 * np.sin(phase) + 0.2 * np.sin(2.7 * phase)).clip(0.05)
    return brightness * glint * np.exp(-0.5 * (across / width) ** 2), np.abs(across) < 4 * width
