"""What a detector and the visitors of the sky do to an image."""

__all__ = ("add_cosmic_rays", "bleed", "fill", "satellite")

import galsim
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]


def bleed(electrons: FloatArray, full_well: float) -> BoolArray:
    """Let charge over the full well run along its column, in place."""
    saturated = electrons > full_well
    for column in np.flatnonzero(saturated.any(axis=0)):
        pixels = electrons[:, column]
        full = np.flatnonzero(saturated[:, column])
        for run in np.split(full, np.flatnonzero(np.diff(full) > 1) + 1):
            excess = (pixels[run] - full_well).clip(0).sum()
            pixels[run] = np.minimum(pixels[run], full_well)
            for beyond in (pixels[run[-1] + 1 :], pixels[: run[0]][::-1]):
                room = (full_well - beyond).clip(0)
                beyond += np.clip(0.5 * excess - (np.cumsum(room) - room), 0, room)
    return np.asarray(electrons >= 0.999 * full_well)


def add_cosmic_rays(electrons: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Add the straight tracks of cosmic rays, sharper than any star, in place."""
    rows, columns = electrons.shape
    image = galsim.ImageD(columns, rows, xmin=0, ymin=0, scale=1.0)
    deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
    for _ in range(2 + rng.poisson(5e-6 * electrons.size)):
        length = 1.0 + rng.exponential(6.0)
        track = galsim.Box(length, 0.3).rotate(rng.uniform(0, 180) * galsim.degrees)
        # Silicon gives 80 electrons per micrometre of the way; pixels have 10 micrometres.
        track *= length * rng.lognormal(np.log(800), 0.6)
        center = galsim.PositionD(rng.uniform(0, columns), rng.uniform(0, rows))
        track.drawImage(image, method="phot", rng=deviate, center=center, add_to_image=True)
    electrons += image.array
    return np.asarray(image.array > 0)


def fill(image: FloatArray, defects: BoolArray) -> None:
    """Replace defective pixels by what is around them, in place."""
    good = ~defects
    weight = ndimage.gaussian_filter(good.astype(np.float64), 1.2)
    mean = ndimage.gaussian_filter(np.where(good, image, 0.0), 1.2)[defects] / weight[defects].clip(1e-6)
    image[defects] = mean


def satellite(
    shape: tuple[int, ...], brightness: float, width: float, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Draw the streak of a tumbling satellite."""
    x_middle, y_middle = rng.uniform(0.25, 0.75, 2) * shape[::-1]
    angle = np.radians(rng.uniform(15, 75))
    y, x = np.mgrid[: shape[0], : shape[1]]
    across = (y - y_middle) * np.cos(angle) - (x - x_middle) * np.sin(angle)
    phase = (
        2
        * np.pi
        * (((x - x_middle) * np.cos(angle) + (y - y_middle) * np.sin(angle)) / rng.uniform(110, 170))
    )
    glint = (0.45 + 0.35 * np.sin(phase) + 0.2 * np.sin(2.7 * phase)).clip(0.05)
    return brightness * glint * np.exp(-0.5 * (across / width) ** 2), np.abs(across) < 4 * width
