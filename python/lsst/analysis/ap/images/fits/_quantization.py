"""Floating-point pixels that were stored as integers."""

__all__ = ("Dequantizer",)

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_RANDOM = 10_000
"""Length of the sequence of random numbers (FITS standard 4.0, appendix I)."""

ZERO_VALUE = -2147483646
"""Integer that stands for exactly 0.0 in SUBTRACTIVE_DITHER_2 (FITS standard 4.0, section 10.2.2)."""


class Dequantizer:
    """Turns quantized integers back into floating-point pixels.

    ``method``: ZQUANTIZ of the image: ``NO_DITHER``, ``SUBTRACTIVE_DITHER_1`` or ``SUBTRACTIVE_DITHER_2``.
    ``seed``: ZDITHER0 of the image. ``dtype``: type of the pixels. Raises `ValueError` if the method has
    another name.
    """

    def __init__(self, method: str, seed: int, dtype: np.dtype[Any]) -> None:
        if method not in ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2"):
            raise ValueError(f"quantization {method!r} is unknown")
        self._is_dithered = method != "NO_DITHER"
        self._keeps_zeros = method == "SUBTRACTIVE_DITHER_2"
        self._seed = seed
        self._dtype = dtype

    def __call__(
        self,
        values: NDArray[Any],
        tiles: NDArray[np.intp],
        pixels: NDArray[np.intp],
        scales: NDArray[np.float64],
        zeros: NDArray[np.float64],
    ) -> NDArray[Any]:
        """Return the pixels of parts of some tiles.

        ``values``: integers, shape (tiles, ...). ``tiles``: row numbers of the tiles in their table, 0-based,
        shape (tiles,). ``pixels``: position of each value in its tile, shape (...). ``scales``, ``zeros``:
        ZSCALE and ZZERO of the tiles, shape (tiles,). Returns: ``(value - random + 0.5) * scale + zero`` with
        dithering, ``value * scale + zero`` without (FITS standard 4.0, section 10.2.1), computed in double
        precision.
        """
        shape = (-1,) + (1,) * pixels.ndim
        result = values.astype(np.float64)
        if self._is_dithered:
            result -= self._random_numbers(tiles, pixels)
            result += 0.5
        result *= scales.astype(np.float64).reshape(shape)
        result += zeros.astype(np.float64).reshape(shape)
        # Only the second method of dithering keeps zeros; in the others this integer is a value like any.
        if self._keeps_zeros:
            result[values == ZERO_VALUE] = 0.0
        with np.errstate(over="ignore"):
            return result.astype(self._dtype)

    def _random_numbers(self, tiles: NDArray[np.intp], pixels: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the random number that belongs to each pixel.

        Tile ``n`` (from 1) starts in the sequence where element ``n + ZDITHER0 - 2`` of it says; when the
        sequence is used up, it goes on where the following element says.
        """
        numbers, starts = _random_sequence()
        seeds = (tiles + self._seed - 1) % N_RANDOM
        last = int(pixels.max()) if pixels.size else 0
        # Rows of a Rubin image (4000 pixels) never come to the end of the sequence: one look-up serves all.
        if last < N_RANDOM - int(starts.max()):
            return np.asarray(numbers[starts[seeds].reshape((-1,) + (1,) * pixels.ndim) + pixels])
        return np.stack([numbers[_random_order(int(seed), last + 1)][pixels] for seed in seeds])


def _random_order(seed: int, count: int) -> NDArray[np.intp]:
    _, starts = _random_sequence()
    pieces = []
    while count > 0:
        piece = np.arange(starts[seed], min(N_RANDOM, starts[seed] + count))
        pieces.append(piece)
        count -= len(piece)
        seed = (seed + 1) % N_RANDOM
    return np.concatenate(pieces)


@cache
def _random_sequence() -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the random numbers and where each one lets a tile start.

    The generator of Park and Miller as appendix I of the FITS standard 4.0 has it, rounded to single
    precision; its last seed is given there to check an implementation.
    """
    multiplier, modulus = 16807, 2147483647
    numbers = np.empty(N_RANDOM, dtype=np.float32)
    seed = 1
    for i in range(N_RANDOM):
        seed = multiplier * seed % modulus
        numbers[i] = seed / modulus
    assert seed == 1043618065, "the FITS standard says how the sequence ends"
    return numbers.astype(np.float64), (numbers * np.float32(500)).astype(np.intp)
