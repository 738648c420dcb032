"""Where the stamps of each source are."""

__all__ = ("NO_UNIT", "StampIndex")

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

NO_UNIT = -1
"""Code of a unit that is not known."""

_PLACE = np.dtype([("id", np.int64), ("part", np.int32), ("row", np.int32), ("unit", np.int32)])


class StampIndex:
    """Places of stamps by diaSourceId: the number of a part and a row in it.

    It takes 20 bytes for a source.
    """

    def __init__(self) -> None:
        self._added: list[NDArray[np.void]] = []

    def add(self, part: int, ids: NDArray[np.int64], units: NDArray[np.int32]) -> None:
        """Learn the sources of a part; they replace what was known of them.

        ``ids``: the diaSourceId of its rows, in order.
        """
        places = np.empty(len(ids), _PLACE)
        places["id"], places["part"], places["unit"] = ids, part, units
        places["row"] = np.arange(len(ids))
        self._added.append(places)
        self.__dict__.pop("_places", None)

    @cached_property
    def _places(self) -> NDArray[np.void]:
        """The last place of each source, by diaSourceId."""
        every = np.concatenate([np.empty(0, _PLACE), *self._added])
        # The first of equal values in the reversed order is the last one added.
        _, last = np.unique(every["id"][::-1], return_index=True)
        places = every[::-1][last]
        self._added = [places]
        return places

    def missing(self, ids: Iterable[int]) -> set[int]:
        """Return the sources that have no place.

        Returns: those of them that are not known.
        """
        asked = np.fromiter(ids, np.int64)
        return set(asked[~self._found(asked)].tolist())

    def places(self, ids: Iterable[int]) -> tuple[NDArray[np.void], int]:
        """Return the places of sources.

        Returns ``places``: records with ``id``, ``part``, ``row`` and ``unit`` of those that are known, in
        the order of ``ids``; ``missing``: how many are not known.
        """
        asked = np.fromiter(ids, np.int64)
        known = asked[self._found(asked)]
        return self._places[np.searchsorted(self._places["id"], known)], len(asked) - len(known)

    def _found(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        at = np.searchsorted(self._places["id"], ids)
        found = np.zeros(len(ids), np.bool_)
        inside = at < len(self._places)
        found[inside] = self._places["id"][at[inside]] == ids[inside]
        return found
