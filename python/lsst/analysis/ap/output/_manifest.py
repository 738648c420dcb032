"""The manifest: its columns, their text, its form for each of Zooniverse's readers, and what uploads it."""

__all__ = (
    "ANONYMOUS",
    "CITSCI_FILES",
    "KEY_COLUMN",
    "MANIFEST_STYLES",
    "MARKS",
    "ManifestColumn",
    "ManifestForm",
    "choose_columns",
    "manifest_name",
    "metadata_of",
    "texts_of",
    "upload_commands",
)

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, groupby
from posixpath import dirname
from shlex import quote
from typing import Final

import pyarrow as pa

from ._directory import OutputDirectory, panel_path, picture_key
from ._pictures import COMPOSITE, Picture, hosted_url

ANONYMOUS: Final = "anonymous"
"""Stands among columns for none that tells which source a subject shows."""

MARKS: Final = ("#", "//", "!", "%")
"""Zooniverse's prefixes: not shown on the page (two of them), shown in Talk only, indexed."""

MANIFEST_STYLES: Final = {
    "panoptes": "For 'panoptes subject-set upload-subjects' and the web lab: local files, or URLs if urlRoot "
    "is set.",
    "hosted": "Pictures hosted under urlRoot, for Zooniverse's import on the server.",
    "citsci": "A directory for rubin.citsci on the Rubin Science Platform; one manifest a directory.",
}
"""Which reader a manifest is for; none accepts another's."""

CITSCI_FILES: Final = 10_000
"""How many files of a directory rubin.citsci takes at most, the manifest among them."""

KEY_COLUMN: Final = "#key"
"""Column of what stands for the identifier where that is not to be known."""

_OBJECT: Final = "diaObjectId"
_METADATA: Final = "metadata:"
_PREFIX: Final = "".join(MARKS)
_NAME: Final = re.compile(r"(#|//|!|%)?[A-Za-z_][\w .-]*")
_IDENTIFIER: Final = "diaSourceId"


def manifest_name(column: str) -> str:
    """Return the catalogue column behind a column of the manifest.

    ``column``: a name with one of Zooniverse's prefixes, or without.
    """
    return column.lstrip(_PREFIX)


@dataclass(frozen=True, slots=True)
class ManifestColumn:
    """A metadata column of a manifest."""

    name: str
    """Its name in the manifest, with Zooniverse's prefix."""
    source: str
    """The catalogue column that it shows, or a condition on columns whose truth it shows."""
    is_asked: bool = True
    """Whether somebody asked for it, rather than that it is a default."""

    @property
    def is_computed(self) -> bool:
        """Whether the catalogue has it under no such name."""
        return self.source != manifest_name(self.name)


def choose_columns(items: Sequence[str], default: Sequence[str]) -> tuple[ManifestColumn, ...]:
    """Return the metadata columns of a manifest.

    ``items``: what is asked for: names with Zooniverse's prefixes; ``NAME=COLUMN`` or ``NAME=CONDITION`` for
    what the catalogue has not under that name; with ``+`` in front what comes behind the others, or behind
    the defaults when there are no others; `ANONYMOUS` for no defaults. ``default``: the default. Returns: the
    columns, each name once. Raises `ValueError` for something that is no name of a column.
    """
    names = [item.strip() for item in items]
    base = [name for name in names if name != ANONYMOUS and not name.startswith("+")]
    if ANONYMOUS in names or base or not names:
        columns = [_parse(name, is_asked=name not in default) for name in base]
    else:
        columns = [_parse(name, is_asked=False) for name in default]
    columns += [_parse(name.removeprefix("+"), is_asked=True) for name in names if name.startswith("+")]
    if ANONYMOUS in names and any(
        _IDENTIFIER in (column.source, manifest_name(column.name)) for column in columns
    ):
        raise ValueError(f"{_IDENTIFIER} does not go with {ANONYMOUS}, which is there to hide it")
    return tuple({column.name: column for column in columns}.values())


def _parse(text: str, *, is_asked: bool) -> ManifestColumn:
    name, equals, source = (part.strip() for part in text.partition("="))
    if not _NAME.fullmatch(name) or (equals and not source):
        raise ValueError(f"{text!r} is no column: write NAME, NAME=COLUMN or NAME=CONDITION")
    return ManifestColumn(name, source if equals else manifest_name(name), is_asked)


def metadata_of(rows: pa.Table, columns: Sequence[str]) -> list[Mapping[str, str]]:
    """Return the values of some columns as text.

    ``columns``: columns that are wanted, as far as the table has them. Columns whose own names carry one of
    Zooniverse's prefixes (``#training_subject``, for one) are wanted always. Returns: the non-null values of
    each row, by column name. Each number is the shortest text that gives the same number in its precision: a
    float32 of 0.8 reads 0.8. Lists and structures are JSON.
    """
    present = [name for name in rows.column_names if name in columns or name.startswith(MARKS)]
    columns_of_text = {name: texts_of(rows.column(name)) for name in present}
    return [
        {name: text for name, values in columns_of_text.items() if (text := values[row]) is not None}
        for row in range(len(rows))
    ]


