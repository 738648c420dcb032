"""What can be chosen of the look of a picture: the one description of each choice.

A field of `~lsst.analysis.ap.render.PictureStyle` is made with `look`, and the field of the configuration
with the same name, in camel case, is made from it.
"""

__all__ = ("Look", "find_problem", "look", "look_of")

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to know of one choice besides its type and its default."""

    doc: str
    """What it decides, for people who choose."""
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The words that it can be, and what each stands for; none where it is no choice among words."""
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Earlier names of these words."""
    low: float | None = None
    """Least number that it can be."""
    high: float | None = None
    """Greatest number that it can be."""
    above: bool = False
    """Whether it must be greater than `low`."""

    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value; `None` when nothing is."""
        if self.choices:
            if new := self.renamed.get(value):
                return f"{value!r} is called {new!r} now"
            return None if value in self.choices else f"one of {', '.join(self.choices)}, not {value!r}"
        if self.low is None or value is None:
            return None
        high = math.inf if self.high is None else self.high
        if value < math.inf and self.low <= value <= high and not (self.above and value == self.low):
            return None
        upper = "" if self.high is None else f" and at most {self.high}"
        return f"{'above' if self.above else 'at least'} {self.low}{upper}, not {value!r}"


def look(default: Any, doc: str, **details: Any) -> Any:
    """Return a field of a dataclass that is described by a `Look` with these details."""
    return dataclasses.field(default=default, metadata={"look": Look(doc, **details)})


def look_of(field: dataclasses.Field[Any]) -> Look:
    """Return the description of a field that `look` made."""
    found = field.metadata["look"]
    assert isinstance(found, Look)
    return found


def find_problem(style: "DataclassInstance") -> tuple[str, str] | None:
    """Return the first field whose value is none of its kind, and why; `None` when there is none."""
    for name, described in _checked(type(style)):
        if (problem := described.problem(getattr(style, name))) is not None:
            return name, problem
    return None


@functools.cache  # a style is made for each picture
def _checked(kind: "type[DataclassInstance]") -> tuple[tuple[str, Look], ...]:
    found = ((spec.name, look_of(spec)) for spec in dataclasses.fields(kind))
    return tuple((name, known) for name, known in found if known.choices or known.low is not None)
