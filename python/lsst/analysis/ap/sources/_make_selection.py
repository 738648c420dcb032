"""From what people ask for to a selection."""

__all__ = ("make_selection",)

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..criteria import CRITERIA, Criterion, Takes
from ..domain import CutoutsError
from ._choice import Stratum
from ._columns import shortened
from ._identifiers import read_identifiers
from ._selection import Selection
from .conditions._sky import circle, polygon

_IDENTIFIERS: Final = {"ids": "diaSourceId", "object_ids": "diaObjectId"}
"""What the lists of identifiers hold."""


def make_selection(values: Mapping[str, Any]) -> Selection:
    """Return the selection that some criteria make.

    Parameters
    ----------
    values : `~collections.abc.Mapping` [`str`, `object`]
        Values by the names of ``CRITERIA``, as text or as what it stands for; `None` and lists without
        anything for what is not asked.

    Returns
    -------
    selection : `Selection`
        The selection.

    Raises
    ------
    UnreadableError
        Raised when a file of identifiers cannot be read.
    CutoutsError
        Raised when a value is empty, or makes no sense; its ``choices`` name the criterion.
    """
    fields: dict[str, Any] = {}
    for criterion in CRITERIA:
        value = values.get(criterion.name)
        if value is None or (criterion.takes.is_list and not isinstance(value, str) and not len(value)):
            continue
        try:
            found = _READERS[criterion.takes](criterion, value)
        except CutoutsError as error:
            raise type(error)(*error.args, choices=error.choices or (criterion.name,)) from error
        except (ValueError, OverflowError) as error:
            given = value[0] if isinstance(value, list) and len(value) == 1 else value
            message = f"{criterion.name} is {shortened(given)}, not {criterion.takes.words}."
            raise CutoutsError(message, choices=(criterion.name,)) from error
        if criterion.fills == "regions":
            found = (*fields.get("regions", ()), found)
        fields[criterion.fills] = found
    return Selection(**fields)


def _items(criterion: Criterion, value: Any) -> list[Any]:
    """Return the items of a list, of which each may have some in its text."""
    given: Iterable[Any] = [value] if isinstance(value, str) else value
    parts = [part for item in given for part in (item.split(",") if isinstance(item, str) else [item])]
    stripped = (part.strip() if isinstance(part, str) else part for part in parts)
    if not (found := [part for part in stripped if part != ""]):
        raise _empty(criterion)
    return found


def _text(criterion: Criterion, value: Any) -> str:
    if not str(value).strip():
        raise _empty(criterion)
    return str(value)


def _empty(criterion: Criterion) -> CutoutsError:
    return CutoutsError(
        f"{criterion.name} is given and empty, which would select as if it were not: give "
        f"{criterion.takes.words}, or leave it out.",
        choices=(criterion.name,),
    )


def _number(criterion: Criterion, value: Any) -> float:
    number = float(_text(criterion, value))
    if math.isnan(number):
        raise ValueError(value)
    return number


def _integer(criterion: Criterion, value: Any) -> int:
    return int(_text(criterion, value))


def _numbers(criterion: Criterion, value: Any) -> list[float]:
    return [_number(criterion, item) for item in _items(criterion, value)]


def _circle(criterion: Criterion, value: Any) -> Any:
    ra, dec, radius = _numbers(criterion, value)
    return circle(ra, dec, radius)


def _polygon(criterion: Criterion, value: Any) -> Any:
    numbers = _numbers(criterion, value)
    return polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


def _strata(criterion: Criterion, value: Any) -> tuple[Stratum, ...]:
    found = []
    for item in _items(criterion, value):
        column, colon, bins = item.partition(":")
        found.append(Stratum(column, int(bins) if colon else None))
    return tuple(found)


def _time(criterion: Criterion, value: Any) -> float:
    """Return a time as a modified Julian date, TAI."""
    text = _text(criterion, value)
    try:
        return _number(criterion, text)
    except ValueError:
        from astropy.time import Time

        return float(Time(text.strip(), scale="tai").mjd)


def _identifiers(criterion: Criterion, value: Any) -> tuple[int, ...]:
    return read_identifiers(_text(criterion, value), _IDENTIFIERS[criterion.name])


_READERS: Final[Mapping[Takes, Callable[[Criterion, Any], Any]]] = {
    Takes.NUMBER: _number,
    Takes.COUNT: _integer,
    Takes.INTEGER: _integer,
    Takes.INTEGERS: lambda criterion, value: tuple(map(int, _items(criterion, value))),
    Takes.WORDS: lambda criterion, value: tuple(map(str, _items(criterion, value))),
    Takes.STRATA: _strata,
    Takes.TIME: _time,
    Takes.CONDITION: _text,
    Takes.IDENTIFIERS: _identifiers,
    Takes.CIRCLE: _circle,
    Takes.POLYGON: _polygon,
    Takes.SWITCH: lambda criterion, value: bool(value),
}
"""What reads the value of each kind."""
