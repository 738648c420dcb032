"""Tables for people and programs, written whole."""

__all__ = ("write_csv", "write_failures")

import codecs
import csv
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from ._directory import OutputDirectory
from ._outcomes import Failure

_FAILURES: Final = "failures.csv"


def write_csv(
    directory: OutputDirectory, name: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Write a table as comma-separated values."""
    with directory.open(name, durable=True) as stream:
        writer = csv.writer(codecs.getwriter("utf-8")(stream), lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_failures(directory: OutputDirectory, failures: Iterable[Failure]) -> None:
    """Write who failed and why into ``failures.csv``; no file when nobody did.

    ``failures``: one row each, in this order.
    """
    rows = ([str(failure.diaSourceId), *_cells(failure), failure.reason] for failure in failures)
    if (first := next(rows, None)) is not None:
        header = ["diaSourceId", "instrument", "visit", "detector", "reason"]
        write_csv(directory, _FAILURES, header, chain([first], rows))
    else:
        directory.remove([_FAILURES])


def _cells(failure: Failure) -> list[str]:
    place = failure.data_id
    return [""] * 3 if place is None else [place.instrument, str(place.visit), str(place.detector)]
