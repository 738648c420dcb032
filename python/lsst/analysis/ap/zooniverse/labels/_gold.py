"""Sources of which it is known what they are: gold standard and fakes."""

__all__ = ("GoldChoice", "find_gold")

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...domain import CutoutsError
from ._identity import NO_SOURCE, source_number
from ._joined import Joined
from ._pictures import Pictures
from ._question import Question, slug

_REAL: Final = 1
_BOGUS: Final = -1
_PARQUET: Final = (".parquet", ".parq", ".pq")


@dataclass(frozen=True, slots=True)
class GoldChoice:
    """Where it is said what sources are; the first of these that says it counts."""

    path: Path | None = None
    """A CSV or Parquet file with the columns ``diaSourceId`` and ``answer``: ``real``, ``bogus``, the words
    of an answer or its number. The column may be ``label`` as well, as in the files that galleries export;
    there, other words are passed over."""
    answers: tuple[str, ...] = ()
    """The answers in the order of the workflow, in which ``#feedback_1_answer`` numbers them from 0; when not
    given: first the one that means real, then the one that means bogus."""
    fakes: str | None = None
    """A column of the manifest that is true for injected sources, which are
    real as far as volunteers can see."""


def find_gold(choice: GoldChoice, question: Question, joined: Joined, pictures: Pictures) -> NDArray[np.int8]:
    """Find out what is known of the sources.

    Returns: 1 for each source that is real, -1 for bogus, 0 for unknown. Raises `CutoutsError` when a file or
    a column cannot be understood.
    """
    gold = np.zeros(len(pictures), np.int8)
    meanings = _meanings(choice, question)
    if choice.fakes is not None:
        gold[_is_true(pictures, choice.fakes)] = _REAL
    for source, identity in zip(joined.source.tolist(), joined.identities, strict=True):
        if source >= 0 and identity is not None and identity.gold is not None:
            gold[source] = meanings.get(identity.gold, gold[source])
    if choice.path is None:
        return gold
    ids, kinds = [], []
    for line, (identifier, answer) in enumerate(_rows(choice.path, meanings), start=2):
        word = answer if answer in meanings else slug(answer)
        if word not in meanings or source_number(identifier) == NO_SOURCE:
            raise CutoutsError(
                f"Row {line} of {choice.path} says {answer!r} of {identifier!r}: give a diaSourceId and "
                f"one of {', '.join(meanings)}."
            )
        ids.append(source_number(identifier))
        kinds.append(meanings[word])
    rows = pictures.find(np.array(ids, np.int64))
    gold[rows[rows >= 0]] = np.array(kinds, np.int8)[rows >= 0]
    return gold


def _meanings(choice: GoldChoice, question: Question) -> dict[str, int]:
    """Return what the words and the numbers of answers mean."""
    words = {"real": _REAL, "bogus": _BOGUS}
    kinds = {**dict.fromkeys(question.real, _REAL), **dict.fromkeys(question.bogus, _BOGUS)}
    order = [slug(answer) for answer in choice.answers] or list(question.meanings)
    numbers = {str(number): (kinds | words).get(answer, 0) for number, answer in enumerate(order)}
    if choice.answers and not all(answer in order for answer in kinds):
        raise CutoutsError(
            f"The answers of the workflow are said to be {', '.join(choice.answers)}, but volunteers gave "
            f"{', '.join(kinds)}: name them all, in the order of the workflow."
        )
    return words | kinds | dict.fromkeys(question.meanings[2:], 0) | numbers


def _is_true(pictures: Pictures, column: str) -> NDArray[np.bool_]:
    if column not in pictures.catalogue.column_names:
        raise CutoutsError(
            f"The manifest has no column {column}, which is to tell fakes: add it to manifestColumns, and "
            "run the command that makes the pictures again."
        )
    texts = pc.utf8_lower(pictures.catalogue.column(column).cast("string"))
    values = pc.fill_null(pc.is_in(texts, value_set=pc.cast(["true", "1"], "string")), False)
    return np.asarray(values.to_numpy())


def _rows(path: Path, meanings: Collection[str]) -> Iterator[tuple[str, str]]:
    try:
        if path.suffix.lower() in _PARQUET:
            import pyarrow.parquet as pq

            table: Sequence[dict[str, object]] = pq.read_table(path).to_pylist()
        else:
            with path.open(newline="", encoding="utf-8-sig") as stream:
                table = list(csv.DictReader(stream))
        is_exported = bool(table) and "label" in table[0] and "answer" not in table[0]
        column = "label" if is_exported else "answer"
        rows = [(str(row["diaSourceId"]), str(row[column]).strip()) for row in table]
    except KeyError as error:
        raise CutoutsError(f"{path} has no column {error}: it needs diaSourceId and answer.") from error
    except (OSError, ValueError) as error:
        raise CutoutsError(f"{path} cannot be read: {error}.") from error
    # Who labels in a gallery may say that it is unsure, and nothing then is known.
    yield from (row for row in rows if not is_exported or row[1] in meanings)
