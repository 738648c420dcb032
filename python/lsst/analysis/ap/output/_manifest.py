"""Lists of the pictures for Zooniverse, and of the failures for people."""

__all__ = ("manifest_name", "write_failures", "write_manifest")

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from ._directory import OutputDirectory
from ._outcomes import Failure, Picture

MANIFEST: Final = "manifest.csv"
FAILURES: Final = "failures.csv"


def manifest_name(column: str) -> str:
    """Return the catalogue column behind a column of the manifest.

    Parameters
    ----------
    column : `str`
        A name with one of Zooniverse's prefixes, or without.

    Returns
    -------
    name : `str`
        The name alone.
    """
    return column.lstrip("#/!%")


def write_manifest(
    directory: OutputDirectory, pictures: Iterable[Picture], columns: Sequence[str], url_root: str | None
) -> str:
    """Write the list from which Zooniverse makes subjects.

    Parameters
    ----------
    directory : `OutputDirectory`
        Where ``manifest.csv`` goes.
    pictures : iterable of `Picture`
        One row each, in this order.
    columns : sequence of `str`
        Metadata columns in order, with Zooniverse's prefixes: ``#`` or ``//``
        is never shown, ``!`` is shown in Talk only, ``%`` is indexed.
    url_root : `str` or `None`
        Where the pictures are hosted. With it the list has the columns that
        Zooniverse's import of hosted images wants (``external_id``,
        ``location:1`` and ``metadata:`` ones); without it the list names
        local files, for ``panoptes subject-set upload-subjects``; a missing
        value then reads ``null``.

    Returns
    -------
    path : `str`
        The file written.
    """
    names = [manifest_name(column) for column in columns]
    # panoptes takes an empty cell of the first row for the name of a file,
    # the directory itself, and gives up.
    missing = "null" if url_root is None else ""
    if url_root is None:
        header = ["filename", "diaSourceId", *columns]
    else:
        header = [
            "external_id",
            "location:1",
            "metadata:diaSourceId",
            *(f"metadata:{column}" for column in columns),
        ]

    def rows() -> Iterator[list[str]]:
        for picture in pictures:
            identifier = str(picture.diaSourceId)
            values = [picture.metadata.get(name, missing) for name in names]
            if url_root is None:
                yield [picture.path, identifier, *values]
            else:
                url = f"{url_root.rstrip('/')}/{quote(picture.path)}"
                yield [identifier, url, identifier, *values]

    _write_csv(directory, MANIFEST, header, rows())
    return str(directory.path / MANIFEST)


def write_failures(directory: OutputDirectory, failures: Iterable[Failure]) -> None:
    """Write who failed and why; no file when nobody did.

    Parameters
    ----------
    directory : `OutputDirectory`
        Where ``failures.csv`` goes.
    failures : iterable of `Failure`
        One row each, in this order.
    """
    header = ["diaSourceId", "instrument", "visit", "detector", "reason"]
    rows = [[str(failure.diaSourceId), *_cells(failure), failure.reason] for failure in failures]
    if rows:
        _write_csv(directory, FAILURES, header, rows)
    else:
        directory.remove(FAILURES)


def _cells(failure: Failure) -> list[str]:
    place = failure.data_id
    return [""] * 3 if place is None else [place.instrument, str(place.visit), str(place.detector)]


def _write_csv(
    directory: OutputDirectory, name: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    with directory.open(name) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        text.detach()