def texts_of(column: pa.ChunkedArray) -> list[str | None]:
    """Return the values of a column as text, in the form that `metadata_of` describes."""
    try:
        return list(column.cast(pa.string()).to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # bytes that are no text, and nested types
        values = column.to_pylist()
        return [None if value is None else json.dumps(value, default=str) for value in values]


@dataclass(frozen=True, slots=True)
class ManifestForm:
    """What a manifest looks like."""

    style: str
    """One of `MANIFEST_STYLES`."""
    columns: tuple[str, ...]
    """Metadata columns in order, with Zooniverse's prefixes."""
    url_root: str | None = None
    """Where the pictures are hosted, encoded; `None` for local files."""
    rows: int | None = None
    """How many rows a file has at most; `None` for one file of all."""
    frames: tuple[str, ...] = (COMPOSITE,)
    """Which pictures a subject consists of: panels, or the whole; none where
    a run left stamps alone, and the manifest only lists the sources."""
    anonymous: bool = False
    """Whether pictures are known by keys, not by identifiers."""

    @property
    def needed(self) -> list[str]:
        """Catalogue columns that it shows."""
        objects = (_OBJECT,) if self._names_objects else ()
        return [*map(manifest_name, self.columns), *objects]

    @property
    def _names_objects(self) -> bool:
        """Whether there is the plain column that rubin.citsci puts into a table of its own."""
        return self.style == "citsci" and not self.anonymous

    def write(
        self, directory: OutputDirectory, pictures: Iterable[Picture], announce: Callable[[str], None]
    ) -> list[str]:
        """Write the manifest of a directory.

        ``directory``: where the files go: ``manifest.csv``, or ``manifest-001.csv`` and so on when `rows` is
        given; for ``citsci``, in each folder that has pictures. ``pictures``: one row each, in this order;
        for ``citsci`` the pictures of a folder must follow each other. ``announce``: is told the path of each
        file before it is written. Returns: the files written, relative to the directory.
        """
        names = {column: manifest_name(column) for column in self.columns}
        written: list[str] = []
        for folder, members in groupby(pictures, key=lambda picture: self._folder(picture.path)):
            rows = (self._row(picture, folder, names) for picture in members)
            parts: Iterable[Iterable[list[str]]] = [rows] if self.rows is None else batched(rows, self.rows)
            for number, part in enumerate(parts, start=1):
                written.append(f"{folder}{self.file_name(number)}")
                announce(written[-1])
                directory.write_csv(written[-1], self._header(), part)
        if not written:
            written = ["manifest.csv"]
            announce(written[0])
            directory.write_csv(written[0], self._header(), ())
        return written

    def _folder(self, path: str) -> str:
        """Return the folder whose manifest lists a picture, with its slash."""
        folder, slash, _ = path.rpartition("/")
        return folder + slash if self.style == "citsci" else ""

    def file_name(self, number: int) -> str:
        """Return the name of a file of the manifest in its folder.

        ``number``: which one, from 1.
        """
        return "manifest.csv" if self.rows is None else f"manifest-{number:03d}.csv"

    def _header(self) -> list[str]:
        identity = KEY_COLUMN if self.anonymous else _IDENTIFIER
        if self.style == "hosted":
            locations = (f"location:{number}" for number, _ in enumerate(self.frames, start=1))
            return ["external_id", *locations, *_imported((identity, *self.columns))]
        if self.style == "citsci":
            # What comes of it is imported, and that drops all columns but metadata.
            identity = KEY_COLUMN if self.anonymous else f"#{_IDENTIFIER}"
            objects = (_OBJECT,) if self._names_objects else ()
            return [*self._files("filename"), *objects, *_imported((identity, *self.columns))]
        return [*self._files("#url" if self.url_root else "filename"), identity, *self.columns]

    def _files(self, name: str) -> list[str]:
        """Return the columns that name files."""
        return [name if number == 1 else f"{name}_{number}" for number, _ in enumerate(self.frames, start=1)]

    def _row(self, picture: Picture, folder: str, names: Mapping[str, str]) -> list[str]:
        identifier = picture_key(picture.path) if self.anonymous else str(picture.diaSourceId)
        # panoptes takes an empty cell of the first row for the name of a file,
        # the directory itself, and gives up.
        missing = "null" if self.style == "panoptes" else ""
        known = picture.metadata
        # A marked name of the catalogue itself comes first.
        cells = [known.get(column) or known.get(name) or missing for column, name in names.items()]
        path = picture.path.removeprefix(folder)
        places = [path if frame == COMPOSITE else panel_path(path, frame) for frame in self.frames]
        if self.url_root:
            places = [hosted_url(self.url_root, place) for place in places]
        if self.style == "hosted":
            return [identifier, *places, identifier, *cells]
        objects = [picture.metadata.get(_OBJECT, missing)] if self._names_objects else []
        return [*places, *objects, identifier, *cells]


def _imported(columns: Iterable[str]) -> list[str]:
    """Return the names that the server's import wants of metadata."""
    return [_METADATA + column for column in columns]


def upload_commands(form: ManifestForm, directory: str, manifests: Sequence[str]) -> dict[str, list[str]]:
    """Return what uploads the pictures of a directory.

    ``form``: what the manifest looks like. ``directory``: path or URI of the directory. ``manifests``: the
    files of the manifest, relative to it. Returns: what does it under ``upload with``, for ``citsci`` a line
    of Python for each folder; what does the same under ``or with``.
    """
    root = directory.rstrip("/")
    if form.style == "citsci":
        folders = dict.fromkeys(f"{root}/{folder}" for folder in map(dirname, manifests))
        lines = [f"pipeline.send_image_data('NAME', pipeline.zip_image_cutouts({f!r})[0])" for f in folders]
        return {"upload with": lines}
    commands = {"upload with": [f"zooniverseCutoutsUpload {quote(root)} SUBJECT_SET"]}
    if form.style == "panoptes" and "://" not in root:
        words = ["panoptes", "subject-set", "upload-subjects", *_remote(form), "SUBJECT_SET"]
        files = " ".join(quote(f"{root}/{name}") for name in manifests)
        commands["or with"] = [f"{' '.join(words)} {files}"]
    return commands


def _remote(form: ManifestForm) -> Iterator[str]:
    """Yield the words that say which columns are URLs."""
    if form.url_root is not None:
        for number, _ in enumerate(form.frames, start=1):
            yield f"-r {number}"
