"""What a run did, as its caller gets it."""

__all__ = ("Failures", "Identifiers", "RunResult")

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lsst.pipe.base import Struct

from ..domain import DetectorVisit
from ..output import Failure

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5


class _Values[T](Sequence[T]):
    """A sequence that says little of itself and equals a list of the same values."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self[:_SHOWN]))
        return f"[{first}{', ...' if len(self) > _SHOWN else ''}] ({len(self)})"


class Identifiers(_Values[int]):
    """Identifiers of DiaSources, eight bytes each."""

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._values = array("q", values)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> "Identifiers": ...
    def __getitem__(self, index: int | slice) -> "int | Identifiers":
        found = self._values[index]
        return Identifiers(found) if isinstance(found, array) else found

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._values, dtype=np.int64 if dtype is None else dtype)

    def extend(self, values: Iterable[int]) -> None:
        """Add identifiers."""
        self._values.extend(values)

    def sort(self) -> None:
        """Put the identifiers in order."""
        np.frombuffer(self._values, np.int64).sort()

    def to_pandas(self) -> "pd.DataFrame":
        """Return a table with the one column ``diaSourceId``."""
        import pandas as pd

        return pd.DataFrame({"diaSourceId": np.array(self)})


class Failures(_Values[Failure]):
    """DiaSources without a picture, and why.

    Of each there are 24 bytes; images and reasons are kept once for all sources that share them, as a million
    may in a repository without difference images.
    """

    def __init__(self, values: Iterable[Failure] = ()) -> None:
        self._ids, self._places, self._reasons = array("q"), array("q"), array("q")
        self._shared: dict[DetectorVisit | str | None, int] = {}
        self._by_number: list[Any] = []
        self.extend(values)

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Failure: ...
    @overload
    def __getitem__(self, index: slice) -> "Failures": ...
    def __getitem__(self, index: int | slice) -> "Failure | Failures":
        if isinstance(index, slice):
            return Failures(map(self.__getitem__, range(len(self))[index]))
        place, reason = self._by_number[self._places[index]], self._by_number[self._reasons[index]]
        return Failure(self._ids[index], place, reason)

    def extend(self, values: Iterable[Failure]) -> None:
        """Add failures."""
        for failure in values:
            self._ids.append(failure.diaSourceId)
            self._places.append(self._number(failure.data_id))
            self._reasons.append(self._number(failure.reason))

    def _number(self, value: DetectorVisit | str | None) -> int:
        number = self._shared.setdefault(value, len(self._by_number))
        if number == len(self._by_number):
            self._by_number.append(value)
        return number

    def sort(self) -> None:
        """Put the failures in the order of their identifiers."""
        order = np.argsort(np.frombuffer(self._ids, np.int64), kind="stable")
        for values in (self._ids, self._places, self._reasons):
            numbers = np.frombuffer(values, np.int64)
            numbers[:] = numbers[order]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a table with the columns of ``failures.csv``."""
        import pandas as pd

        shared = np.array([*self._by_number, None], object)[:-1]  # an array of objects, whatever they are
        places = [(p and p.instrument, p and p.visit, p and p.detector) for p in shared[self._places]]
        columns = ["instrument", "visit", "detector"]
        frame = pd.DataFrame(places, columns=columns).astype({"visit": "Int64", "detector": "Int64"})
        frame.insert(0, "diaSourceId", np.array(self._ids))
        frame["reason"] = shared[self._reasons]
        return frame


class RunResult(Struct):
    """What a run did; a `lsst.pipe.base.Struct` that tells itself in one line."""

    def __repr__(self) -> str:
        return (
            f"{len(self.written)} pictures written, {len(self.skipped)} already there, "
            f"{len(self.failed)} failed; manifest {self.manifest}"
        )
