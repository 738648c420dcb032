"""What a detector, the atmosphere's visitors and a coadd do to an image."""

__all__ = ("bleed", "cosmic_rays", "interpolate_rows", "streak", "strip", "warped_noise")

import numpy as np
from numpy.typing import NDArray

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]


def bleed(image: FloatArray, full_well: float) -> BoolArray:
    """Let charge over the full well run along its column, in place.

    Parameters
    ----------
    image : `numpy.ndarray`
        Light on each pixel, sky included.
    full_well : `float`
        The most that a pixel holds, in the same units.

    Returns
    -------
    saturated : `numpy.ndarray` [`bool`]
        The full pixels. The excess of a column goes half up and half down;
        what reaches the end of the column is lost.
    """
    saturated = image > full_well
    for column in np.flatnonzero(saturated.any(axis=0)):
        pixels = image[:, column]
        full = np.flatnonzero(saturated[:, column])
        # Stars are far enough apart for one pool of charge per run of pixels.
        for run in np.split(full, np.flatnonzero(np.diff(full) > 1) + 1):
            excess = (pixels[run] - full_well).clip(0).sum()
            pixels[run] = np.minimum(pixels[run], full_well)
            for beyond in (pixels[run[-1] + 1 :], pixels[: run[0]][::-1]):
                room = (full_well - beyond).clip(0)
                beyond += np.clip(0.5 * excess - (np.cumsum(room) - room), 0, room)
    return np.asarray(image >= 0.999 * full_well)


def cosmic_rays(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Return the charge that cosmic rays leave in a detector.

    Parameters
    ----------
    shape : `tuple` [`int`, `int`]
        Rows and columns.
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    charge : `numpy.ndarray`
        Electrons per pixel: straight tracks, sharper than any star, most of
        them short.
    """
    charge = np.zeros(shape)
    for _ in range(3 + rng.poisson(3e-6 * shape[0] * shape[1])):
        length = 1.5 + rng.exponential(7.0)
        angle = rng.uniform(0, 2 * np.pi)
        steps = np.arange(0, length, 0.2)
        x = rng.uniform(0, shape[1]) + steps * np.cos(angle)
        y = rng.uniform(0, shape[0]) + steps * np.sin(angle)
        per_step = rng.lognormal(np.log(900), 0.9) * 0.2 * rng.gamma(4.0, 0.25, steps.size)
        inside = (x >= 0) & (x < shape[1] - 1) & (y >= 0) & (y < shape[0] - 1)
        column, row = x[inside].astype(int), y[inside].astype(int)
        right, above = x[inside] - column, y[inside] - row
        np.add.at(charge, (row, column), per_step[inside] * (1 - right) * (1 - above))
        np.add.at(charge, (row, column + 1), per_step[inside] * right * (1 - above))
        np.add.at(charge, (row + 1, column), per_step[inside] * (1 - right) * above)
        np.add.at(charge, (row + 1, column + 1), per_step[inside] * right * above)
    return charge


def interpolate_rows(image: FloatArray, defects: BoolArray) -> None:
    """Replace defective pixels by a straight line across the row, in place.

    Parameters
    ----------
    image : `numpy.ndarray`
        Pixels, (rows, columns).
    defects : `numpy.ndarray` [`bool`]
        Pixels to replace.
    """
    columns = np.arange(image.shape[1])
    for row in np.flatnonzero(defects.any(axis=1)):
        bad = defects[row]
        image[row, bad] = np.interp(columns[bad], columns[~bad], image[row, ~bad])


def strip(shape: tuple[int, int], rng: np.random.Generator, tilt: float) -> FloatArray:
    """Return how far each pixel is from a straight line across the image.

    Parameters
    ----------
    shape : `tuple` [`int`, `int`]
        Rows and columns.
    rng : `numpy.random.Generator`
        Chooses where in the middle half the line passes.
    tilt : `float`
        Angle of the line against the rows, radians.

    Returns
    -------
    distance : `numpy.ndarray`
        Pixels, with a sign.
    """
    x = np.arange(shape[1])[None, :] - rng.uniform(0.25, 0.75) * shape[1]
    y = np.arange(shape[0])[:, None] - rng.uniform(0.25, 0.75) * shape[0]
    return np.asarray(y * np.cos(tilt) - x * np.sin(tilt))


def streak(distance: FloatArray, brightness: float, sigma: float, rng: np.random.Generator) -> FloatArray:
    """Draw the streak of a tumbling satellite.

    Parameters
    ----------
    distance : `numpy.ndarray`
        Distance of each pixel from the way of the satellite, pixels.
    brightness : `float`
        Surface brightness on the way at the brightest.
    sigma : `float`
        Half-width of the streak, pixels.
    rng : `numpy.random.Generator`
        Chooses the rhythm of the tumbling.

    Returns
    -------
    image : `numpy.ndarray`
        Light of the streak.
    """
    columns = np.arange(distance.shape[1])
    phase = 2 * np.pi * (columns / rng.uniform(110, 170) + rng.uniform())
    glint = (0.45 + 0.35 * np.sin(phase) + 0.2 * np.sin(2.7 * phase)).clip(0.05)
    return np.asarray(brightness * glint[None, :] * np.exp(-0.5 * (distance / sigma) ** 2))


def warped_noise(
    deviation: FloatArray, tilt: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw white noise on a tilted grid of pixels and resample it to another.

    Parameters
    ----------
    deviation : `numpy.ndarray`
        Standard deviation of the noise before it is resampled.
    tilt : `float`
        Angle between the grids, radians.
    rng : `numpy.random.Generator`
        Source of randomness.

    Returns
    -------
    noise : `numpy.ndarray`
        Noise that is correlated between neighbours as bilinear interpolation
        leaves it, more where a pixel falls between four than on one.
    variance : `numpy.ndarray`
        Its variance: ``deviation`` squared times the sum of the squares of
        the four weights.
    """
    rows, columns = deviation.shape
    x = np.arange(columns, dtype=np.float32)[None, :]
    y = np.arange(rows, dtype=np.float32)[:, None]
    # Single precision is plenty here, and twice as fast.
    cos, sin = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    u, v = cos * x + sin * y, cos * y - sin * x
    u += np.float32(rng.uniform()) - u.min()
    v += np.float32(rng.uniform()) - v.min()
    column, row = u.astype(np.int32), v.astype(np.int32)
    u -= column
    v -= row
    width = int(column.max()) + 2
    white = rng.standard_normal((int(row.max()) + 2) * width, dtype=np.float32)
    corner = row * width + column
    lower = (1 - u) * white[corner] + u * white[corner + 1]
    upper = (1 - u) * white[corner + width] + u * white[corner + width + 1]
    noise = deviation * ((1 - v) * lower + v * upper)
    variance = deviation**2 * ((1 - u) ** 2 + u**2) * ((1 - v) ** 2 + v**2)
    return noise, variance
