"""What volunteers answered: the annotations of a classification."""

__all__ = ("Response", "Responses")

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

type Response = Mapping[str, tuple[str, ...]]
"""The answers by task: one, several where the task lets choose several, none
where the volunteer went on without an answer."""

_MOST_ANSWERS: Final = 200
"""A task with more different answers than this asks for text, not for a choice."""

_MOST_TEXTS: Final = 20_000


class Responses:
    """Every different response, numbered from 0.

    Few are different when volunteers choose among answers. Tasks of other kinds, such as drawings and texts,
    are left out, so that memory does not grow with them.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[str, tuple[str, ...]], ...], int] = {}
        self._known: dict[str, int] = {}
        self._answers: defaultdict[str, set[str]] = defaultdict(set)

    def number_of(self, annotations: str) -> int:
        """Return the number of a response.

        ``annotations``: the column ``annotations`` of a classification. Returns: its number; -1 when the text
        cannot be read.
        """
        number = self._known.get(annotations)
        if number is None:
            if len(self._known) >= _MOST_TEXTS:
                self._known.clear()  # drawings: each differs from all others
            number = self._known[annotations] = self._number_of_new(annotations)
        return number

    def _number_of_new(self, annotations: str) -> int:
        found: dict[str, tuple[str, ...]] = {}
        try:
            for task, value in _flat(json.loads(annotations)):
                if (answers := _answers(value)) is not None:
                    found.setdefault(str(task), answers)  # the first counts, as in panoptes_aggregation
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return -1
        response = tuple(sorted(item for item in found.items() if self._is_choice(*item)))
        return self._numbers.setdefault(response, len(self._numbers))

    def _is_choice(self, task: str, answers: tuple[str, ...]) -> bool:
        known = self._answers[task]
        if len(known) <= _MOST_ANSWERS:
            known.update(answers)
        return len(known) <= _MOST_ANSWERS

    def by_number(self) -> list[Response]:
        """Return the responses by number, without tasks that turned out to be no choice."""
        return [
            {task: answers for task, answers in response if len(self._answers[task]) <= _MOST_ANSWERS}
            for response in self._numbers
        ]


def _flat(annotations: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield task and value, those of a combination of tasks one by one."""
    for annotation in annotations:
        task, value = annotation["task"], annotation.get("value")
        if isinstance(value, list) and value and all(isinstance(v, dict) and "task" in v for v in value):
            yield from _flat(value)
        else:
            yield task, value


def _answers(value: Any) -> tuple[str, ...] | None:
    """Return the answers of a question; `None` for a task of another kind."""
    if value is None:
        return ()
    if isinstance(value, str | int):
        return (str(value),)
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return tuple(sorted({str(item) for item in value}))
    return None
