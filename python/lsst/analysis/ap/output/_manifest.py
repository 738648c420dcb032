"""Lists of the pictures in the three forms that Zooniverse's readers accept."""

__all__ = ("CITSCI_FILES", "MANIFEST_STYLES", "ManifestForm", "is_marked", "manifest_name")

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched, groupby
from typing import Final, Self
from urllib.parse import quote

from ._csv import write_csv
from ._directory import OutputDirectory
from ._outcomes import Picture
from ._paths import panel_path

MANIFEST_STYLES: Final = {
    "panoptes": "Local files, for 'panoptes subject-set upload-subjects' and the web lab.",
    "hosted": "Pictures hosted under urlRoot, for Zooniverse's import on the server.",
    "citsci": "A directory for rubin.citsci on the Rubin Science Platform; one manifest a directory.",
}
"""Which reader a manifest is for; none accepts another's."""

CITSCI_FILES: Final = 10_000
"""How many files of a directory rubin.citsci takes at most."""

_MARKS: Final = ("#", "//", "!", "%")


def is_marked(column: str) -> bool:
    """Return whether a column name has one of Zooniverse's prefixes.

    Parameters
    ----------
    column : `str`
        A column name, such as ``#training_subject``.

    Returns
    -------
    marked : `bool`
        Whether it begins with ``#`` or ``//`` (never shown to volunteers),
        ``!`` (shown in Talk only) or ``%`` (indexed).
    """
    return column.startswith(_MARKS)


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


@dataclass(frozen=True, slots=True)
class ManifestForm:
    """What a manifest looks like."""

    style: str
    """One of `MANIFEST_STYLES`."""

    columns: tuple[str, ...]
    """Metadata columns in order, with Zooniverse's prefixes."""

    url_root: str | None = None
    """Where the pictures are hosted, for the style ``hosted``."""

    rows: int | None = None
    """How many rows a file has at most; `None` for one file of all."""

    panels: tuple[str, ...] = ()
    """Panels that are files of their own and become frames of a subject
    behind the whole picture."""

    def with_columns(self, columns: Sequence[str]) -> Self:
        """Return this form with more columns behind its own.

        Parameters
        ----------
        columns : sequence of `str`
            Their names, with Zooniverse's prefixes.

        Returns
        -------
        form : `ManifestForm`
            The wider form.
        """
        return replace(self, columns=(*self.columns, *columns))

    def write(
        self, directory: OutputDirectory, pictures: Iterable[Picture], announce: Callable[[str], None]
    ) -> list[str]:
        """Write the manifest of a directory.

        Parameters
        ----------
        directory : `OutputDirectory`
            Where the files go: ``manifest.csv``, or ``manifest-001.csv`` and
            so on when `rows` is given; for ``citsci``, in each folder that
            has pictures.
        pictures : iterable of `Picture`
            One row each, in this order; for ``citsci`` the pictures of a
            folder must follow each other.
        announce : callable
            Is told the path of each file before it is written.

        Returns
        -------
        paths : `list` [`str`]
            The files written, relative to the directory.
        """
        written: list[str] = []
        folders = groupby(pictures, key=lambda picture: self._folder(picture.path))
        for folder, members in folders:
            written += self._write_folder(directory, folder, members, announce)
        if not written:
            written = ["manifest.csv"]
            announce(written[0])
            write_csv(directory, written[0], self._header(), ())
        return written

    def _folder(self, path: str) -> str:
        """Return the folder whose manifest lists a picture, with its slash."""
        folder, slash, _ = path.rpartition("/")
        return folder + slash if self.style == "citsci" else ""

    def _write_folder(
        self,
        directory: OutputDirectory,
        folder: str,
        pictures: Iterable[Picture],
        announce: Callable[[str], None],
    ) -> list[str]:
        rows = (self._row(picture, folder) for picture in pictures)
        parts: Iterable[Iterable[list[str]]] = [rows] if self.rows is None else batched(rows, self.rows)
        names = []
        for number, part in enumerate(parts, start=1):
            names.append(f"{folder}manifest{'' if self.rows is None else f'-{number:03d}'}.csv")
            announce(names[-1])
            write_csv(directory, names[-1], self._header(), part)
        return names

    def _header(self) -> list[str]:
        if self.style == "hosted":
            locations = (f"location:{number + 1}" for number in range(1 + len(self.panels)))
            metadata = (f"metadata:{column}" for column in ("diaSourceId", *self.columns))
            return ["external_id", *locations, *metadata]
        return ["filename", *self._local_panels, "diaSourceId", *self.columns]

    def _row(self, picture: Picture, folder: str) -> list[str]:
        identifier = str(picture.diaSourceId)
        # panoptes takes an empty cell of the first row for the name of a file,
        # the directory itself, and gives up.
        missing = "" if self.style == "hosted" else "null"
        cells = [_cell(picture.metadata, column, missing) for column in self.columns]
        if self.style == "hosted":
            root = (self.url_root or "").rstrip("/")
            paths = [picture.path, *(panel_path(picture.path, panel) for panel in self.panels)]
            return [identifier, *(f"{root}/{quote(path)}" for path in paths), identifier, *cells]
        path = picture.path.removeprefix(folder)
        return [path, *(panel_path(path, panel) for panel in self._local_panels), identifier, *cells]

    @property
    def _local_panels(self) -> tuple[str, ...]:
        # rubin.citsci takes the one column that names the file.
        return () if self.style == "citsci" else self.panels


def _cell(metadata: Mapping[str, str], column: str, missing: str) -> str:
    """Return a value; a marked name of the catalogue itself comes first."""
    return metadata.get(column) or metadata.get(manifest_name(column)) or missing
