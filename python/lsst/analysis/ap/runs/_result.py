"""What a run did, as its caller gets it."""

__all__ = ("Failures", "Identifiers", "RunResult")

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lsst.pipe.base import Struct

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
    """Identifiers of DiaSources, eight bytes each.

    Parameters
    ----------
    values : iterable of `int`, optional
        The identifiers.
    """

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
        """Add identifiers.

        Parameters
        ----------
        values : iterable of `int`
            What to add.
        """
        self._values.extend(values)

    def sort(self) -> None:
        """Put the identifiers in order."""
        self._values = array("q", np.sort(np.array(self._values, np.int64)).tobytes())

    def to_pandas(self) -> "pd.DataFrame":
        """Return a table with the one column ``diaSourceId``."""
        import pandas as pd

        return pd.DataFrame({"diaSourceId": np.array(self)})


class Failures(_Values[Failure]):
    """DiaSources without a picture, and why.

    Parameters
    ----------
    values : iterable of `~lsst.analysis.ap.output.Failure`, optional
        The failures.
    """

    def __init__(self, values: Iterable[Failure] = ()) -> None:
        self._values = list(values)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Failure: ...
    @overload
    def __getitem__(self, index: slice) -> "Failures": ...
    def __getitem__(self, index: int | slice) -> "Failure | Failures":
        found = self._values[index]
        return Failures(found) if isinstance(found, list) else found

    def extend(self, values: Iterable[Failure]) -> None:
        """Add failures.

        Parameters
        ----------
        values : iterable of `~lsst.analysis.ap.output.Failure`
            What to add.
        """
        self._values.extend(values)

    def sort(self) -> None:
        """Put the failures in the order of their identifiers."""
        self._values.sort(key=lambda failure: failure.diaSourceId)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a table with the columns of ``failures.csv``."""
        import pandas as pd

        rows = [
            {
                "diaSourceId": failure.diaSourceId,
                "instrument": failure.data_id and failure.data_id.instrument,
                "visit": failure.data_id and failure.data_id.visit,
                "detector": failure.data_id and failure.data_id.detector,
                "reason": failure.reason,
            }
            for failure in self._values
        ]
        columns = ["diaSourceId", "instrument", "visit", "detector", "reason"]
        return pd.DataFrame(rows, columns=columns).astype({"visit": "Int64", "detector": "Int64"})


class RunResult(Struct):
    """What a run did; a `lsst.pipe.base.Struct` that tells itself in one line."""

    def __repr__(self) -> str:
        return (
            f"{len(self.written)} pictures written, {len(self.skipped)} already there, "
            f"{len(self.failed)} failed; manifest {self.manifest}"
        )
