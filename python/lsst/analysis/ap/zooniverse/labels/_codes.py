"""Small numbers that stand for texts which come again and again."""

__all__ = ("Codes", "encode")

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def encode(column: pa.Array, number_of: Callable[[str], int]) -> NDArray[np.int32]:
    """Return a number for each text; it is asked for once per different text."""
    encoded = column.dictionary_encode()
    numbers = np.array([number_of(text) for text in encoded.dictionary.to_pylist()], np.int32)
    return np.asarray(numbers[encoded.indices.to_numpy()])


class Codes:
    """Texts, numbered from 0 in the order in which they came first."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def texts(self) -> list[str]:
        """The texts, by number."""
        return list(self._numbers)

    def number_of(self, text: str) -> int:
        """Return the number of a text, a new one for a text that is new."""
        return self._numbers.setdefault(text, len(self._numbers))

    def encode(self, column: pa.Array) -> NDArray[np.int32]:
        """Return the number of each text."""
        return encode(column, self.number_of)
